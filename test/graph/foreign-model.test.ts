import { readFile } from "node:fs/promises";
import test from "ava";
import { gradients } from "../../sdk/autodiff/backward.js";
import { runModel } from "../../sdk/engine/run.js";
import type { Graph, Value } from "../../sdk/graph/graph.js";
import { mul, sumSquare, total } from "../../sdk/graph/ops.js";
import { readOnnx } from "../../sdk/graph/onnx/read.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { float32 } from "../../sdk/graph/tensor.js";
import { needs, sharedData } from "../support/shared.js";

/** ESPNetv2 as PyTorch exported it: 532 nodes, among them chains that compute with shapes. */
const model = sharedData("models", "espnetv2_s1.0_city_1024x512.onnx");
const missing = ["the shared model", "it is no part of this repository"] as const;

const frame = float32([1, 3, 512, 1024], Float32Array.from({ length: 3 * 512 * 1024 }, (_, at) => Math.sin(at * 0.001) + Math.cos(at * 0.37)));

/** Mean square of the answer. */
function withLoss(graph: Graph): Value {
  const [answer] = graph.outputs;
  if (!answer) throw new Error("no output");
  const loss = mul(total(sumSquare(answer.value, [1])), 1 / answer.value.size);
  graph.output("loss", loss);
  return loss;
}

test.serial("a model that nobody here made answers the same, read and written again", async (t) => {
  if (!needs(t, model !== undefined, ...missing) || !model) return;
  const bytes = await readFile(model);
  const graph = readOnnx(bytes);
  t.true(graph.nodes.length < 400, "what computes with shapes is folded");
  const [{ y: theirs }, { y: ours }] = [await runModel(bytes, { x: frame }), await runModel(writeOnnx(graph), { x: frame })];
  t.deepEqual(ours?.shape, [1, 20, 512, 1024]);
  const [a, b] = [theirs?.data as Float32Array, ours?.data as Float32Array];
  t.true(a.every((value, at) => Math.abs(value - (b[at] ?? NaN)) < 1e-3));
});

test.serial("its normalisation learns: the gradient is the slope of the loss", async (t) => {
  if (!needs(t, model !== undefined, ...missing) || !model) return;
  const bytes = await readFile(model);
  const graph = readOnnx(bytes);
  const learning = graph.nodes.filter(({ operator }) => operator === "BatchNormalization").flatMap(({ inputs }) => inputs.slice(1, 3));
  t.is(learning.length, 40);
  const slopes = gradients(withLoss(graph), learning);
  slopes.forEach((slope, at) => graph.output(`slope${at}`, slope));
  const answers = await runModel(writeOnnx(graph), { x: frame });
  const found = slopes.map((_, at) => answers[`slope${at}`]?.data as Float32Array);
  const length = Math.hypot(...found.map((slope) => Math.hypot(...slope)));
  t.true(length > 0);

  const lossAt = async (distance: number): Promise<number> => {
    const moved = readOnnx(bytes);
    const names = new Map(learning.map(({ name }, at) => [name, found[at]]));
    for (const [value, tensor] of moved.constants) {
      const slope = names.get(value.name);
      if (slope) moved.constants.set(value, { dtype: "float32", shape: tensor.shape, data: (tensor.data as Float32Array).map((number, at) => number + (distance * (slope[at] ?? NaN)) / length) });
    }
    withLoss(moved);
    return (await runModel(writeOnnx(moved), { x: frame }))["loss"]?.data[0] as number;
  };
  const distance = 1e-3;
  const slope = ((await lossAt(distance)) - (await lossAt(-distance))) / (2 * distance);
  t.true(Math.abs(slope / length - 1) < 0.02, `${slope} where the gradient says ${length}`);
});
