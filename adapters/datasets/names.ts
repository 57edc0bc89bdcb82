import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { NightshiftError, reasonOf } from "../../sdk/errors.js";
import { ignoreLabel } from "../../sdk/training/dataset.js";

const classesFile = z.strictObject({
  classes: z.record(z.string().regex(/^\d{1,3}$/), z.string().min(1)).optional(),
  ignore: z.array(z.int().min(0).max(255)).optional(),
  boxes: z.array(z.string().min(1)).optional(),
});

/** What a `classes.json` says: the words behind a dataset's labels. */
export interface DatasetNames {
  /** Names of the mask's classes, in the order of their ids. Empty where masks are not labelled. */
  readonly names: readonly string[];
  /** Names that boxes carry. Empty where boxes are not labelled. */
  readonly boxNames: readonly string[];
  /** 256 entries: the id in a label file to the index into `names`, or `ignoreLabel`. */
  readonly indexOfId: Uint8Array;
}

/**
 * Reads the `classes.json` of a dataset folder. Ids that are listed under `ignore`, and ids that are not listed at all, become `ignoreLabel`.
 * Throws `E_DATASET` where the file cannot be read, is not JSON, or does not have the documented form.
 */
export async function readNames(folder: string): Promise<DatasetNames> {
  const path = join(folder, "classes.json");
  return parseNames(await read(path), path);
}

/** The same of the file's text. Throws `E_DATASET`. */
export function parseNames(text: string, path: string): DatasetNames {
  const parsed = classesFile.safeParse(parse(path, text));
  if (!parsed.success) throw malformed(path, z.prettifyError(parsed.error).replaceAll("\n", " "), parsed.error);
  const ignored = new Set(parsed.data.ignore);
  const indexOfId = new Uint8Array(256).fill(ignoreLabel);
  const names: string[] = [];
  const byId = Object.entries(parsed.data.classes ?? {}).sort(([a], [b]) => Number(a) - Number(b));
  for (const [key, name] of byId) {
    const id = Number(key);
    if (id > 255) throw malformed(path, `class id ${id}`);
    if (ignored.has(id)) continue;
    if (indexOfId[id] !== ignoreLabel) throw malformed(path, `class id ${id} twice`);
    indexOfId[id] = names.length;
    names.push(name);
  }
  const boxNames = parsed.data.boxes ?? [];
  for (const list of [names, boxNames]) if (new Set(list).size !== list.length) throw malformed(path, "a name that is listed twice");
  return { names, boxNames, indexOfId };
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new NightshiftError("E_DATASET", {
      expected: `the class names of the dataset in ${path}`,
      received: reasonOf(cause),
      remedy: 'Add a classes.json, for example {"classes": {"0": "road", "1": "car"}, "ignore": [255]}.',
      cause,
    });
  }
}

function parse(path: string, text: string): unknown {
  try {
    // Editors on Windows begin a file with a mark of its byte order.
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    throw malformed(path, `text that is not JSON: ${reasonOf(cause)}`, cause);
  }
}

function malformed(path: string, received: string, cause?: unknown): NightshiftError {
  return new NightshiftError("E_DATASET", {
    expected: `{"classes": {ID: NAME, ...}, "ignore": [ID, ...], "boxes": [NAME, ...]} in ${path}, ids from 0 to 255`,
    received,
    remedy: "Correct the file; adapters/datasets/names.ts holds its form.",
    cause,
  });
}
