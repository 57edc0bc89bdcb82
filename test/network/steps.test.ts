import test from "ava";
import type { Recompute } from "../../sdk/autodiff/recompute.js";
import { Learner } from "../../sdk/engine/learner.js";
import { evaluate } from "../../sdk/engine/reference/index.js";
import { Graph } from "../../sdk/graph/graph.js";
import { add, mul, reshape, total } from "../../sdk/graph/ops.js";
import type { FloatTensor } from "../../sdk/graph/tensor.js";
import { initialWeights, parameterSpecs } from "../../sdk/network/initial.js";
import { defaultNetwork, patchSize } from "../../sdk/network/contract.js";
import { lmcGraph, lmcStep } from "../../sdk/network/steps/lmc.js";
import { PackedParameters, packParameters } from "../../sdk/network/packing.js";
import { type Feeds, optimise, optimiserScalars, optimiserState, prefixes, scalarInputs, type StepGraph, writeStep } from "../../sdk/network/steps/step-graph.js";
import { trainsDefault, trainsOf } from "../../sdk/network/trainable.js";
import { supervisedStep } from "../../sdk/network/steps/supervised.js";
import { bytes, floats, tinyBatch, tinyNetwork } from "../support/tiny.js";
import { Random } from "../../sdk/random.js";

const weights = initialWeights(tinyNetwork, 3);
const options = { batch: 2, names: 16, boxes: 4 };

test("the supervised step learns a batch by heart", async (t) => {
  const learner = await Learner.create(supervisedStep(tinyNetwork, weights, options), { threads: 1 });
  const batch = tinyBatch(2, 16, 4, 1);
  const losses: number[] = [];
  for (let i = 0; i < 60; i++) losses.push((await learner.step(batch, { rateEncoder: 2e-3, rateDecoder: 2e-3, clip: 5 })).loss[0]);
  await learner.close();
  t.true(losses[59] < 0.5 * losses[0], `${losses[0]} -> ${losses[59]}`);
});

test("the supervised step is one that runs in place also where the matrices that read names are state of their own, as they are in the default network", async (t) => {
  const wide = { ...tinyNetwork, embedding: 64 };
  const graph = supervisedStep(wide, initialWeights(wide, 3), options);
  t.true(graph.state.has("student/decoder.language.category.weight"));
  const learner = await Learner.create(graph, { threads: 1 });
  const results = await learner.step(tinyBatch(2, 16, 4, 1));
  t.true(results.textGradient.some((value) => value !== 0) && results.textGradient.every(Number.isFinite));
  await learner.close();
  t.notThrows(() => supervisedStep(defaultNetwork, initialWeights(defaultNetwork, 3), options));
});

test("the learner's weights are all of the network's, and the teacher follows by alpha (eq. 3)", async (t) => {
  const learner = await Learner.create(supervisedStep(tinyNetwork, weights, options), { threads: 1 });
  await learner.step(tinyBatch(2, 16, 4, 1), { rateEncoder: 1e-3, rateDecoder: 1e-3, alpha: 0.75 });
  const [student, teacher] = [learner.weights("student"), learner.weights("teacher")];
  for (const spec of parameterSpecs(tinyNetwork)) {
    t.deepEqual(student.get(spec.name)?.shape, spec.shape, spec.name);
    if (spec.statistic) continue;
    const [s, e, w] = [student, teacher, weights].map((all) => all.get(spec.name)?.data ?? new Float32Array());
    for (let i = 0; i < s.length; i += 37) t.true(Math.abs(e[i] - (0.75 * w[i] + 0.25 * s[i])) < 1e-5, `${spec.name}[${i}]`);
  }
  t.notDeepEqual(student.get("encoder.stem.mean")?.data, weights.get("encoder.stem.mean")?.data);
  await learner.close();
});

test("the learner refuses a step whose loss is not finite and keeps its state", async (t) => {
  const learner = await Learner.create(supervisedStep(tinyNetwork, weights, options), { threads: 1 });
  const batch = tinyBatch(2, 16, 4, 1);
  const state = () => new Map([...learner.state()].map(([name, { data }]) => [name, data.slice()]));
  await learner.step(batch);
  const before = state();
  const broken = { ...batch, text: floats([2, 18, 384], () => NaN) };
  await t.throwsAsync(learner.step(broken), { code: "E_WEIGHTS_NOT_FINITE" });
  t.deepEqual(state(), before);
  t.is(learner.steps, 1);
  await learner.close();
});

test("encoder and decoder learn at rates of their own, and matrices decay, which vectors do not", (t) => {
  const shapes = { "encoder.layer.weight": [2, 3], "encoder.layer.bias": [3], "decoder.layer.weight": [2, 2], "decoder.layer.bias": [4] };
  const packs = packParameters(Object.entries(shapes).map(([name, shape]) => ({ name, shape, statistic: false, initial: { fill: 1 } })), () => true);
  const graph = new Graph("rates");
  const scalars = scalarInputs(graph, optimiserScalars);
  const student = new PackedParameters(graph, prefixes.student, packs);
  // Of slope 1 everywhere, so that the first step is the rate.
  optimise(graph, [...student.inputs.values()].map(total).reduce(add), student, undefined, scalars);
  const ones = new Map(Object.entries(shapes).map(([name, shape]) => [name, floats(shape, () => 1)]));
  const rates = { rateEncoder: 0.1, rateDecoder: 0.01, decay: 0.5, clip: 1e9, alpha: 0, correction1: 1 / (1 - 0.9), correction2: 1 / (1 - 0.999) };
  const found = evaluate(graph, { ...Object.fromEntries(optimiserState(packs, ones)), ...Object.fromEntries(Object.entries(rates).map(([name, value]) => [name, floats([], () => value)])) });
  for (const [pack, expected] of Object.entries({ "encoder.matrices": 1 - 0.1 * 1.5, "encoder.vectors": 1 - 0.1, "decoder.matrices": 1 - 0.01 * 1.5, "decoder.vectors": 1 - 0.01 }))
    for (const value of found.get(prefixes.next + prefixes.student + pack)!.data) t.true(Math.abs(value - expected) < 1e-6, `${pack}: ${value}`);
});

test("AdamW's bias is corrected by the steps done, those of a checkpoint too", async (t) => {
  const graph = new Graph("corrections");
  const [given, ...corrections] = ["given", "correction1", "correction2"].map((name) => graph.input(name, "float32", []));
  for (const [name, value] of Object.entries({ loss: given, gradientNorm: given, first: corrections[0], second: corrections[1] })) graph.output(name, mul(value, 1));
  const step = { model: writeStep(graph), state: new Map(), packs: [], scalars: { correction1: 1, correction2: 1 }, results: ["loss", "gradientNorm", "first", "second"] };
  for (const done of [0, 7]) {
    const learner = await Learner.create(step, { threads: 1, steps: done });
    for (const steps of [done + 1, done + 2]) {
      const { first, second } = await learner.step({ given: floats([], () => 1) });
      for (const [value, beta] of [[first[0], 0.9], [second[0], 0.999]]) t.true(Math.abs(value * (1 - beta ** steps) - 1) < 1e-6, `${value} at step ${steps}`);
    }
    await learner.close();
  }
});

const targets = 2;
function targetFeeds(seed: number) {
  const { width, height } = tinyNetwork;
  const random = new Random(seed);
  const batch = tinyBatch(targets, 16, 4, seed);
  const frames = bytes([targets, height, width, 3], () => random.below(60));
  return {
    targets: frames,
    targetText: batch.text,
    targetUsed: batch.used,
    noise: floats([targets, (width * height) / patchSize ** 2], () => random.gumbel()),
  };
}

test("the LMC step trains what it is told to and nothing else", async (t) => {
  const graph = lmcStep(tinyNetwork, weights, { sources: 1, targets, names: 16, boxes: 4, maskRatio: 0.5, trains: trainsDefault });
  const learner = await Learner.create(graph, { threads: 1 });
  const losses = await learner.step({ ...tinyBatch(1, 16, 4, 2), ...targetFeeds(5) });
  for (const name of ["loss", "supervised", "lmc", "selfTraining", "align"]) t.true(losses[name][0] > 0, name);
  const trained = learner.weights("student");
  const names = parameterSpecs(tinyNetwork).filter((spec) => !spec.statistic && trainsDefault(spec)).map((spec) => spec.name);
  t.deepEqual([...trained.keys()].sort(), [...names].sort());
  t.false(names.some((name) => name.startsWith("encoder.stem")));
  t.notDeepEqual(trained.get("encoder.stage3.down.weight")?.data, weights.get("encoder.stage3.down.weight")?.data);
  await learner.close();
});

test("weights of the losses switch their parts off", async (t) => {
  const graph = lmcStep(tinyNetwork, weights, { sources: 1, targets, names: 16, boxes: 4, maskRatio: 0.5, trains: trainsDefault });
  const learner = await Learner.create(graph, { threads: 1 });
  const feeds = { ...tinyBatch(1, 16, 4, 2), ...targetFeeds(5) };
  // At rate 0 the weights stay, so that the steps can be compared.
  const run = async (weightSupervised: number, weightLmc: number, weightSelfTraining: number, weightAlign: number): Promise<number> =>
    (await learner.step(feeds, { rateEncoder: 0, rateDecoder: 0, weightSupervised, weightLmc, weightSelfTraining, weightAlign })).loss[0];
  t.is(await run(0, 0, 0, 0), 0);
  const parts = [await run(1, 0, 0, 0), await run(0, 1, 0, 0), await run(0, 0, 1, 0), await run(0, 0, 0, 1)];
  for (const part of parts) t.true(part > 0);
  const all = await run(1, 1, 1, 1);
  t.true(Math.abs(all - parts.reduce((sum, part) => sum + part)) < 1e-3);
  await learner.close();
});

for (const losses of [["entropy"], ["soft"], ["supervised"], ["supervised", "selfTraining"], ["supervised", "lmc"], ["supervised", "align"]] as const)
  test(`a step of ${losses.join(" and ")} is the whole one with the other weights at 0, in fewer nodes`, async (t) => {
    const sizes = { sources: 1, targets, names: 16, boxes: 4, maskRatio: 0.5, trains: trainsDefault };
    const weight = { supervised: "weightSupervised", lmc: "weightLmc", selfTraining: "weightSelfTraining", align: "weightAlign", entropy: "weightEntropy", soft: "weightSoft" } as const;
    const scalars = Object.fromEntries(Object.entries(weight).map(([name, scalar]) => [scalar, losses.some((one) => one === name) ? 0.5 : 0]));
    const stepped = async (graph: StepGraph) => {
      const learner = await Learner.create(graph, { threads: 1 });
      const results = await learner.step({ ...tinyBatch(1, 16, 4, 2), ...targetFeeds(5) }, scalars);
      const state = new Map([...learner.state()].map(([name, { data }]) => [name, data.slice()]));
      await learner.close();
      return { results, state };
    };
    const graphs = [lmcStep(tinyNetwork, weights, sizes), lmcStep(tinyNetwork, weights, { ...sizes, losses })];
    t.true(graphs[1].model.length < graphs[0].model.length);
    const [whole, alone] = [await stepped(graphs[0]), await stepped(graphs[1])];
    t.deepEqual(Object.keys(alone.results), ["loss", ...losses, "gradientNorm"]);
    for (const [name, [value]] of Object.entries(alone.results)) t.true(Math.abs(whole.results[name][0] - value) <= 1e-5 * Math.abs(value), name);
    for (const [name, numbers] of whole.state) {
      if (!name.startsWith("first/")) continue;
      const difference = Math.hypot(...numbers.map((value, at) => value - (alone.state.get(name)?.[at] ?? NaN)));
      t.true(difference <= 1e-3 * Math.hypot(...numbers), `${name} ${difference} of ${Math.hypot(...numbers)}`);
    }
  });

test("the masked view may be in other colours than the teacher's; whole targets stay as they are", async (t) => {
  const graph = lmcStep(tinyNetwork, weights, { sources: 1, targets, names: 16, boxes: 4, views: true, maskRatio: 0.5, trains: trainsDefault });
  const learner = await Learner.create(graph, { threads: 1 });
  const feeds = { ...tinyBatch(1, 16, 4, 2), ...targetFeeds(5) };
  const run = (views: typeof feeds.targets) => learner.step({ ...feeds, views }, { rateEncoder: 0, rateDecoder: 0 });
  const [same, brighter] = [await run(feeds.targets), await run(bytes([...feeds.targets.shape], (at) => 3 * feeds.targets.data[at]))];
  t.not(brighter.lmc[0], same.lmc[0]);
  for (const name of ["supervised", "selfTraining", "align"]) t.is(brighter[name][0], same[name][0], name);
  await learner.close();
});

test("a step without views is to the bit the one that views of the same colours make, and prepares targets once", async (t) => {
  const stepped = async (views: boolean) => {
    const { graph, ...step } = lmcGraph(tinyNetwork, weights, { sources: 1, targets, names: 16, boxes: 4, views, maskRatio: 0.5, trains: trainsDefault });
    const learner = await Learner.create({ ...step, model: writeStep(graph) }, { threads: 1 });
    const { targets: shown, ...feeds } = targetFeeds(5);
    const results = await learner.step({ ...tinyBatch(1, 16, 4, 2), ...feeds, targets: shown, ...(views && { views: shown }) });
    const state = new Map([...learner.state()].map(([name, { data }]) => [name, data.slice()]));
    await learner.close();
    return { prepared: graph.nodes.filter(({ operator, inputs: [x] }) => operator === "Cast" && x.dtype === "uint8" && x.rank === 4).length, results, state };
  };
  const [alone, withViews] = [await stepped(false), await stepped(true)];
  t.deepEqual([alone.prepared, withViews.prepared], [2, 3], "of the source frames and of the targets");
  t.deepEqual(alone.results, withViews.results);
  t.deepEqual(alone.state, withViews.state);
});

test("what the teacher is sure of teaches the student: unsure masks less, unsure boxes not at all, nor that there is nothing", async (t) => {
  const graph = lmcStep(tinyNetwork, weights, { sources: 1, targets, names: 16, boxes: 4, maskRatio: 0.5, trains: trainsDefault });
  const learner = await Learner.create(graph, { threads: 1 });
  const feeds = { ...tinyBatch(1, 16, 4, 2), ...targetFeeds(5) };
  const run = async (weightLmcBoxes: number, boxConfidence: number): Promise<number> => (await learner.step(feeds, { rateEncoder: 0, rateDecoder: 0, weightLmcBoxes, boxConfidence })).lmc[0];
  const without = await run(0, 0);
  t.is(await run(1, 1.1), without);
  t.true((await run(1, 0)) > without);
  // Eight names that mean the same: none of them is likelier than another.
  const { selfTraining } = await learner.step({ ...feeds, targetText: floats([...feeds.targetText.shape], () => 0.05) }, { rateEncoder: 0, rateDecoder: 0 });
  t.true(Math.abs(selfTraining[0] - Math.log(8) / 8) < 1e-3, `${selfTraining[0]}`);
  await learner.close();
});

test("the student sees nothing of the patches that are drawn, by the noise and by what the names attend to (eq. 4), and all others", async (t) => {
  const graph = lmcStep(tinyNetwork, weights, { sources: 1, targets, names: 16, boxes: 4, views: true, maskRatio: 0.25, trains: trainsDefault });
  const learner = await Learner.create(graph, { threads: 1 });
  const { width, height } = tinyNetwork;
  const patches = (width * height) / patchSize ** 2;
  const feeds = { ...tinyBatch(1, 16, 4, 2), ...targetFeeds(5) };
  /** The loss on views that differ from the targets in these patches. */
  const lossOf = async (changed: readonly number[], noise: (patch: number) => number, guidance: number): Promise<number> => {
    const patchAt = (at: number): number => Math.floor(Math.floor(at / 3 / width) % height / patchSize) * (width / patchSize) + Math.floor((Math.floor(at / 3) % width) / patchSize);
    const views = bytes([...feeds.targets.shape], (at) => (changed.includes(patchAt(at)) ? 255 - feeds.targets.data[at] : feeds.targets.data[at]));
    return (await learner.step({ ...feeds, views, noise: floats([targets, patches], (at) => noise(at % patches)) }, { rateEncoder: 0, rateDecoder: 0, guidance })).lmc[0];
  };
  t.is(patches, 8);
  const [drawn, loud] = [[1, 6], (patch: number): number => (patch === 1 || patch === 6 ? 50 : 0)];
  const whole = await lossOf([], loud, 1);
  t.is(await lossOf(drawn, loud, 1), whole);
  for (const patch of [0, 2, 3, 4, 5, 7]) t.not(await lossOf([patch], loud, 1), whole, `patch ${patch}`);
  // Noise that attention outweighs, and that alone is left where nothing guides.
  const faint = (patch: number): number => 1e-4 * patch;
  t.is(await lossOf([6, 7], faint, 0), await lossOf([], faint, 0));
  t.not(await lossOf([6, 7], faint, 1), await lossOf([], faint, 1));
  await learner.close();
});

test("normalisation alone trains where that is asked for, and no bias of another layer", async (t) => {
  const graph = lmcStep(tinyNetwork, weights, { sources: 1, targets, names: 16, boxes: 4, maskRatio: 0.5, trains: trainsOf("norm", tinyNetwork) });
  const learner = await Learner.create(graph, { threads: 1 });
  await learner.step({ ...tinyBatch(1, 16, 4, 2), ...targetFeeds(5) });
  const trained = [...learner.weights("student").keys()];
  await learner.close();
  t.true(trained.includes("encoder.stem.scale") && trained.includes("encoder.stem.bias") && trained.includes("decoder.unified.norm.bias"));
  t.true(trained.every((name) => /\.(scale|bias)$/.test(name)));
  t.false(trained.includes("decoder.pixel.context.bias") || trained.includes("decoder.region.delta.bias"));
});

test("a step is the same where activations are computed again, up to rounding", async (t) => {
  const stepped = async (recompute: Recompute) => {
    const graph = lmcStep(tinyNetwork, weights, { sources: 1, targets, names: 16, boxes: 4, maskRatio: 0.5, trains: trainsOf("all", tinyNetwork), recompute });
    const learner = await Learner.create(graph, { threads: 1, arena: recompute === "none" });
    const results = await learner.step({ ...tinyBatch(1, 16, 4, 2), ...targetFeeds(5) });
    const state = new Map([...learner.state()].map(([name, { data }]) => [name, data.slice()]));
    await learner.close();
    return { results, state };
  };
  const [kept, again] = [await stepped("none"), await stepped("blocks")];
  for (const [name, [value]] of Object.entries(kept.results)) t.true(Math.abs(again.results[name][0] - value) <= 1e-5 * Math.abs(value), name);
  for (const [name, numbers] of kept.state) {
    if (!name.startsWith("first/")) continue;
    const difference = Math.hypot(...numbers.map((value, at) => value - (again.state.get(name)?.[at] ?? NaN)));
    t.true(difference <= 1e-3 * Math.hypot(...numbers), `${name} ${difference} of ${Math.hypot(...numbers)}`);
  }
});

test("a step that would read state after writing it is refused", (t) => {
  const graph = new Graph("late");
  const [x, y] = ["x", "y"].map((name) => graph.input(name, "float32", [2]));
  graph.output("next/x", mul(x, 2));
  graph.output("next/y", mul(y, 2));
  t.notThrows(() => writeStep(graph));
  graph.output("late", add(reshape(x, [2, 1]), 1));
  t.throws(() => writeStep(graph), { code: "E_GRAPH_SHAPE", message: /next\/x/ });
});

test("entropy falls where it is learnt (TENT); a share of the weights goes back to the start (CoTTA)", async (t) => {
  const graph = lmcStep(tinyNetwork, weights, { sources: 1, targets, names: 16, boxes: 4, maskRatio: 0.5, trains: trainsOf("all", tinyNetwork) });
  const learner = await Learner.create(graph, { threads: 1, keepsStart: true });
  const feeds = { ...tinyBatch(1, 16, 4, 2), ...targetFeeds(5) };
  const none = { weightSupervised: 0, weightLmc: 0, weightSelfTraining: 0, weightAlign: 0 };
  const run = async (): Promise<readonly [entropy: number, soft: number]> => {
    const { entropy, soft } = await learner.step(feeds, { ...none, weightEntropy: 1, rateEncoder: 1e-3, rateDecoder: 1e-3, decay: 0 });
    return [entropy[0], soft[0]];
  };
  const first = await run();
  t.true(Math.abs(first[0] - first[1]) < 1e-5, "the teacher is the student yet");
  for (let step = 0; step < 10; step++) await run();
  const last = await run();
  t.true(last[0] < 0.9 * first[0]);
  t.true(last[1] > 1.05 * last[0], "the teacher follows slowly, and is less sure");

  const name = "encoder.stage2.down.weight";
  const start = weights.get(name)?.data ?? new Float32Array();
  const equal = (): number => (learner.weights("student").get(name)?.data ?? new Float32Array()).filter((value, at) => value === start[at]).length / start.length;
  t.true(equal() < 0.05);
  learner.restore(0.25, new Random(1));
  t.true(Math.abs(equal() - 0.25) < 0.05, String(equal()));
  learner.restore(1, new Random(1));
  t.is(equal(), 1);
  await learner.close();
});

test("where prompts learn no weight does, and the step answers the loss's gradients with respect to what the student reads, not the teacher", async (t) => {
  const graph = lmcStep(tinyNetwork, weights, { sources: 1, targets, names: 16, boxes: 4, maskRatio: 0.5, trains: () => false, prompts: true });
  t.is(graph.state.size, 0);
  const learner = await Learner.create(graph, { threads: 1 });
  const given = { ...tinyBatch(1, 16, 4, 2), ...targetFeeds(5) };
  const feeds: Feeds = { ...given, taughtText: given.targetText };
  // Pairs of the alignment are chosen, and their quality counts as given.
  const smooth = { weightAlign: 0 };
  const { textGradient, targetTextGradient } = await learner.step(feeds, smooth);
  for (const [name, gradient] of [["text", textGradient], ["targetText", targetTextGradient]] as const) {
    const { shape, data } = feeds[name] as FloatTensor;
    const norm = Math.hypot(...gradient);
    t.true(norm > 1e-3, name);
    const lossAt = async (step: number): Promise<number> => (await learner.step({ ...feeds, [name]: floats([...shape], (at) => data[at] + (step * gradient[at]) / norm) }, smooth)).loss[0];
    const step = 2e-4;
    const slope = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
    t.true(Math.abs(slope - norm) < 0.02 * norm, `${name}: ${slope} by differences, ${norm} by the graph`);
  }
  await learner.close();
});
