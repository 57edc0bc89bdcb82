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
  const value: unknown = set.reduce(withValue, (document.toJS() as unknown) ?? {});
  const read = schema.safeParse(value, { reportInput: true });
  if (read.success) return read.data;
  const complaints = issuesOf(read.error).map((issue) => {
    const offset = offsetOf(document, issue);
    const where = offset === undefined ? "" : `line ${lines.linePos(offset).line}: `;
    return `${where}${issue.path.join(".")}${issue.path.length > 0 ? ": " : ""}${oneLine(issue.message)}`;
  });
  throw invalid(complaints.join("; "), read.error);
}

/** Sets one value, written as `a.b=value` with the value in YAML. Throws `E_CONFIG`. */
function withValue(value: unknown, setting: string): unknown {
  const [, path = "", text = ""] = /^([\w.]+)=(.*)$/s.exec(setting) ?? [];
  if (path === "")
    throw new NightshiftError("E_CONFIG", { expected: "a setting as key=value or key.key=value", received: JSON.stringify(setting), remedy: "Write, for example, --set camera=front." });
  const put = (into: unknown, [key = "", ...rest]: readonly string[]): unknown => {
    const fields = typeof into === "object" && into !== null ? into : {};
    return { ...fields, [key]: rest.length > 0 ? put((fields as Record<string, unknown>)[key], rest) : (parse(text) as unknown) };
  };
  return put(value, path.split("."));
}

/** Where in the file an issue lies: at the key that nobody knows, or at the value, or at what should hold it. Undefined for what `--set` said. */
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
