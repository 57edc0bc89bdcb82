import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import test from "ava";
import { ThreadEngine } from "../../sdk/engine/thread-engine.js";

test.serial("a program may end in the middle of runs: its exit code stands", async (t) => {
  const program = spawn(process.execPath, [fileURLToPath(new URL("./ends-during-runs.js", import.meta.url))], { stdio: "inherit" });
  const [code] = (await once(program, "exit")) as [number | null];
  t.is(code, 7);
});

test.serial("a request that cannot be sent to the engine's thread keeps no program alive", async (t) => {
  const engine = new URL("../../sdk/engine/thread-engine.js", import.meta.url).href;
  const script = `import { ThreadEngine } from "${engine}"; await new ThreadEngine().setVocabulary([() => "car"]).catch(({ name }) => console.log(name));`;
  const program = spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: ["ignore", "pipe", "inherit"], timeout: 60_000 });
  const said: Buffer[] = [];
  program.stdout.on("data", (part: Buffer) => said.push(part));
  const [code] = (await once(program, "close")) as [number | null];
  t.deepEqual([code, Buffer.concat(said).toString()], [0, "DataCloneError\n"]);
});

test.serial("several engines listen once for the end of the program, and none does when they are closed", async (t) => {
  const before = process.listenerCount("exit");
  const engines = [new ThreadEngine(), new ThreadEngine(), new ThreadEngine()];
  t.is(process.listenerCount("exit"), before + 1);
  for (const engine of engines) await engine.close();
  t.is(process.listenerCount("exit"), before);
});
