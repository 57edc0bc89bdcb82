import test from "ava";
import { goldenTolerance } from "../../sdk/engine/golden.js";
import { vocabularyFeeds } from "../../sdk/engine/feeds.js";
import type { Tensors } from "../../sdk/engine/onnxruntime.js";
import { runModel } from "../../sdk/engine/run.js";
import { isOperator } from "../../sdk/graph/graph.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { type FloatTensor, float32, type Tensor } from "../../sdk/graph/tensor.js";
import { textWidth } from "../../sdk/network/contract.js";
import { inferenceGraph, type InferenceOptions } from "../../sdk/network/inference.js";
import { tinyNetwork } from "../bundle/contents.js";
import { frameOf, vocabulary, weightsOf } from "../engine/models.js";

const weights = weightsOf(1);

/** How far each element of two tensors is apart. */
const apart = (a: Tensor | undefined, b: Tensor | undefined): number[] => [...(a?.data ?? [])].map((value, at) => Math.abs(Number(value) - Number(b?.data[at])));

for (const [width, height] of [[150, 91], [64, 32], [40, 20]] as const)
  test(`the form for TensorRT answers a frame of ${width} x ${height} as the other does`, async (t) => {
    const feeds = { frame: { dtype: "uint8", shape: [1, height, width, 3], data: frameOf(3, width, height).rgb }, ...vocabularyFeeds(vocabulary(), textWidth) } as const;
    const answer = (target: InferenceOptions["target"]) =>
      runModel(writeOnnx(inferenceGraph(tinyNetwork, weights, { frame: { width, height }, names: 16, ...(target && { target }) })), feeds);
    const [expected, received] = [await answer("onnxruntime"), await answer("tensorrt")];
    for (const name of ["mask", "mask_score"]) t.deepEqual([received[name]?.dtype, received[name]?.shape], [expected[name]?.dtype, expected[name]?.shape]);
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    // Some bytes of the resized frame round to the other side, which random weights make much of: regions of equal worth change places.
    t.true(1 - mean(apart(expected["mask"], received["mask"]).map((difference) => Math.min(1, difference))) >= goldenTolerance.maskAgreement);
    t.true(mean(apart(expected["mask_score"], received["mask_score"])) <= goldenTolerance.maskScore);
    const scores = ({ box_score: tensor }: Tensors): FloatTensor => float32([tensor?.data.length ?? 0], Array.from(tensor?.data ?? [], Number).sort((a, b) => a - b));
    t.true(Math.max(...apart(scores(expected), scores(received))) <= goldenTolerance.boxScore);
  });

test("the form for TensorRT has bytes at its borders alone, and no antialiasing", (t) => {
  const graph = inferenceGraph(tinyNetwork, weights, { frame: { width: 150, height: 91 }, names: 16, target: "tensorrt" });
  const outputs = new Set(graph.outputs.map(({ value }) => value));
  for (const node of graph.nodes) {
    t.false(isOperator(node, "Resize") && node.attributes.antialias);
    for (const value of node.inputs) t.true(value.dtype !== "uint8" || (graph.inputs.includes(value) && node.operator === "Cast"), `${node.operator} takes ${value}`);
    for (const value of node.outputs)
      t.true(value.dtype !== "uint8" || (outputs.has(value) && node.operator === "Cast" && node.inputs[0]?.dtype === "float32"), `${node.operator} gives ${value}`);
  }
});
