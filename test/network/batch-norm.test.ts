import test from "ava";
import { checkGradients } from "../../sdk/autodiff/check.js";
import { evaluate } from "../../sdk/engine/reference/index.js";
import { runModel } from "../../sdk/engine/run.js";
import { Graph } from "../../sdk/graph/graph.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { float32 } from "../../sdk/graph/tensor.js";
import { batchNorm, Builder } from "../../sdk/network/builder.js";
import { ConstantParameters } from "../../sdk/network/parameters.js";
import { StatisticsAverage } from "../../sdk/network/steps/statistics.js";
import { Random } from "../../sdk/random.js";
import { distinct } from "../graph/inputs.js";

test("gradients through batch normalisation over two images", (t) => {
  t.notThrows(() => checkGradients(([a, b, scale, bias]) => batchNorm([a, b], scale, bias, 1e-3).values, [distinct([1, 3, 2, 5]), distinct([1, 3, 2, 5], 2), distinct([3], 3), distinct([3], 4)], evaluate));
});

test("the variance of channels that hardly vary is theirs, however far from zero they are", async (t) => {
  const [n, channels, plane] = [2, 3, 8 * 6];
  const random = new Random(5, "channels");
  const x = Float32Array.from({ length: n * channels * plane }, (_, at) => [0, 300, -2000][Math.floor(at / plane) % channels] + 0.05 * random.normal());
  const graph = new Graph("layer");
  const ones = (shape: readonly number[], value = 1) => float32(shape, Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => value));
  const eye = float32([channels, channels, 1, 1], [1, 0, 0, 0, 1, 0, 0, 0, 1]);
  const b = new Builder(graph, new ConstantParameters(new Map([["layer.weight", eye], ["layer.scale", ones([channels])], ["layer.bias", ones([channels], 0)], ["layer.mean", ones([channels], 0)], ["layer.variance", ones([channels])]])), "batch");
  graph.output("y", b.convNorm("layer", graph.input("x", "float32", [n, channels, 8, 6]), channels));
  const [{ mean, variance }] = b.statistics;
  graph.output("mean", mean);
  graph.output("variance", variance);
  const answer = await runModel(writeOnnx(graph), { x: float32([n, channels, 8, 6], [...x]) });
  for (let channel = 0; channel < channels; channel++) {
    const seen = Array.from({ length: n }, (_, image) => [...x.subarray((image * channels + channel) * plane, (image * channels + channel + 1) * plane)]).flat();
    const middle = seen.reduce((sum, value) => sum + value, 0) / seen.length;
    const expected = seen.reduce((sum, value) => sum + (value - middle) ** 2, 0) / seen.length;
    t.true(Math.abs(Number(answer.mean.data[channel]) - middle) < 1e-6 * Math.max(1, Math.abs(middle)));
    t.true(Math.abs(Number(answer.variance.data[channel]) / expected - 1) < 1e-3, `${answer.variance.data[channel]} for ${expected}`);
  }
  t.true(answer.y.data.every((value) => Number.isFinite(Number(value))));
});

test("statistics of several batches are those of all frames together, mixed with what is kept by their share", (t) => {
  const average = new StatisticsAverage();
  // Batches of 1 and 3, and of 5 and 11, of one channel.
  for (const [mean, variance] of [[2, 1], [8, 9]]) average.add({ "measured/layer.mean": float32([1], [mean]), "measured/layer.variance": float32([1], [variance]) });
  const statistics = (mean: number, variance: number) => new Map([["layer.mean", float32([1], [mean])], ["layer.variance", float32([1], [variance])], ["layer.weight", float32([1], [7])]]);
  const [weights, kept] = [statistics(50, 60), statistics(9, 10)];
  // The mean of 1, 3, 5 and 11 is 5, that of their squares 39.
  t.deepEqual(average.into(weights), statistics(5, 14));
  t.deepEqual(average.into(weights, 0.25, kept), statistics(8, 11));
  t.deepEqual(average.into(weights, 0, kept), statistics(9, 10));
});
