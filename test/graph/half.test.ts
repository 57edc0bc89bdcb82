import test from "ava";
import { foldConstants } from "../../sdk/engine/constants.js";
import { evaluate } from "../../sdk/engine/reference/index.js";
import { runModel } from "../../sdk/engine/run.js";
import { modelKey } from "../../sdk/engine/tensorrt/key.js";
import { Graph } from "../../sdk/graph/graph.js";
import { halvable, halved, type HalfForm } from "../../sdk/graph/half.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { add, concat, conv, gelu, greater, matMul, max, mul, relu, reshape, softmax, sum, topK, where } from "../../sdk/graph/ops.js";
import type { FloatTensor } from "../../sdk/graph/tensor.js";
import { noise } from "../bundle/contents.js";

/** A convolution, something that only moves and chooses, products, sums and a comparison. */
function mixed(): { graph: Graph; x: FloatTensor } {
  const graph = new Graph("mixed");
  const x = graph.input("x", "float32", [1, 3, 6, 8]);
  const features = relu(conv(x, graph.constant(noise([4, 3, 3, 3], 1), "first.weight"), graph.constant(noise([4], 2)), { padding: 1 }));
  const rows = reshape(concat([features, features], 1), [8, 48]);
  const [best] = topK(gelu(matMul(rows, graph.constant(noise([48, 5], 3), "second.weight"))), 3, 1);
  const shares = softmax(mul(best, 3), 1);
  graph.output("shares", where(greater(shares, 0.5), add(shares, sum(rows, [1], true)), max(best, graph.scalar(1e6))));
  graph.output("features", features);
  return { graph, x: noise([1, 3, 6, 8], 9) };
}

const nodesOf = (graph: Graph, operators: readonly string[]): Set<string> => new Set(graph.nodes.filter(({ operator }) => operators.includes(operator)).map(({ outputs }) => outputs[0].name));

async function made(form: HalfForm, operators: readonly string[] = ["Conv", "MatMul", "Gelu", "Mul"]) {
  const { graph: source, x } = mixed();
  const graph = await foldConstants(source);
  return { graph, x, half: halved(graph, { layers: nodesOf(graph, operators) }, form) };
}

test("what can be asked for is what computes; what moves or chooses follows what it is given, and no bigger constant than there is room for", async (t) => {
  const { graph, half } = await made("typed");
  t.deepEqual(new Set(halvable(graph).map(({ operator }) => operator)), new Set(["Conv", "MatMul", "Gelu", "Mul", "Softmax", "ReduceSum", "Add"]));
  const typeOf = (operator: string): string | undefined => half.nodes.find((node) => node.operator === operator)?.outputs[0].dtype;
  for (const operator of ["Conv", "Relu", "Concat", "Reshape", "MatMul", "Gelu", "TopK", "Mul"]) t.is(typeOf(operator), "float16", operator);
  for (const operator of ["Softmax", "ReduceSum", "Add", "Max", "Where"]) t.is(typeOf(operator), "float32", operator);
});

test("typed: every node takes floats of one type, and the graph takes and answers float32", async (t) => {
  const { half } = await made("typed");
  for (const node of half.nodes) {
    const types = new Set(node.inputs.map(({ dtype }) => dtype).filter((dtype) => dtype.startsWith("float")));
    t.true(types.size === 1, `${node.operator} of ${[...types].join()}`);
  }
  t.deepEqual([...half.inputs, ...half.outputs.map(({ value }) => value)].map(({ dtype }) => dtype), ["float32", "float32", "float32"]);
  t.is(modelKey(writeOnnx(half)).precision, "float16");
});

test("both forms compute the same, by the reference and by ONNX Runtime, and it is not float's", async (t) => {
  const { graph, x, half: typed } = await made("typed");
  const { half: rounded } = await made("rounded");
  const float = evaluate(graph, { x });
  const ours = evaluate(typed, { x }, { precision: "declared" });
  const same = evaluate(rounded, { x }, { precision: "declared" });
  const theirs = await runModel(writeOnnx(rounded), { x });
  for (const name of ["shares", "features"]) {
    const exact = float.get(name)?.data ?? [];
    t.deepEqual(ours.get(name)?.data, same.get(name)?.data);
    let apart = 0;
    exact.forEach((value, at) => {
      const half = ours.get(name)?.data[at] ?? NaN;
      apart = Math.max(apart, Math.abs(half - value));
      // Sums in another order may round to the neighbour.
      t.true(Math.abs(half - Number(theirs[name].data[at])) <= Math.max(1e-6, Math.abs(half)) * 2 ** -9, name);
    });
    t.true(apart > 0 && apart < 0.05, `${name} ${apart}`);
  }
});

test("layers that are another network's are refused", async (t) => {
  const { graph } = mixed();
  t.throws(() => halved(graph, { layers: new Set(["Conv_1000"]) }, "typed"), { code: "E_BUNDLE_FORMAT", message: /Conv_1000/ });
  t.throws(() => halved(graph, { layers: nodesOf(graph, ["Relu"]) }, "typed"), { code: "E_BUNDLE_FORMAT" }, "what follows is not asked for");
});

test("nothing in float16 is the graph as it was", async (t) => {
  const { graph, x, half } = await made("typed", []);
  t.deepEqual(half.nodes.map(({ operator }) => operator), graph.nodes.map(({ operator }) => operator));
  t.deepEqual(evaluate(half, { x }).get("shares"), evaluate(graph, { x }).get("shares"));
});
