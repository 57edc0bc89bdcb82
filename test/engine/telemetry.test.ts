import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import test from "ava";
import { temporaryFolder } from "../bundle/contents.js";
import { bundleOf, product } from "./models.js";

const address = (file: string): string => JSON.stringify(new URL(`../../sdk/engine/${file}`, import.meta.url).href);
const runs = (model: string): string => `import(${address("run.js")}).then(({ runModel }) => runModel(${JSON.stringify(model)}, { x: { dtype: "uint8", shape: [2, 3], data: new Uint8Array(6) } }))`;
const serves = (directory: string): string => `import(${address("thread-engine.js")}).then(({ ThreadEngine }) => new ThreadEngine().load({ kind: "bundle", directory: ${JSON.stringify(directory)} }))`;

test.serial("ONNX Runtime keeps no record of its sessions for its makers, whatever the environment says", async (t) => {
  const folder = await temporaryFolder(t);
  const [home, model] = [join(folder, "home"), join(folder, "model.onnx")];
  await mkdir(home);
  await writeFile(model, product());
  for (const program of [runs(model), serves(await bundleOf(t, 0))]) {
    // An environment without CI, in which it keeps quiet by itself.
    const child = spawn(process.execPath, ["--eval", program], { env: { HOME: home, ORT_DISABLE_TELEMETRY: "0" }, stdio: "inherit" });
    t.is((await once(child, "exit"))[0], 0);
  }
  t.deepEqual(await readdir(home), []);
});

test.serial("in a thread that cannot turn its telemetry off ONNX Runtime is not run", async (t) => {
  for (const program of [runs("model.onnx"), serves("bundle")]) {
    const thread = new Worker(`const { parentPort } = require("node:worker_threads"); ${program}.catch(({ message }) => parentPort.postMessage(message));`, { eval: true, env: {} });
    const [message] = (await once(thread, "message")) as [string];
    t.regex(message, /^E_CONFIG: expected ORT_DISABLE_TELEMETRY=1/);
  }
});
