import { existsSync } from "node:fs";
import { readFile, rename, symlink } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { FrameMemory } from "../../sdk/adaptation/memory.js";
import { readMemory } from "../../sdk/adaptation/memory-file.js";
import { cellColumns, cellRows } from "../../sdk/adaptation/monitor/statistics.js";
import { type BundleContents, readBundle, readSignerOf } from "../../sdk/bundle/index.js";
import { type Disk, realDisk } from "../../sdk/bundle/disk.js";
import { GenerationStore, type Shelf } from "../../sdk/bundle/generations.js";
import { VolatileDisk } from "../../sdk/bundle/volatile-disk.js";
import { State } from "../../sdk/pipeline/state.js";
import { Random } from "../../sdk/random.js";
import { tinyBundle } from "../adaptation/tiny-bundle.js";
import { description, temporaryFolder, tinyContents } from "./contents.js";

const contentsOf = (generation: number): BundleContents => tinyContents({ description: { ...description, generation, parent: generation > 0 ? generation - 1 : null } });

/** What was promised after so many operations. */
interface Promised {
  readonly after: number;
  readonly current: number | undefined;
  readonly shelf: Shelf;
}

/** Learns through a night or two as `Serving` does, and notes each promise when it is made. */
async function live(store: GenerationStore, disk: { readonly count: number }): Promise<Promised[]> {
  const promised: Promised[] = [{ after: 0, current: undefined, shelf: {} }];
  const promise = async (): Promise<void> => void promised.push({ after: disk.count, current: await store.current(), shelf: await store.shelf() });
  for (const [generation, condition] of [[1, "night"], [2, "fog"], [3, "night"], [4, "night"]] as const) {
    await store.write(contentsOf(generation));
    await store.sign(generation);
    await store.shelve(condition, generation);
    await promise();
    await store.setCurrent(generation);
    await promise();
    await store.keepLast(1);
  }
  await store.setCurrent(undefined);
  await promise();
  await store.discard(3);
  await promise();
  return promised;
}

/** Opens what a power cut left, as the next start does. `vehicle`: the key that signed. Answers with what was broken of the promises, in words. */
async function broken(folder: string, promised: readonly Promised[], cut: number, vehicle: string | undefined): Promise<string | undefined> {
  // Of what was under way, all or nothing may have happened.
  const known = promised.filter(({ after }) => after <= cut).length - 1;
  const allowed = promised.slice(known, known + 2).map(({ current, shelf }) => [current, JSON.stringify(shelf)]);
  const store = await GenerationStore.open(folder);
  const damage = await store.discardDamaged();
  if (damage.length > 0) return damage.map(({ message }) => message).join("\n");
  const [current, shelf] = [await store.current(), JSON.stringify(await store.shelf())];
  if (!allowed.some(([each]) => each === current)) return `current is ${current}`;
  if (!allowed.some(([, each]) => each === shelf)) return `the shelf is ${shelf}`;
  for (const generation of await store.list()) {
    const problem = await readBundle(store.pathOf(generation)).then(() => undefined, String);
    if (problem !== undefined) return problem;
    const signer = await readSignerOf(store.pathOf(generation)).catch(String);
    const mayServe = generation === current || Object.values(await store.shelf()).includes(generation);
    if (signer === undefined ? mayServe : signer !== vehicle) return `generation ${generation} is signed by ${signer}`;
  }
  return undefined;
}

async function cuts(t: ExecutionContext, under: Disk, tries: number): Promise<string[]> {
  const folder = await temporaryFolder(t);
  const disk = new VolatileDisk(join(folder, "vehicle"), under);
  await realDisk.makeFolder(disk.folder);
  const store = await GenerationStore.open(join(disk.folder, "state"), disk);
  const [vehicle] = await store.publicKeys();
  const promised = await live(store, disk);
  const problems: string[] = [];
  for (let seed = 0; seed < tries; seed++) {
    const random = new Random(seed, "power cut");
    // Every other time where something was just promised.
    const cut = seed % 2 === 0 ? random.below(disk.count + 1) : promised[random.below(promised.length)].after;
    const left = join(folder, `left-${seed}`);
    await disk.powerCut(cut, random, left);
    const problem = await broken(join(left, "state"), promised, cut, vehicle);
    if (problem !== undefined) problems.push(`seed ${seed}, after ${cut} of ${disk.count} operations: ${problem}`);
    await realDisk.remove(left);
  }
  return problems;
}

test("the power fails at any operation: what was promised is there, nothing torn is, and the store opens", async (t) => {
  t.deepEqual(await cuts(t, realDisk, 150), []);
});

test("a disk that only says it syncs: promises break, as the test of power cuts must find", async (t) => {
  const folder = await temporaryFolder(t);
  const disk = new VolatileDisk(join(folder, "vehicle"));
  await realDisk.makeFolder(disk.folder);
  const lying: Disk & { readonly count: number } = {
    get count() {
      return disk.count;
    },
    create: async (path) => ({ ...(await disk.create(path)), sync: () => Promise.resolve() }),
    makeFolder: (path) => disk.makeFolder(path),
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    syncFolder: () => Promise.resolve(),
  };
  const store = await GenerationStore.open(join(disk.folder, "state"), lying);
  const [vehicle] = await store.publicKeys();
  const promised = await live(store, lying);
  let problems = 0;
  for (let seed = 0; seed < 20; seed++) {
    await disk.powerCut(disk.count, new Random(seed), join(folder, String(seed)));
    if ((await broken(join(folder, String(seed), "state"), promised, disk.count, vehicle)) !== undefined) problems++;
  }
  t.true(problems >= 15, `${problems} of 20`);
});

test("the power fails while the memory is kept: the old one is there, or the new one", async (t) => {
  const folder = await temporaryFolder(t);
  const bundle = await tinyBundle(folder);
  const disk = new VolatileDisk(join(folder, "vehicle"));
  await realDisk.makeFolder(disk.folder);
  const state = await State.open({ source: "folder", state: join(disk.folder, "state") }, bundle, "front", disk);
  const memory = new FrameMemory({ width: 32, height: 32 });
  const kept = [{ after: disk.count, held: 0 }];
  for (let at = 0; at < 6; at++) {
    const thumbnail = new Uint8Array(cellRows * cellColumns * 3).fill(40 * (at + 1));
    memory.offer({ id: `front/${at}`, condition: "night", captureTimeNs: BigInt(at), scene: { thumbnail, shares: new Map() }, rgb: () => new Uint8Array(32 * 32 * 3).fill(at) });
    await state.keep(memory);
    kept.push({ after: disk.count, held: memory.counters.held });
  }
  await state.close();
  for (let seed = 0; seed < 60; seed++) {
    const random = new Random(seed, "memory");
    const cut = random.below(disk.count + 1);
    const left = join(folder, `left-${seed}`);
    await disk.powerCut(cut, random, left);
    const file = join(left, "state", "memory.safetensors");
    const held = existsSync(file) ? readMemory(await readFile(file)).counters.held : 0;
    const known = kept.filter(({ after }) => after <= cut).at(-1)?.held ?? 0;
    t.true(held === known || held === known + 1, `seed ${seed}, after ${cut} operations: ${held} of ${known}`);
  }
});

test("files that are damaged: discarded by name, and what is left serves", async (t) => {
  const folder = await temporaryFolder(t);
  const store = await GenerationStore.open(folder);
  for (const generation of [1, 2, 3]) await store.write(contentsOf(generation));
  await store.shelve("night", 2);
  await store.shelve("fog", 1);
  await store.setCurrent(2);
  const weights = join(store.pathOf(2), "weights.safetensors");
  const whole = await readFile(weights);
  await realDisk.remove(weights);
  const torn = await realDisk.create(weights);
  await torn.write(whole.subarray(0, 100));
  await torn.close();
  const damage = await store.discardDamaged();
  t.is(damage.length, 1);
  t.like(damage[0], { code: "E_BUNDLE_FORMAT" });
  t.regex(damage[0]?.message ?? "", /weights\.safetensors/);
  t.deepEqual([await store.current(), await store.shelf(), await store.list()], [undefined, { fog: 1 }, [1, 3]]);
  await realDisk.remove(join(store.pathOf(1), "weights.safetensors"));
  t.like((await store.discardDamaged())[0], { code: "E_BUNDLE_MISSING" });
  t.deepEqual([await store.shelf(), await store.list()], [{}, [3]]);
  for (const [file, content] of [["current", "../../elsewhere\n"], ["shelf.json", "{"]] as const) {
    await realDisk.remove(join(folder, file));
    const handle = await realDisk.create(join(folder, file));
    await handle.write(new TextEncoder().encode(content));
    await handle.close();
    const [found] = await store.discardDamaged();
    t.regex(found?.message ?? "", new RegExp(file));
    t.deepEqual(await store.discardDamaged(), []);
  }
});

test("a generation that the system does not let be read just now is told of, and stays", async (t) => {
  const folder = await temporaryFolder(t);
  const store = await GenerationStore.open(folder);
  await store.write(contentsOf(1));
  await store.setCurrent(1);
  const weights = join(store.pathOf(1), "weights.safetensors");
  await rename(weights, `${weights}.kept`);
  // Too many links: an error of the system, and no damage, which root meets too.
  await symlink(weights, weights);
  const [told] = await store.discardDamaged();
  t.is(told?.code, "E_BUNDLE_MISSING");
  await rename(`${weights}.kept`, weights);
  t.is(await store.current(), 1);
  t.deepEqual(await store.discardDamaged(), []);
});
