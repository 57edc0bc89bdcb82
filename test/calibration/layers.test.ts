import test from "ava";
import { runsOf } from "../../calibration/layers.js";
import { Graph, type Value } from "../../sdk/graph/graph.js";
import { conv, matMul } from "../../sdk/graph/ops.js";
import { sizeOf } from "../../sdk/graph/tensor.js";

test("layers' shares of the work are those of their multiplications", (t) => {
  const graph = new Graph("layers");
  const weights = (name: string, shape: readonly number[]): Value => graph.constant({ dtype: "float32", shape, data: new Float32Array(sizeOf(shape)) }, `${name}.weight`);
  const attributes = { strides: [2, 2], pads: [0, 0, 0, 0], dilations: [1, 1], outputPadding: [0, 0], group: 1 } as const;
  const [up] = graph.node("ConvTranspose", [graph.input("a", "float32", [1, 6, 4, 5]), weights("up", [6, 3, 2, 2])], attributes);
  conv(up, weights("down", [5, 3, 2, 2]), undefined, { stride: 2 });
  graph.node("Gemm", [graph.input("b", "float32", [7, 3]), weights("turned", [7, 11])], { alpha: 1, beta: 1, transA: true, transB: false });
  matMul(graph.input("c", "float32", [3, 7]), weights("product", [7, 11]));
  const runs = runsOf({ graph, source: graph, parameters: new Set(["up", "down", "turned", "product"].map((name) => `${name}.weight`)) }, graph.nodes);
  const multiplications = { up: 4 * 5 * 6 * 3 * 2 * 2, down: 4 * 5 * 5 * 3 * 2 * 2, turned: 3 * 7 * 11, product: 3 * 7 * 11 };
  const total = Object.values(multiplications).reduce((sum, count) => sum + count);
  t.deepEqual(Object.fromEntries(runs.map(({ name, work }) => [name, Math.round((work * total) / 100)])), multiplications);
});
