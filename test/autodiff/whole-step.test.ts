import test from "ava";
import { evaluate, type NdArray } from "../../sdk/engine/reference/index.js";
import { runModel } from "../../sdk/engine/run.js";
import { readOnnx } from "../../sdk/graph/onnx/read.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { float32, sizeOf, type Tensor } from "../../sdk/graph/tensor.js";
import type { NetworkConfig } from "../../sdk/network/contract.js";
import { initialWeights } from "../../sdk/network/initial.js";
import { prefixes } from "../../sdk/network/steps/step-graph.js";
import { supervisedStep } from "../../sdk/network/steps/supervised.js";
import { int64s, random, uint8s } from "../graph/inputs.js";

const tiny: NetworkConfig = {
  width: 64, height: 32, stem: 4, channels: [4, 8, 8, 8], depths: [1, 1, 1, 1], expansion: 2, embedding: 8, heads: 2, decoderLayers: 1, regions: 3,
};
const [batch, names, boxes] = [2, 3, 2];

function feedsOf(step: ReturnType<typeof supervisedStep>): Record<string, Tensor> {
  const next = random(11);
  const many = <T>(n: number, make: () => T): T[] => Array.from({ length: n }, make);
  const { width, height } = tiny;
  return {
    frames: uint8s([batch, height, width, 3], many(batch * height * width * 3, () => Math.floor(next() * 256))),
    labels: uint8s([batch, height / 4, width / 4], many((batch * height * width) / 16, () => (next() < 0.1 ? 255 : Math.floor(next() * names)))),
    text: float32([batch, names + 2, 384], many(batch * (names + 2) * 384, () => (next() - 0.5) / 10)),
    used: float32([batch, names], many(batch * names, () => 1)),
    boxes: float32([batch, boxes, 4], [3, 2, 30, 20, 20, 10, 50, 31, 0, 5, 12, 16, 0, 0, 0, 0]),
    boxLabels: int64s([batch, boxes], [0, 2, 1, -1]),
    hasMask: float32([batch], [1, 1]),
    hasBoxes: float32([batch], [1, 1]),
    ...Object.fromEntries(Object.entries({ ...step.scalars, clip: 1e9 }).map(([name, value]) => [name, float32([], [value])])),
    // Away from the exact zeros of the first weights, where ReLU has its kink.
    ...Object.fromEntries([...step.state].map(([name, { shape, data }]) => [name, name.startsWith(prefixes.student) && !name.endsWith("statistics") ? float32(shape, data.map((v) => v + 0.1 * (next() - 0.5))) : { shape, data, dtype: "float32" as const }])),
  };
}

/** Parameters that also act through stopped values (the choice of regions), where a difference sees more than a gradient. */
const behindStops = /^encoder|^decoder\.pixel\.(context|lateral[123]|smooth)|^decoder\.region\.(tower|feature|box)/;

const numbers = (array: NdArray | undefined): readonly number[] => [...(array?.data ?? [])];

test("a whole training step: what ONNX Runtime answers, and its gradients along a direction", async (t) => {
  const step = supervisedStep(tiny, initialWeights(tiny, 1), { batch, names, boxes });
  const graph = readOnnx(step.model);
  t.deepEqual(writeOnnx(graph), step.model);
  const feeds = feedsOf(step);
  const ours = evaluate(graph, feeds);
  const theirs = await runModel(step.model, feeds, { threads: 1 });
  const lossNow = numbers(ours.get("loss"))[0];
  t.true(Math.abs(lossNow - Number(theirs.loss.data[0])) < 1e-4 * Math.abs(lossNow), `${lossNow} for ${theirs.loss.data[0]}`);

  // One direction for texts and parameters together: each number moves by its sign.
  const next = random(3);
  const gradients = new Map([["text", numbers(ours.get("textGradient"))]]);
  const directions = new Map<string, number[]>([["text", gradients.get("text")?.map(() => (next() < 0.5 ? -1 : 1)) ?? []]]);
  for (const pack of step.packs.filter((p) => !p.statistic)) {
    const name = prefixes.student + pack.name;
    gradients.set(name, numbers(ours.get(prefixes.next + prefixes.first + pack.name)).map((m) => m / 0.1));
    directions.set(
      name,
      pack.parts.flatMap((part) => Array.from({ length: sizeOf(part.shape) }, () => (behindStops.test(part.name) ? 0 : next() < 0.5 ? -1 : 1))),
    );
  }
  const along = [...gradients].reduce((so, [name, g]) => so + g.reduce((a, v, i) => a + v * (directions.get(name)?.[i] ?? 0), 0), 0);

  const lossOnly = readOnnx(step.model);
  lossOnly.outputs.splice(0, lossOnly.outputs.length, ...lossOnly.outputs.filter((o) => o.name === "loss"));
  const lossAt = (distance: number): number => {
    const moved: Record<string, Tensor> = { ...feeds };
    for (const [name, direction] of directions) {
      const { shape, data } = feeds[name];
      t.is(direction.length, sizeOf(shape), name);
      moved[name] = { dtype: "float64", shape, data: Float64Array.from(direction, (d, i) => Number(data[i]) + distance * d) };
    }
    return numbers(evaluate(lossOnly, moved).get("loss"))[0];
  };
  const epsilon = 1e-6;
  const numeric = (lossAt(epsilon) - lossAt(-epsilon)) / (2 * epsilon);
  t.true(Math.abs(along - numeric) <= 1e-4 * Math.max(1, Math.abs(numeric)), `${along} for ${numeric}`);
});
