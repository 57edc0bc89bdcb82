import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { errorCodes, NightshiftError } from "../sdk/errors.js";
import { packageRoot } from "../sdk/paths.js";

/** The text of every TypeScript file below the folders, one string. */
const sources = (...folders: string[]): string =>
  folders
    .map((folder) => join(packageRoot(), folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: "utf8" }).map((file) => join(folder, file)))
    .filter((file) => file.endsWith(".ts") && !file.endsWith(join("sdk", "errors.ts")))
    .map((file) => readFileSync(file, "utf8"))
    .join("\n");

test("the README lists every code with its meaning, and no other", (t) => {
  const rows = [...readFileSync(join(packageRoot(), "README.md"), "utf8").matchAll(/^\| `(E_[A-Z_]+)` \| (.*) \|$/gm)];
  t.deepEqual(Object.fromEntries(rows.map(([, code, meaning]) => [code, meaning])), { ...errorCodes });
});

test("every code is raised somewhere and expected by some test", (t) => {
  const [code, tests] = [sources("sdk", "adapters", "calibration"), sources("test")];
  for (const each of Object.keys(errorCodes)) {
    t.true(code.includes(`"${each}"`), `${each} is raised`);
    t.regex(tests, new RegExp(`\\b${each}\\b`), `${each} is tested`);
  }
});

test("an error tells what was expected, what came and what to do, and keeps its cause", (t) => {
  const cause = new Error("underneath");
  const error = new NightshiftError("E_CAMERA", { expected: "a camera", received: "nothing", remedy: "Plug one in.", cause });
  t.is(error.message, "E_CAMERA: expected a camera; received nothing. Plug one in.");
  t.like(error, { code: "E_CAMERA", expected: "a camera", received: "nothing", remedy: "Plug one in.", cause });
});
