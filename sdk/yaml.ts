import { readFile } from "node:fs/promises";
import { type Document, isMap, isNode, LineCounter, parse, parseDocument } from "yaml";
import type { z } from "zod";
import { NightshiftError, reasonOf } from "./errors.js";
import { issuesOf } from "./issues.js";

export interface YamlFile<Schema extends z.ZodType> {
  /** Undefined for an empty one, to which `set` adds. */
  readonly path: string | undefined;
  readonly schema: Schema;
  /** For errors: what such a file is, and what to do about one that is not. */
  readonly expected: string;
  readonly remedy: string;
  /** `a.b=value` each, over what the file says. */
  readonly set?: readonly string[];
}

/** Reads a YAML (or JSON) file by a schema. Throws `E_CONFIG` with the lines at which it means nothing. */
export async function readYaml<Schema extends z.ZodType>({ path, schema, expected, remedy, set = [] }: YamlFile<Schema>): Promise<z.infer<Schema>> {
  const lines = new LineCounter();
  const invalid = (received: string, cause?: unknown): NightshiftError => new NightshiftError("E_CONFIG", { expected, received: `${path ?? "settings"}: ${received}`, remedy, cause });
  const text =
    path === undefined
      ? ""
      : await readFile(path, "utf8").catch((cause: unknown) => {
          throw invalid(reasonOf(cause), cause);
        });
  const document = parseDocument(text, { lineCounter: lines });
  const [broken] = document.errors;
  if (broken) throw invalid(oneLine(broken.message), broken);
  const settings = set.map(settingOf);
  let said: unknown;
  try {
    said = document.toJS() as unknown;
  } catch (cause) {
    // An alias of nothing, or of so much that it would fill the memory.
    throw invalid(reasonOf(cause), cause);
  }
  const read = schema.safeParse(settings.reduce(withSetting, said ?? {}), { reportInput: true });
  if (read.success) return read.data;
  const complaints = issuesOf(read.error).map((issue) => {
    const { path: at, message } = issue;
    const isSet = settings.some((setting) => isOf(setting, issue));
    const offset = isSet ? undefined : offsetOf(document, issue);
    const where = offset === undefined ? (isSet && path !== undefined ? "--set " : "") : `line ${lines.linePos(offset).line}: `;
    return `${where}${at.join(".")}${at.length > 0 ? ": " : ""}${oneLine(message)}`;
  });
  throw invalid(complaints.join("; "), read.error);
}

interface Setting {
  readonly path: readonly string[];
  readonly value: unknown;
}

/** Reads `a.b=value`, the value in YAML. Throws `E_CONFIG`. */
function settingOf(setting: string): Setting {
  const invalid = (received: string, remedy: string, cause?: unknown): NightshiftError =>
    new NightshiftError("E_CONFIG", { expected: "a setting as key=value or key.key=value, the value in YAML", received, remedy, cause });
  const [, path = "", text = ""] = /^([\w.]+)=(.*)$/s.exec(setting) ?? [];
  if (path === "") throw invalid(JSON.stringify(setting), "Write, for example, --set camera=front.");
  try {
    return { path: path.split("."), value: parse(text) as unknown };
  } catch (cause) {
    throw invalid(`${JSON.stringify(setting)}: ${oneLine(reasonOf(cause))}`, "Mend the value.", cause);
  }
}

function withSetting(into: unknown, { path: [key = "", ...rest], value }: Setting): unknown {
  const fields = typeof into === "object" && into !== null ? into : {};
  return { ...fields, [key]: rest.length > 0 ? withSetting((fields as Record<string, unknown>)[key], { path: rest, value }) : value };
}

/** Whether it is a setting that an issue is about, and not the file. */
function isOf({ path }: Setting, issue: z.core.$ZodIssue): boolean {
  const of = [...issue.path, ...(issue.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [])];
  return path.every((key, at) => String(of[at]) === key);
}

/** Where in the file an issue lies: at the key that nobody knows, or at the value, or at what should hold it. Undefined where the file has none of them. */
function offsetOf(document: Document.Parsed, issue: z.core.$ZodIssue): number | undefined {
  const path = issue.path.filter((part): part is string | number => typeof part !== "symbol");
  if (issue.code === "unrecognized_keys") {
    const map = path.length > 0 ? document.getIn(path, true) : document.contents;
    const pair = isMap(map) ? map.items.find(({ key }) => issue.keys.includes(String(isNode(key) ? key.toJSON() : key))) : undefined;
    return isNode(pair?.key) ? pair.key.range?.[0] : undefined;
  }
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node)) return node.range?.[0];
  }
  return undefined;
}

const oneLine = (text: string): string => text.trim().replaceAll(/\s+/g, " ");
