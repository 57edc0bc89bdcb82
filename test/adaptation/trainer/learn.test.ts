import { join } from "node:path";
import test from "ava";
import { createLmcLearner } from "../../../sdk/adaptation/lmc.js";
import { Budget } from "../../../sdk/adaptation/trainer/budget.js";
import { BundleText } from "../../../sdk/adaptation/trainer/bundle-text.js";
import { type LabelledSet, trainingOptionsFor } from "../../../sdk/adaptation/trainer/index.js";
import { learn, type Lesson, train } from "../../../sdk/adaptation/trainer/train.js";
import { readBundle } from "../../../sdk/bundle/index.js";
import { runModel } from "../../../sdk/engine/run.js";
import { ThreadEngine } from "../../../sdk/engine/thread-engine.js";
import type { Weights } from "../../../sdk/graph/tensor.js";
import { initialWeights } from "../../../sdk/network/initial.js";
import { promptsOf } from "../../../sdk/network/text/prompts.js";
import { TextEncoder } from "../../../sdk/network/text/text-encoder.js";
import { temporaryFolder } from "../../bundle/contents.js";
import { exemplars, frames, names, network, nightJob, tinyBundle } from "../tiny-bundle.js";

const options = { ...trainingOptionsFor("night"), sourceBatch: 1, targetBatch: 1, threads: 1 };
const set = (name: string, more: readonly string[]): LabelledSet => ({ name, names: [...names, ...more], boxNames: ["car"], samples: exemplars(4) });

async function learnt(lesson: Pick<Lesson, "bundle" | "delivered" | "teaching">, job: { readonly generation: number; readonly options: typeof options }): Promise<Weights> {
  const whole = { ...lesson, text: new BundleText(lesson.bundle), job: { ...job, vocabulary: names }, targets: frames("night", 4) };
  return (await learn(whole, createLmcLearner, new Budget(1), () => undefined)).weights;
}

test("exemplars may have few names or many, in any order", async (t) => {
  const bundle = await tinyBundle(await temporaryFolder(t));
  const many = set("many", ["bus", "truck", "pole", "fence", "tree", "wall", "kerb", "bridge", "tunnel", "sign", "tram", "bench", "dog", "bin", "gate", "hill"]);
  const losses: number[] = [];
  const lesson = { bundle, text: new BundleText(bundle), teaching: [many, set("few", [])], job: { generation: 1, options: { ...options, steps: 4 }, vocabulary: names }, targets: frames("night", 4) };
  await learn(lesson, createLmcLearner, new Budget(1), (progress) => void (progress.losses && losses.push(progress.losses.total)));
  t.is(losses.length, 4);
  t.true(losses.every(Number.isFinite));
});

test("prompts learn in the place of weights, and the next generation's names are as they have them", async (t) => {
  const folder = await temporaryFolder(t);
  const bundle = await tinyBundle(folder);
  const outDirectory = join(folder, "1");
  const job = { ...nightJob(bundle.directory, outDirectory), options: { ...options, trains: "prompts", steps: 3, statisticsMix: 0, rates: { ...options.rates, prompts: 0.05, alpha: 0.5 } } } as const;
  const { measurements } = await train(job, createLmcLearner, () => undefined);
  const next = await readBundle(outDirectory);
  t.deepEqual(next.weights, bundle.weights);
  const { prompts, names: rows } = next.embeddings();
  const [task, category] = [prompts.get("task"), prompts.get("category")];
  t.deepEqual(category?.shape, [4, 384]);
  const encoder = await TextEncoder.create(runModel);
  const start = promptsOf(encoder.tower, "the the the the");
  t.true(Math.max(...start.category.data.map((value, at) => Math.abs(value - category!.data[at]))) > 1e-3);
  t.notDeepEqual(task?.data, start.task.data);
  const direct = await encoder.encode(["road"], category);
  t.true(Math.max(...direct.data.map((value, at) => Math.abs(value - rows.get("road")![at]))) < 2e-6, "names are encoded with them");
  t.true(measurements.after.finite);
  t.is(measurements.deployedDisagreement, 0, "what is stored is asked in its own words on both sides");
  t.notDeepEqual(measurements.before.exemplars.perClass, measurements.after.exemplars.perClass);
  const engine = new ThreadEngine({ threads: 1 });
  t.teardown(() => engine.close());
  t.is((await engine.load({ kind: "bundle", directory: outDirectory })).generation, 1, "it reproduces its golden outputs");

  // The next round goes on from these prompts, and what was delivered is measured in its own words.
  const again = await train({ ...job, bundleDirectory: outDirectory, deliveredDirectory: bundle.directory, outDirectory: join(folder, "2"), generation: 2, options: { ...job.options, steps: 0 } }, createLmcLearner, () => undefined);
  t.deepEqual(again.measurements.delivered?.exemplars, measurements.before.exemplars);
  t.deepEqual((await readBundle(join(folder, "2"))).embeddings().prompts.get("category")?.data, category?.data);
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
