import { existsSync } from "node:fs";
import { cp, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { descriptionOf, GenerationStore, readBundle, writeBundle } from "../../sdk/bundle/index.js";
import { evaluateLearnt, type LearntOptions } from "../../sdk/pipeline/evaluate-learnt.js";
import type { Dataset } from "../../sdk/training/dataset.js";
import { type Look, picture } from "../adaptation/pictures.js";
import { tinyBundle } from "../adaptation/tiny-bundle.js";
import { temporaryFolder } from "../bundle/contents.js";

const looks: readonly Look[] = ["day", "night", "day", "night", "night"];

const frames = (boxNames: readonly string[]): Dataset => ({
  name: "looks",
  names: ["road", "sky"],
  boxNames,
  length: looks.length,
  sample: async (index) => {
    const { width, height, rgb } = picture(looks[index] ?? "day", index, 160, 90);
    return Promise.resolve({ id: String(index), width, height, rgb, mask: new Uint8Array(width * height), boxes: [] });
  },
});

/** A delivered bundle, and a vehicle's folder with a generation learnt at night and one learnt in fog, which serves. */
async function vehicle(t: ExecutionContext) {
  const folder = await temporaryFolder(t);
  const delivered = await tinyBundle(join(folder, "delivered"));
  const state = join(folder, "state");
  const store = await GenerationStore.open(state);
  const bundle = await readBundle(delivered.directory);
  const description = descriptionOf(bundle.manifest);
  for (const [generation, condition] of [[1, "night"], [2, "fog"]] as const) {
    await writeBundle(store.pathOf(generation), { description: { ...description, generation, parent: 0, condition }, weights: bundle.weights, embeddings: bundle.embeddings(), golden: bundle.golden, notice: bundle.notice });
    await store.shelve(condition, generation);
  }
  await store.setCurrent(2);
  const score = async (condition: LearntOptions["condition"], boxNames: readonly string[] = [], from: string | undefined = state) =>
    (await evaluateLearnt({ bundle: delivered.directory, ...(from !== undefined && { state: from }), condition, threads: 1 }, frames(boxNames))).generations;
  return { folder, delivered, score };
}

test("each condition is scored with its own weights", async (t) => {
  const { score } = await vehicle(t);
  t.deepEqual(await score("latest"), { 2: 5 });
  t.deepEqual(await score("night"), { 1: 5 });
  t.deepEqual(await score("clear"), { 0: 5 });
  t.deepEqual(await score("dusk"), { 0: 5 });
  t.deepEqual(await score("auto"), { 0: 2, 1: 3 });
  t.deepEqual(await score("auto", ["car"]), { 0: 2, 1: 3 }, "a second pass, for boxes, counts nothing twice");
});

test("a vehicle's folder is left as it is", async (t) => {
  const { folder, score } = await vehicle(t);
  // What the vehicle is writing, of whose processes nothing is seen from another container.
  const unfinished = join(folder, "state", "generations", ".unfinished-3-99999999-00ff");
  await mkdir(unfinished);
  const before = await readdir(join(folder, "state"));
  t.deepEqual(await score("latest"), { 2: 5 });
  t.true(existsSync(unfinished));
  t.deepEqual(await readdir(join(folder, "state")), before);
});

test("without a vehicle's folder the bundle itself is scored; a folder that holds nothing is refused", async (t) => {
  const { folder, delivered, score } = await vehicle(t);
  const { generations, condition } = await evaluateLearnt({ bundle: delivered.directory, condition: "auto", threads: 1 }, frames([]));
  t.deepEqual([generations, condition], [{ 0: 5 }, "auto"]);
  await t.throwsAsync(evaluateLearnt({ bundle: delivered.directory, condition: "night", threads: 1 }, frames([])), { message: /^E_CONFIG: expected a vehicle's folder/ });
  const moved = join(folder, "moved");
  await cp(delivered.directory, moved, { recursive: true });
  await t.throwsAsync(() => score("latest", [], moved), { message: /^E_CONFIG: expected a folder of generations/ });
});
