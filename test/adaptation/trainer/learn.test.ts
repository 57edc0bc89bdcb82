import test from "ava";
import { createLmcLearner } from "../../../sdk/adaptation/lmc.js";
import { Budget } from "../../../sdk/adaptation/trainer/budget.js";
import { BundleText } from "../../../sdk/adaptation/trainer/bundle-text.js";
import { type LabelledSet, trainingOptionsFor } from "../../../sdk/adaptation/trainer/index.js";
import { learn, type Lesson } from "../../../sdk/adaptation/trainer/train.js";
import type { Weights } from "../../../sdk/graph/tensor.js";
import { initialWeights } from "../../../sdk/network/initial.js";
import { temporaryFolder } from "../../bundle/contents.js";
import { exemplars, frames, names, network, tinyBundle } from "../tiny-bundle.js";

const options = { ...trainingOptionsFor("night"), sourceBatch: 1, targetBatch: 1, threads: 1 };
const set = (name: string, more: readonly string[]): LabelledSet => ({ name, names: [...names, ...more], boxNames: ["car"], samples: exemplars(4) });

const learnt = (lesson: Pick<Lesson, "bundle" | "delivered" | "teaching">, job: { readonly generation: number; readonly options: typeof options }): Promise<Weights> =>
  learn({ ...lesson, text: new BundleText(lesson.bundle), job: { ...job, vocabulary: names }, targets: frames("night", 4) }, createLmcLearner, new Budget(1), () => undefined);

test("exemplars may have few names or many, in any order", async (t) => {
  const bundle = await tinyBundle(await temporaryFolder(t));
  const many = set("many", ["bus", "truck", "pole", "fence", "tree", "wall", "kerb", "bridge", "tunnel", "sign", "tram", "bench", "dog", "bin", "gate", "hill"]);
  const losses: number[] = [];
  const lesson = { bundle, text: new BundleText(bundle), teaching: [many, set("few", [])], job: { generation: 1, options: { ...options, steps: 4 }, vocabulary: names }, targets: frames("night", 4) };
  await learn(lesson, createLmcLearner, new Budget(1), (progress) => void (progress.losses && losses.push(progress.losses.total)));
  t.is(losses.length, 4);
  t.true(losses.every(Number.isFinite));
});

test("the target's share in the statistics does not add up over rounds", async (t) => {
  const delivered = await tinyBundle(await temporaryFolder(t));
  const teaching = [set("few", [])];
  const job = { generation: 1, options: { ...options, steps: 0, statisticsMix: 0.5 } };
  const once = await learnt({ bundle: delivered, teaching }, job);
  const serving = await tinyBundle(await temporaryFolder(t), once);
  const twice = await learnt({ bundle: serving, delivered, teaching }, job);
  const isMean = (name: string): boolean => name.endsWith(".mean");
  const moved = (to: Weights, from: Weights): number => Math.max(...[...from].filter(([name]) => isMean(name)).flatMap(([name, { data }]) => [...data].map((value, at) => Math.abs(value - (to.get(name)?.data[at] ?? NaN)))));
  t.true(moved(once, delivered.weights) > 0.05);
  // Weights are kept in float16, and nothing else differs.
  t.true(moved(twice, once) < 0.2 * moved(once, delivered.weights), `${moved(twice, once)} of ${moved(once, delivered.weights)}`);
});

test("each round draws for itself, and the same round the same", async (t) => {
  const bundle = await tinyBundle(await temporaryFolder(t), initialWeights(network, 9));
  const after = async (generation: number): Promise<Weights> => learnt({ bundle, teaching: [set("few", [])] }, { generation, options: { ...options, steps: 2, statisticsMix: 0 } });
  const [first, again, second] = [await after(1), await after(1), await after(2)];
  t.deepEqual(again, first);
  t.notDeepEqual(second, first);
});
