import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import test from "ava";
import { readMemory } from "../../sdk/adaptation/memory-file.js";
import { cellColumns, cellRows } from "../../sdk/adaptation/monitor/statistics.js";
import { State } from "../../sdk/pipeline/state.js";
import { picture } from "../adaptation/pictures.js";
import { tinyBundle } from "../adaptation/tiny-bundle.js";
import { temporaryFolder } from "../bundle/contents.js";

test("the memory is written where it has changed, whole, and found again", async (t) => {
  const folder = await temporaryFolder(t);
  const bundle = await tinyBundle(folder);
  const directory = join(folder, "state");
  const fail = (error: unknown): void => t.fail(String(error));
  const state = await State.open({ source: "folder", state: directory }, bundle, "front");
  const memory = await state.memory(bundle, fail);
  const file = join(directory, "memory.safetensors");
  await state.keep(memory);
  t.false(existsSync(file), "nothing was remembered yet");
  const { width, height } = memory.options;
  const offer = (at: number): unknown =>
    memory.offer({ id: `front/${at}`, condition: "night", captureTimeNs: BigInt(at), scene: { thumbnail: new Uint8Array(cellRows * cellColumns * 3).fill(60 * at), shares: new Map() }, rgb: () => picture("night", at, width, height).rgb });
  offer(1);
  // What a crash left of another attempt is in nobody's way.
  await writeFile(`${file}.new`, "torn");
  await state.keep(memory);
  const { ino } = await stat(file);
  await state.keep(memory);
  t.is((await stat(file)).ino, ino);
  offer(2);
  await Promise.all([state.keep(memory), state.keep(memory)]);
  t.not((await stat(file)).ino, ino);
  await state.close(memory);
  const again = await State.open({ source: "folder", state: directory }, bundle, "front");
  const found = await again.memory(bundle, fail);
  t.deepEqual(found.frames(), memory.frames());
  const { mtimeMs } = await stat(file);
  await again.close(found);
  t.is((await stat(file)).mtimeMs, mtimeMs, "nothing new, nothing written");
});

test("killed at any instant, it leaves a whole memory, and the next run takes it over", async (t) => {
  const folder = await temporaryFolder(t);
  const bundle = await tinyBundle(folder);
  const directory = join(folder, "state");
  let least = 0;
  for (let run = 0; run < 6; run++) {
    const child = fork(fileURLToPath(new URL("./keeps-remembering.js", import.meta.url)), [directory, bundle.directory, String(run)], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    let told = 0;
    child.on("message", (held) => (told = Number(held)));
    const exit = once(child, "exit");
    while (told < least + 2 && child.exitCode === null) await sleep(5);
    await sleep(7 * run);
    child.kill("SIGKILL");
    await exit;
    const { held } = readMemory(await readFile(join(directory, "memory.safetensors"))).counters;
    t.true(held >= told && told > 0, `${held} of ${told}`);
    least = Math.min(held, 80);
  }
});
