import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import test, { type ExecutionContext } from "ava";
import { FrameMemory } from "../../sdk/adaptation/memory.js";
import { createSealingKey } from "../../sdk/adaptation/sealed.js";
import { readMemory, writeMemory } from "../../sdk/adaptation/memory-file.js";
import { cellColumns, cellRows } from "../../sdk/adaptation/monitor/statistics.js";
import { type Bundle, contentOf } from "../../sdk/bundle/index.js";
import type { NightshiftError } from "../../sdk/errors.js";
import { nowNs } from "../../sdk/frame.js";
import { initialWeights } from "../../sdk/network/initial.js";
import { eraseStates } from "../../sdk/pipeline/erase.js";
import { writeSecret } from "../../sdk/secret-file.js";
import { State } from "../../sdk/pipeline/state.js";
import { picture } from "../adaptation/pictures.js";
import { network, tinyBundle } from "../adaptation/tiny-bundle.js";
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
    memory.offer({ id: `front/${at}`, condition: "night", captureTimeNs: nowNs() + BigInt(at), scene: { thumbnail: new Uint8Array(cellRows * cellColumns * 3).fill(60 * at), shares: new Map() }, rgb: () => picture("night", at, width, height).rgb });
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
  t.is((await stat(directory)).mode & 0o077, 0, "nobody else looks into it");
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

test("frames that are too old are forgotten, in memory and on the disk", async (t) => {
  const { open, file } = await place(t);
  const state = await open({ mostHours: 2 });
  const memory = await state.memory(...state.of);
  const hour = 3_600_000_000_000n;
  for (const hoursAgo of [5, 3, 1, 0]) remember(memory, hoursAgo, nowNs() - BigInt(hoursAgo) * hour);
  await state.keep(memory);
  t.deepEqual(memory.frames().map(({ id }) => id), ["front/1", "front/0"]);
  t.deepEqual(readMemory(await readFile(file)).frames().map(({ id }) => id), ["front/1", "front/0"]);
  await state.close(memory);
});

test("with a key, frames lie encrypted on the disk; without it, nothing is written beside them in the clear", async (t) => {
  const { open, file, folder } = await place(t);
  const key = join(folder, "frames.key");
  await writeSecret(key, createSealingKey());
  const plain = await open({});
  const memory = await plain.memory(...plain.of);
  remember(memory, 1, nowNs());
  await plain.close(memory);
  t.true((await readFile(file)).includes("front/1"), "in the clear as long as no key is given");
  const encrypting = await open({ key });
  const found = await encrypting.memory(...encrypting.of);
  t.is(found.frames().length, 1);
  t.false((await readFile(file)).includes("front/1"), "encrypted as soon as one is");
  await encrypting.close(found);
  const again = await open({ key });
  t.deepEqual((await again.memory(...again.of)).frames(), memory.frames());
  await again.close();
  const without = await open({});
  await t.throwsAsync(without.memory(...without.of), { code: "E_KEY", message: /received none/ });
  await without.close();
  const other = join(folder, "other.key");
  await writeSecret(other, createSealingKey());
  const errors: unknown[] = [];
  const wrong = await open({ key: other });
  t.is((await wrong.memory(wrong.of[0], (error) => errors.push(error))).frames().length, 0);
  t.like(errors[0], { code: "E_KEY" });
  await wrong.close();
});

test("what is erased is gone from the disk, and generations where that is asked for", async (t) => {
  const { open, file, folder } = await place(t);
  const state = await open({});
  const memory = await state.memory(...state.of);
  remember(memory, 1, nowNs());
  await state.keep(memory);
  await t.throwsAsync(eraseStates(folder), { code: "E_CONFIG", message: /process/ }, "one that runs is asked over its control socket");
  // What a crash left of a write.
  await writeFile(`${file}.new`, "torn");
  await state.eraseFrames(memory);
  t.is(memory.frames().length, 0);
  t.false(existsSync(file) || existsSync(`${file}.new`));
  await state.keep(memory);
  t.false(existsSync(file), "nothing was remembered since");
  remember(memory, 2, nowNs());
  const kept = state.keep(memory);
  await Promise.all([kept, state.eraseFrames(memory)]);
  t.false(existsSync(file), "also what was just being written");
  remember(memory, 2, nowNs());
  await state.close(memory);
  t.true(existsSync(file));
  t.deepEqual(await eraseStates(folder), [join(folder, "state")]);
  t.false(existsSync(file));
  t.true(existsSync(join(folder, "state", "generations")));
  await eraseStates(join(folder, "state"), true);
  t.false(existsSync(join(folder, "state", "generations")));
  await t.throwsAsync(eraseStates(folder), { code: "E_CONFIG" });
});

test("what was learnt from another bundle is not taken for this one's: it is set aside, told of, and erased with the rest", async (t) => {
  const { open, folder } = await place(t);
  const state = join(folder, "state");
  const first = await open({});
  const learnt = await learn(first, folder);
  await first.close();
  const served = async (opened: State, delivered: Bundle) => {
    const told: NightshiftError[] = [];
    const { manifest } = await opened.current(delivered, (error) => told.push(error));
    await opened.close();
    return { content: contentOf(manifest), told: told.map(({ message }) => message) };
  };
  const again = await open({});
  t.deepEqual(await served(again, again.of[0]), { content: contentOf(learnt.manifest), told: [] });

  const other = await tinyBundle(join(folder, "other"), initialWeights(network, 6));
  const opened = () => State.open({ source: "folder", state }, other, "front");
  const updated = await served(await opened(), other);
  t.is(updated.content, contentOf(other.manifest));
  t.regex(updated.told.join(), /another bundle.*set aside/s);
  t.deepEqual((await served(await opened(), other)).told, []);
  const [aside] = (await readdir(state)).filter((name) => name.startsWith("learnt-from-"));
  t.true(existsSync(join(state, aside, "generations", String(learnt.manifest.generation), "manifest.json")));
  await eraseStates(state, true);
  t.false((await readdir(state)).some((name) => name.startsWith("learnt-from-")));
});

test("a bundle that nothing was learnt from sets nothing aside, and leaves what was", async (t) => {
  const { open, folder } = await place(t);
  const state = join(folder, "state");
  const first = await open({});
  const learnt = await learn(first, folder);
  await first.close();
  const other = await tinyBundle(join(folder, "other"), initialWeights(network, 6));
  const told: string[] = [];
  for (const bundle of [other, first.of[0], other]) {
    const opened = await State.open({ source: "folder", state }, bundle, "front");
    await opened.current(bundle, ({ message }) => told.push(message));
    await opened.close();
  }
  const asides = (await readdir(state)).filter((name) => name.startsWith("learnt-from-"));
  t.is(asides.length, 1);
  t.true(existsSync(join(state, asides[0], "generations", String(learnt.manifest.generation), "manifest.json")));
  for (const message of told) t.true(message.includes(asides[0]), message);
});

test("a pointer that the system does not let be read is told of, and the delivered weights serve", async (t) => {
  const { open, folder } = await place(t);
  const state = await open({});
  await mkdir(join(folder, "state", "current"));
  const told: NightshiftError[] = [];
  t.is(await state.current(state.of[0], (error) => told.push(error)), state.of[0]);
  t.like(told[0], { code: "E_BUNDLE_MISSING" });
  t.regex(told[0].message, /state.current/);
  await state.close();
});

test("a folder of before its bundle was written down is taken as it is", async (t) => {
  const { open, folder } = await place(t);
  const first = await open({});
  const learnt = await learn(first, folder);
  await first.close();
  await rm(join(folder, "state", "origin"));
  const again = await open({});
  t.is(await again.generations.current(), learnt.manifest.generation);
  await again.close();
});

test("remembered frames of another size are told of, and forgotten", async (t) => {
  const { open, file } = await place(t);
  const memory = new FrameMemory({ width: 32, height: 32 });
  remember(memory, 1, nowNs());
  const state = await open({});
  await writeFile(file, writeMemory(memory));
  const told: unknown[] = [];
  t.is((await state.memory(state.of[0], (error) => told.push(error))).counters.held, 0);
  t.like(told[0], { code: "E_FRAME_SIZE" });
  await state.close();
});

test("a folder that cannot be opened is not kept from whoever comes next", async (t) => {
  const { open, folder } = await place(t);
  const obstacle = join(folder, "state", "generations");
  await (await open({})).close();
  await rm(obstacle, { recursive: true });
  await writeFile(obstacle, "");
  await t.throwsAsync(open({}));
  await rm(obstacle);
  await (await open({})).close();
});

/** A generation that serves from then on. */
async function learn({ generations }: State, folder: string): Promise<Bundle> {
  const learnt = await tinyBundle(join(folder, "learnt"), initialWeights(network, 7));
  await cp(learnt.directory, generations.pathOf(learnt.manifest.generation), { recursive: true });
  await generations.setCurrent(learnt.manifest.generation);
  return learnt;
}

function remember(memory: FrameMemory, number: number, captureTimeNs: bigint): void {
  const { width, height } = memory.options;
  const scene = { thumbnail: new Uint8Array(cellRows * cellColumns * 3).fill(20 + 40 * number), shares: new Map() };
  memory.offer({ id: `front/${number}`, condition: "night", captureTimeNs, scene, rgb: () => picture("night", number, width, height).rgb });
}

/** A bundle and where its state is kept. */
async function place(t: ExecutionContext) {
  const folder = await temporaryFolder(t);
  const bundle = await tinyBundle(folder);
  const directory = join(folder, "state");
  const open = async (memory: { mostHours?: number; key?: string }) => {
    const state = await State.open({ source: "folder", state: directory, memory }, bundle, "front");
    return Object.assign(state, { of: [bundle, (error: unknown) => void t.fail(String(error))] as const });
  };
  return { folder, open, file: join(directory, "memory.safetensors") };
}
