import { readFileSync, truncateSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { readMemory } from "../../sdk/adaptation/memory-file.js";
import { type Disk, realDisk } from "../../sdk/bundle/disk.js";
import { type Bundle, descriptionOf, GenerationStore, readBundle, writeBundle } from "../../sdk/bundle/index.js";
import { SwappableEngine } from "../../sdk/engine/hot-swap.js";
import { nowNs } from "../../sdk/frame.js";
import { ThreadEngine } from "../../sdk/engine/thread-engine.js";
import { Nightshift, NightshiftError, type StreamEvent } from "../../sdk/index.js";
import { cellColumns, cellRows } from "../../sdk/adaptation/monitor/statistics.js";
import { ServedModel } from "../../sdk/pipeline/served-model.js";
import { initialWeights } from "../../sdk/network/initial.js";
import { Outlets } from "../../sdk/pipeline/outlets.js";
import { State } from "../../sdk/pipeline/state.js";
import { Recorder } from "../../sdk/recording/recorder.js";
import { streamEvent } from "../../sdk/stream/events.js";
import { Random } from "../../sdk/random.js";
import { picture } from "../adaptation/pictures.js";
import { Setting } from "../adaptation/setting.js";
import { network, tinyBundle } from "../adaptation/tiny-bundle.js";
import { pretendedHandler } from "../stream/pretended-handler.js";
import { temporaryFolder } from "../bundle/contents.js";

/** A disk that can be full, or read-only. */
class TroubledDisk implements Disk {
  trouble: "ENOSPC" | "EROFS" | undefined;

  readonly #work = <T>(work: () => Promise<T>): Promise<T> =>
    this.trouble === undefined ? work() : Promise.reject(Object.assign(new Error(`${this.trouble}: the disk takes nothing`), { code: this.trouble }));
  readonly makeFolder = (path: string): Promise<void> => this.#work(() => realDisk.makeFolder(path));
  readonly rename = (from: string, to: string): Promise<void> => this.#work(() => realDisk.rename(from, to));
  readonly remove = (path: string): Promise<void> => (this.trouble === "ENOSPC" ? realDisk.remove(path) : this.#work(() => realDisk.remove(path)));
  readonly syncFolder = (path: string): Promise<void> => realDisk.syncFolder(path);
  readonly create: Disk["create"] = async (path) => {
    const file = await (this.trouble === "EROFS" ? this.#work(() => realDisk.create(path)) : realDisk.create(path));
    return { write: (content) => this.#work(() => file.write(content)), sync: () => file.sync(), close: () => file.close() };
  };
}

/** A folder of state in which generation 1 of this bundle was learnt. */
async function afterLearning(bundle: Bundle, folder: string) {
  const options = { source: "folder", state: join(folder, "state") };
  const before = await State.open(options, bundle, "front");
  await before.generations.write({ description: { ...descriptionOf(bundle.manifest), generation: 1, parent: 0 }, weights: bundle.weights, embeddings: bundle.embeddings(), golden: bundle.golden, notice: bundle.notice });
  await before.generations.setCurrent(1);
  await before.close();
  return options;
}

for (const trouble of ["ENOSPC", "EROFS"] as const) {
  const what = trouble === "ENOSPC" ? "a disk that is full" : "a disk that turns read-only";

  test.serial(`${what} when a generation is accepted: what served still serves, it is told, and the next one is kept when there is room`, async (t) => {
    const disk = new TroubledDisk();
    const setting = await Setting.open(t, { furtherRounds: 0 }, disk);
    await setting.show("day", 20);
    setting.trainer.meanwhile = () => (disk.trouble = trouble);
    await setting.show("night", 40);
    t.is(setting.generation, 0);
    t.deepEqual(await setting.store.shelf(), {});
    t.regex(setting.events.find(({ kind }) => kind === "trainer_failed")?.text ?? "", /E_DISK/);
    disk.trouble = undefined;
    setting.trainer.meanwhile = () => undefined;
    setting.nowMs += 60_000;
    await setting.show("night", 20);
    t.true(setting.generation > 0);
    t.deepEqual(await setting.store.shelf(), { night: setting.generation });
  });

  test.serial(`${what} when the weather turns: the right weights serve all the same, and it is told that this is not kept`, async (t) => {
    const disk = new TroubledDisk();
    const setting = await Setting.open(t, { furtherRounds: 0 }, disk);
    await setting.show("day", 20);
    await setting.show("night", 160);
    t.is(setting.generation, 1);
    await setting.show("day", 40);
    disk.trouble = trouble;
    setting.trainer.outcome = new NightshiftError("E_TRAINER", { expected: "room", received: "none", remedy: "None." });
    await setting.show("night", 15);
    t.is(setting.generation, 1);
    t.is(setting.events.find(({ kind }) => kind === "state_error")?.details.code, "E_DISK");
    t.false(setting.loop.isPaused);
  });
}

test.serial("a disk that is full while frames are kept: the file of before stays whole, and the next try keeps all", async (t) => {
  const folder = await temporaryFolder(t);
  const bundle = await tinyBundle(folder);
  const disk = new TroubledDisk();
  const state = await State.open({ source: "folder", state: join(folder, "state") }, bundle, "front", disk);
  t.teardown(() => state.close());
  const memory = await state.memory(bundle, (error) => t.fail(String(error)));
  const { width, height } = memory.options;
  const offer = (at: number): unknown => memory.offer({ id: `front/${at}`, condition: "night", captureTimeNs: nowNs(), scene: { thumbnail: new Uint8Array(cellRows * cellColumns * 3).fill(60 * at), shares: new Map() }, rgb: () => picture("night", at, width, height).rgb });
  const kept = async (): Promise<number> => readMemory(await readFile(join(folder, "state", "memory.safetensors"))).counters.held;
  offer(1);
  await state.keep(memory);
  offer(2);
  disk.trouble = "ENOSPC";
  await t.throwsAsync(state.keep(memory), { code: "E_DISK" });
  t.is(await kept(), 1);
  disk.trouble = undefined;
  await state.keep(memory);
  t.is(await kept(), 2);
});

test.serial("a disk that is full when the memory is found, of which some is too old: the rest is remembered, and it is told", async (t) => {
  const folder = await temporaryFolder(t);
  const bundle = await tinyBundle(folder);
  const open = (mostHours: number, disk: Disk) => State.open({ source: "folder", state: join(folder, "state"), memory: { mostHours } }, bundle, "front", disk);
  const before = await open(24, realDisk);
  const memory = await before.memory(bundle, (error) => t.fail(String(error)));
  const { width, height } = memory.options;
  for (const [at, hoursAgo] of [[1, 3n], [2, 0n]] as const)
    memory.offer({ id: `front/${at}`, condition: "night", captureTimeNs: nowNs() - hoursAgo * 3_600_000_000_000n, scene: { thumbnail: new Uint8Array(cellRows * cellColumns * 3).fill(60 * at), shares: new Map() }, rgb: () => picture("night", at, width, height).rgb });
  await before.close(memory);
  const disk = new TroubledDisk();
  const state = await open(2, disk);
  disk.trouble = "ENOSPC";
  const told: unknown[] = [];
  const found = await state.memory(bundle, (error) => told.push(error));
  t.deepEqual(found.frames().map(({ id }) => id), ["front/2"]);
  t.is(told.length, 1);
  t.like(told[0], { code: "E_DISK" });
  disk.trouble = undefined;
  await state.close(found);
  t.is(readMemory(await readFile(join(folder, "state", "memory.safetensors"))).counters.held, 1);
});

test.serial("a disk that is read-only from the start, with what another bundle learnt: it does not serve, and it is told", async (t) => {
  const folder = await temporaryFolder(t);
  const bundle = await tinyBundle(folder);
  const options = await afterLearning(bundle, folder);
  const other = await tinyBundle(join(folder, "other"), initialWeights(network, 6));
  const disk = new TroubledDisk();
  disk.trouble = "EROFS";
  const state = await State.open(options, other, "front", disk);
  const told: string[] = [];
  const { manifest } = await state.current(other, ({ message }) => told.push(message));
  t.is(manifest.generation, 0);
  t.regex(told.join("\n"), /learnt from another bundle/);
  t.regex(told.join("\n"), /E_DISK/);
  await state.close();
});

test.serial("a disk that takes the last part of a recording no more: everything else is closed all the same, and it is told", async (t) => {
  const folder = await temporaryFolder(t);
  const disk = new TroubledDisk();
  const about = { version: "0", cameras: ["front"], bundle: "default", bundleSha256: "", generation: 0, vocabulary: ["road"], seed: 1, adaptation: false as const };
  const told: string[] = [];
  const onError = ({ code }: NightshiftError): void => {
    told.push(code);
    outlets.event(streamEvent("recording_failed", code));
  };
  const handler = {
    ...pretendedHandler([]),
    status: () => {
      throw new Error("nobody asks");
    },
  };
  const record = () => Recorder.open(join(folder, "run.mcap"), about, { live: false, disk, onError });
  const outlets = await Outlets.open({ publish: ["tcp://127.0.0.1:*"], control: false }, handler, { source: "front", bundle: "default" }, record, (error) => t.fail(String(error)));
  disk.trouble = "ENOSPC";
  await outlets.close();
  t.deepEqual(told, ["E_RECORDING"]);
  t.notThrows(() => outlets.event(streamEvent("trigger", "too late for anybody here")));
});

test.serial("a disk that is read-only from the start: what was learnt serves, nothing is learnt, and it is told", async (t) => {
  const folder = await temporaryFolder(t);
  const bundle = await tinyBundle(folder);
  const options = await afterLearning(bundle, folder);
  const disk = new TroubledDisk();
  disk.trouble = "EROFS";
  const state = await State.open(options, bundle, "front", disk);
  const told: unknown[] = [];
  const { manifest } = await state.current(bundle, (error) => told.push(error.code));
  t.is(manifest.generation, 1);
  t.deepEqual(told, ["E_DISK"]);
  await state.close(await state.memory(bundle, (error) => t.fail(String(error))));
});

test.serial("a state folder that cannot be made: the stream goes on with what was delivered, and does not learn", async (t) => {
  const folder = await temporaryFolder(t);
  const { directory } = await tinyBundle(folder);
  const events: StreamEvent[] = [];
  const frames = { name: "front", live: false, frames: async function* () { for (let at = 0; at < 5; at++) yield picture("day", at, 160, 96); } };
  // Nobody, root neither, makes folders in there.
  const nightshift = await Nightshift.start({ bundle: directory, source: frames, state: "/sys/nightshift", publish: false, control: false, onEvent: (event) => events.push(event), onError: () => undefined });
  t.teardown(() => nightshift.stop());
  let answered = 0;
  for await (const { generation } of nightshift.answers()) answered += generation === 0 ? 1 : 0;
  t.is(answered, 5);
  t.throws(() => nightshift.resume(), { code: "E_CONTROL", message: /state folder/ });
  t.true(nightshift.status.paused);
  t.is(events.find(({ kind }) => kind === "state_error")?.details.code, "E_DISK");
});

test.serial("a swap's file truncated anywhere: refused by name, and what served goes on answering", async (t) => {
  const folder = await temporaryFolder(t);
  const bundle = await tinyBundle(folder);
  const engine = new SwappableEngine(() => new ThreadEngine({ threads: 1 }));
  t.teardown(() => engine.close());
  const model = await ServedModel.load(engine, bundle);
  const random = new Random(4, "truncate");
  const description = descriptionOf(bundle.manifest);
  for (let run = 0; run < 20; run++) {
    const directory = join(folder, `${run}`);
    await writeBundle(directory, { description: { ...description, generation: run + 1, parent: 0 }, weights: bundle.weights, embeddings: bundle.embeddings(), golden: bundle.golden, notice: bundle.notice });
    const files = (await readdir(directory)).sort();
    const file = join(directory, files[random.below(files.length)]);
    truncateSync(file, random.below((await stat(file)).size));
    const error = await t.throwsAsync(model.swap(directory), { message: /^E_BUNDLE/ }, `${run}: ${file}`);
    t.true(error?.message.includes(directory) ?? false);
    t.is((await engine.infer(picture("day", run, 160, 96))).generation, 0);
  }
});

test.serial("a generation on the shelf that was torn since: discarded by name, and the next best serves", async (t) => {
  const setting = await Setting.open(t, { furtherRounds: 0 });
  await setting.show("day", 20);
  await setting.show("night", 160);
  await setting.show("day", 40);
  t.deepEqual(await setting.store.shelf(), { night: 1 });
  const weights = join(setting.store.pathOf(1), "weights.safetensors");
  truncateSync(weights, Math.floor(readFileSync(weights).length / 2));
  setting.trainer.outcome = { ...setting.trainer.outcome, deployedDisagreement: 50 };
  await setting.show("night", 20);
  t.is(setting.generation, 0);
  t.deepEqual(await setting.store.shelf(), {});
  t.regex(setting.events.find(({ kind }) => kind === "state_error")?.text ?? "", /weights\.safetensors/);
});

test.serial("NaN and exploding weights: refused before they serve", async (t) => {
  const folder = await temporaryFolder(t);
  const bundle = await tinyBundle(folder);
  const description = descriptionOf(bundle.manifest);
  const store = await GenerationStore.open(join(folder, "state"));
  const [name, first] = [...bundle.weights].find(([, { shape }]) => shape.length >= 2)!;
  for (const value of [NaN, Infinity, 1e6]) {
    const weights = new Map([...bundle.weights, [name, { ...first, data: first.data.map((each, at) => (at === 3 ? value : each)) }]]);
    await t.throwsAsync(store.write({ description: { ...description, generation: 1, parent: 0 }, weights, embeddings: bundle.embeddings(), golden: bundle.golden, notice: bundle.notice }), { code: "E_WEIGHTS_NOT_FINITE" }, `${value}`);
    t.deepEqual(await store.list(), []);
  }
  t.is((await readBundle(bundle.directory)).manifest.generation, 0);
});
