import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { packageRoot } from "../../sdk/paths.js";
import { tinyBundle } from "../support/tiny-bundle.js";

const run = promisify(execFile);
const bundle = await tinyBundle();
test.after.always(() => bundle.remove());

const sample = async (name: string, ...args: string[]): Promise<string> => (await run(process.execPath, [join(packageRoot(), "dist", "samples", `${name}.js`), bundle.directory, ...args])).stdout;

test("samples/answers.ts prints a line for each frame", async (t) => {
  const lines = (await sample("answers", "8")).trimEnd().split("\n");
  t.true(lines.length > 0 && lines.length <= 8);
  for (const line of lines) t.regex(line, /^frame \d+, (unknown|clear), generation 0, \d+ ms: /);
});

test("samples/words.ts answers in other words from some frame on", async (t) => {
  const lines = (await sample("words", "road", "sky")).trimEnd().split("\n");
  t.is(lines.length, 6);
  t.regex(lines[0] ?? "", /building/);
  t.regex(lines[5] ?? "", /^frame 50: road \d+ %, sky \d+ %$/);
});

test("samples/night.ts ends with what was learnt", async (t) => {
  const lines = (await sample("night", "12")).trimEnd().split("\n");
  t.like(JSON.parse(lines.at(-1) ?? ""), { generations: 0, generation: 0 });
});
