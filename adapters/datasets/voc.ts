import { readFile } from "node:fs/promises";
import { NightshiftError, reasonOf } from "../../sdk/errors.js";
import type { LabelledBox } from "../../sdk/frame.js";

/** What an annotation says. */
export interface Annotation {
  readonly boxes: readonly LabelledBox[];
  /** Pixels of the image that was annotated; undefined where it does not say. */
  readonly width: number | undefined;
  readonly height: number | undefined;
}

/**
 * Reads a PASCAL VOC annotation. Corners are taken as pixel edges counted from 0, as today's labelling tools write them.
 * Throws `E_DATASET` where the file cannot be read, an object is incomplete, or a label is not in `names`.
 */
export async function readAnnotation(path: string, names: readonly string[]): Promise<Annotation> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw invalid(path, reasonOf(cause), cause);
  }
  return parseAnnotation(text, path, names);
}

/** The same of the file's text. Throws `E_DATASET`. */
export function parseAnnotation(text: string, path: string, names: readonly string[]): Annotation {
  if (!text.includes("<annotation")) throw invalid(path, "a file without <annotation>");
  // A file that is torn holds fewer objects than its image.
  if (!text.includes("</annotation>") && !/<annotation\s*\/>/.test(text)) throw invalid(path, "an <annotation> without its end");
  // Cut, not matched: a pattern would look through the rest of the file for each beginning without an end. It may have attributes.
  const objects = text.split("<object").slice(1).filter((part) => /^[\s/>]/.test(part));
  const boxes = objects.map((part) => {
    const [object = "", end] = part.split("</object>", 2);
    if (end === undefined) throw invalid(path, "an <object> without its end");
    const label = field(path, object, "name");
    if (!names.includes(label)) throw invalid(path, `the label "${label}", which classes.json does not list`);
    const edge = (name: string): number => {
      const value = Number(field(path, object, name));
      if (!Number.isFinite(value)) throw invalid(path, `${name} that is not a number`);
      return value;
    };
    const box = { x1: edge("xmin"), y1: edge("ymin"), x2: edge("xmax"), y2: edge("ymax"), label, ...(valueOf(object, "difficult") === "1" && { difficult: true }) };
    if (box.x2 <= box.x1 || box.y2 <= box.y1) throw invalid(path, `an empty box (${box.x1}, ${box.y1}, ${box.x2}, ${box.y2})`);
    return box;
  });
  const size = text.split("<size>", 2)[1]?.split("</size>", 1)[0] ?? "";
  // Some tools write 0 where they do not know.
  const side = (name: string): number | undefined => Number(valueOf(size, name)) || undefined;
  return { boxes, width: side("width"), height: side("height") };
}

const valueOf = (text: string, name: string): string | undefined => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1]?.trim();

function field(path: string, object: string, name: string): string {
  const value = valueOf(object, name);
  if (!value) throw invalid(path, `an object without <${name}>`);
  return value;
}

function invalid(path: string, received: string, cause?: unknown): NightshiftError {
  return new NightshiftError("E_DATASET", {
    expected: `a PASCAL VOC annotation in ${path}`,
    received,
    remedy: "Correct the file, or remove it together with its image.",
    cause,
  });
}
