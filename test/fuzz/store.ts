import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { packageRoot } from "../../sdk/paths.js";
import type { TargetName } from "./targets.js";

/** Inputs that reach something that others do not; and inputs that once broke a promise. */
type Kind = "corpus" | "findings";

/** Of an input that is kept in the corpus, bytes; and how many of a target. */
const [largestKept, mostKept] = [2048, 60];

const fileOf = (kind: Kind, name: TargetName): string => join(packageRoot(), "test", "fuzz", kind, `${name}.txt`);
const line = (input: Uint8Array): string => `${Buffer.from(input).toString("base64")}\n`;

/** The inputs of a target: a line of base64 each. */
export function inputsIn(kind: Kind, name: TargetName): Uint8Array[] {
  const path = fileOf(kind, name);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines.map((each) => new Uint8Array(Buffer.from(each, "base64")));
}

/** Keeps an input that broke a promise, for `npm test`. */
export function keepFinding(name: TargetName, input: Uint8Array): void {
  const path = fileOf("findings", name);
  mkdirSync(dirname(path), { recursive: true });
  appendFileSync(path, line(input));
}

/** Makes these the corpus, the smallest first, as far as there is room. */
export function keepCorpus(name: TargetName, inputs: readonly Uint8Array[]): void {
  const path = fileOf("corpus", name);
  mkdirSync(dirname(path), { recursive: true });
  const small = inputs.filter(({ length }) => length <= largestKept).sort((a, b) => a.length - b.length);
  writeFileSync(path, small.slice(0, mostKept).map(line).join(""));
}
