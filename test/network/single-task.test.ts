import test from "ava";
import { Learner } from "../../sdk/engine/learner.js";
import type { Tensors } from "../../sdk/engine/onnxruntime.js";
import { runModel } from "../../sdk/engine/run.js";
import { inputNames, noName, outputNames, type NetworkConfig, type Task, taskKinds } from "../../sdk/network/contract.js";
import { inferenceModel } from "../../sdk/network/inference.js";
import { initialWeights, parameterSpecs } from "../../sdk/network/initial.js";
import { lmcStep } from "../../sdk/network/steps/lmc.js";
import { supervisedStep } from "../../sdk/network/steps/supervised.js";
import { requireTrainable, trainsOf } from "../../sdk/network/trainable.js";
import { bytes, floats, tinyBatch, tinyNetwork } from "../support/tiny.js";

const alone = (task: Task): NetworkConfig => ({ ...tinyNetwork, tasks: [task] });
const namesOf = (config: NetworkConfig): Set<string> => new Set(parameterSpecs(config).map(({ name }) => name));

async function answer(config: NetworkConfig): Promise<Tensors> {
  const { width, height } = config;
  const model = inferenceModel(config, initialWeights(config, 3), { frame: { width, height }, names: 16 });
  return runModel(model, {
    [inputNames.frame]: bytes([1, height, width, 3], (at) => (at * 37) % 256),
    [inputNames.text]: floats([18, 384], (at) => Math.sin(at) / 20),
    [inputNames.used]: floats([16], (at) => (at < 5 ? 1 : 0)),
  });
}

test("a network of one task has the parameters of that task alone, and none that one of both lacks", (t) => {
  const [both, masks, boxes] = [namesOf(tinyNetwork), namesOf(alone("segmentation")), namesOf(alone("detection"))];
  t.deepEqual([...new Set([...masks, ...boxes])].sort(), [...both].sort());
  t.true([...both].filter((name) => !masks.has(name)).every((name) => /region|proposal/.test(name)));
  t.true([...both].filter((name) => !boxes.has(name)).every((name) => /mask|concepts/.test(name)));
});

test("one that segments answers no boxes; one that detects names no pixel", async (t) => {
  const masks = await answer(alone("segmentation"));
  t.true(masks[outputNames.mask].data.some((name) => Number(name) < 5));
  t.is(Math.max(...Array.from(masks[outputNames.boxScore].data, Number)), 0);
  const boxes = await answer(alone("detection"));
  t.true(boxes[outputNames.mask].data.every((name) => Number(name) === noName));
  t.true(boxes[outputNames.boxScore].data.every((score) => Number(score) > 0));
});

test("both learn, each from its own labels", async (t) => {
  const losses = async (config: NetworkConfig) => {
    const learner = await Learner.create(supervisedStep(config, initialWeights(config, 3), { batch: 2, names: 16, boxes: 4 }), { threads: 1 });
    const steps = [];
    for (let step = 0; step < 40; step++) steps.push(await learner.step(tinyBatch(2, 16, 4, 1), { rateEncoder: 2e-3, rateDecoder: 2e-3, clip: 5 }));
    await learner.close();
    return { first: steps[0], last: steps[39] };
  };
  const masks = await losses(alone("segmentation"));
  t.true(masks.last.crossEntropy[0] < 0.7 * masks.first.crossEntropy[0]);
  t.is(masks.last.regions[0], 0);
  const boxes = await losses(alone("detection"));
  t.true(boxes.last.regions[0] < 0.7 * boxes.first.regions[0]);
  t.is(boxes.last.crossEntropy[0], boxes.first.crossEntropy[0], "no weight of it names pixels");
});

for (const task of taskKinds) test(`one of ${task} alone adapts, alignment of its proposals included`, async (t) => {
  const config = alone(task);
  const learner = await Learner.create(lmcStep(config, initialWeights(config, 3), { sources: 1, targets: 1, names: 16, boxes: 4, maskRatio: 0.5, trains: trainsOf("all", config) }), { threads: 1 });
  const { text, used } = tinyBatch(1, 16, 4, 2);
  const frames = bytes([1, config.height, config.width, 3], (at) => at % 60);
  const target = { targets: frames, targetText: text, targetUsed: used, noise: floats([1, (config.width * config.height) / 1024], Math.cos) };
  // The teacher's boxes are believed, however unsure.
  const result = await learner.step({ ...tinyBatch(1, 16, 4, 2), ...target }, { boxConfidence: 0 });
  await learner.close();
  t.true(result.align[0] > 0 && result.lmc[0] > 0 && result.supervised[0] > 0);
  t.is(result.selfTraining[0] > 0, task === "segmentation", "of pixels alone");
  t.notThrows(() => requireTrainable(config));
});

test("without fusion, names do not look at the image before they become queries, and masks are drawn evenly", (t) => {
  const without = namesOf({ ...tinyNetwork, fusion: false });
  t.false([...without].some((name) => name.startsWith("decoder.language.fusion")));
  t.true([...namesOf(tinyNetwork)].some((name) => name.startsWith("decoder.language.fusion")));
});
