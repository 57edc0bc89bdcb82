import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import test from "ava";

test.serial("a program may end in the middle of runs: its exit code stands", async (t) => {
  const program = spawn(process.execPath, [fileURLToPath(new URL("./ends-during-runs.js", import.meta.url))], { stdio: "inherit" });
  const [code] = (await once(program, "exit")) as [number | null];
  t.is(code, 7);
});
