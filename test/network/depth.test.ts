import test from "ava";
import { Learner } from "../../sdk/engine/learner.js";
import { runModel } from "../../sdk/engine/run.js";
import { Graph } from "../../sdk/graph/graph.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { float32 } from "../../sdk/graph/tensor.js";
import { outputNames } from "../../sdk/network/contract.js";
import { inferenceModel } from "../../sdk/network/inference.js";
import { initialWeights, parameterSpecs } from "../../sdk/network/initial.js";
import { depthLoss } from "../../sdk/network/losses/depth.js";
import { depthStep, withDepth } from "../../sdk/network/steps/depth.js";
import { bytes, floats, tinyNetwork } from "../support/tiny.js";

const config = { ...tinyNetwork, depth: true };
const { width, height } = config;
const plain = initialWeights(tinyNetwork, 3);
const weights = withDepth(config, plain, 1);
const frame = bytes([1, height, width, 3], (i) => (i * 37) % 251);
const feeds = { frame, text: floats([18, 384], (i) => Math.sin(i)), used: floats([16], (i) => Number(i < 5)) };
const answer = (network: typeof config | typeof tinyNetwork, of: typeof weights) => runModel(inferenceModel(network, of, { frame: { width, height }, names: 16 }), feeds);

test("the loss is the scale-invariant error of logarithms, over what is known", async (t) => {
  const [told, truth] = [[1, 2, 3, 0.5, 1, 1, 1, 1], [2, 0, 30, 1, 5, 5, 5, 0]];
  const graph = new Graph("loss");
  graph.output("loss", depthLoss(graph.constant(float32([2, 1, 2, 2], told)), graph.constant(float32([2, 2, 2], truth))));
  const { loss } = await runModel(writeOnnx(graph), {});
  const ofImage = (image: number): number => {
    const errors = [0, 1, 2, 3].flatMap((at) => (truth[image * 4 + at] > 0 ? [told[image * 4 + at] - Math.log(truth[image * 4 + at])] : []));
    // One pixel more than there are, so that an image without any is no division by zero.
    const count = errors.length + 1;
    return errors.reduce((sum, e) => sum + e * e, 0) / count - 0.5 * (errors.reduce((sum, e) => sum + e, 0) / count) ** 2;
  };
  t.true(Math.abs(Number(loss.data[0]) - (ofImage(0) + ofImage(1)) / 2) < 1e-5);
});

test("masks and boxes are the same bits with the head and without", async (t) => {
  const [without, with_] = [await answer(tinyNetwork, plain), await answer(config, weights)];
  t.deepEqual(Object.keys(without).sort(), Object.values(outputNames).sort());
  for (const name of Object.values(outputNames)) t.deepEqual(with_[name], without[name], name);
  const { depth } = with_;
  t.deepEqual(depth.shape, [height / 4, width / 4]);
  t.true((depth.data as Float32Array).every((metres) => metres >= 0.5 && metres <= 300.1));
});

test("the head is no parameter of what learns on the vehicle", (t) => {
  t.deepEqual(parameterSpecs(config).map(({ name }) => name), parameterSpecs(tinyNetwork).map(({ name }) => name));
  const added = [...weights.keys()].filter((name) => !plain.has(name));
  t.true(added.length > 10 && added.every((name) => name.startsWith("depth.")));
});

test("steps teach the head alone", async (t) => {
  const learner = await Learner.create(depthStep(config, weights, { batch: 2 }));
  t.teardown(() => learner.close());
  const batch = { frames: bytes([2, height, width, 3], (i) => ((i * 31) % 200) + (i % 3)), depth: floats([2, height / 4, width / 4], (i) => (i % 7 === 0 ? 0 : 5 + Math.floor(((i / 32) % 16) * 3))) };
  const losses: number[] = [];
  for (let step = 0; step < 30; step++) losses.push((await learner.step(batch, { rateDecoder: 3e-3 })).loss[0]);
  t.log(`loss ${losses[0].toFixed(3)} to ${losses.at(-1)?.toFixed(3)}`);
  t.true(losses.at(-1)! < losses[0] / 3);
  t.true([...learner.weights("student").keys()].every((name) => name.startsWith("depth.")));
});
