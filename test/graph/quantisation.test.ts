import test from "ava";
import { foldConstants } from "../../sdk/engine/constants.js";
import { evaluate } from "../../sdk/engine/reference/index.js";
import { runModel } from "../../sdk/engine/run.js";
import { Graph, type Value } from "../../sdk/graph/graph.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { add, conv, mul, relu, resize } from "../../sdk/graph/ops.js";
import { integersOf, quantisable, quantised, quantisedTensors, type QuantisedForm, type Range } from "../../sdk/graph/quantisation.js";
import { rewritten } from "../../sdk/graph/rewrite.js";
import { float32, type FloatTensor } from "../../sdk/graph/tensor.js";
import { noise } from "../bundle/contents.js";

/** A convolution with ReLU, one without whose weights are computed, their sum, and the sum enlarged. */
function residual(): { graph: Graph; x: FloatTensor } {
  const graph = new Graph("residual");
  const x = graph.input("x", "float32", [1, 3, 6, 8]);
  const first = relu(conv(x, graph.constant(noise([4, 3, 3, 3], 1), "first.weight"), graph.constant(noise([4], 2)), { padding: 1 }));
  const second = conv(first, mul(graph.constant(noise([4, 4, 1, 1], 3), "second.weight"), 0.5));
  graph.output("y", resize(add(first, second), [1, 4, 12, 16], "nearest"));
  return { graph, x: noise([1, 3, 6, 8], 9) };
}

const wide: Range = [-10, 10];
const rangeOf = (name: string): Range => (name === "x" ? [-1, 1] : name.startsWith("Relu") ? [0, 10] : wide);
const rangesOf = (values: readonly Value[]): Map<string, Range> => new Map(values.map(({ name }) => [name, rangeOf(name)]));

async function planned() {
  const { graph: source, x } = residual();
  const graph = await foldConstants(source);
  const layers = new Set(quantisable(graph).map(({ outputs }) => outputs[0].name));
  return { source, graph, x, plan: { layers, ranges: rangesOf(quantisedTensors(graph, layers)) } };
}

test("folding computes what does not depend on inputs, and renames nothing", async (t) => {
  const { source, graph, x } = await planned();
  t.deepEqual(graph.nodes.map(({ operator }) => operator), ["Conv", "Relu", "Conv", "Add", "Resize"]);
  t.deepEqual(graph.nodes.map(({ outputs }) => outputs[0].name), source.nodes.filter(({ operator }) => operator !== "Mul").map(({ outputs }) => outputs[0].name));
  const [before, after] = [source, graph].map((each) => evaluate(each, { x }).get("y")?.data);
  before?.forEach((value, at) => t.true(Math.abs(value - (after?.[at] ?? NaN)) < 1e-5));
});

test("what is int8: inputs and outputs of layers, with the ReLU behind them, and what is joined of them", async (t) => {
  const { graph, plan } = await planned();
  const [firstConv, firstRelu, secondConv, sum, large] = graph.nodes.map(({ outputs }) => outputs[0].name);
  const named = (values: readonly Value[]): string[] => values.map(({ name }) => name);
  t.deepEqual(named(quantisedTensors(graph, plan.layers)), ["x", firstRelu, secondConv, sum, large]);
  t.deepEqual(named(quantisedTensors(graph, new Set([secondConv]))), [firstRelu, secondConv, sum, large]);
  t.deepEqual(named(quantisedTensors(graph, new Set([firstConv]))), ["x", firstRelu]);
});

test("a ReLU is not part of a layer that others look behind", (t) => {
  const graph = new Graph("seen");
  const made = conv(graph.input("x", "float32", [1, 3, 6, 8]), graph.constant(noise([4, 3, 1, 1], 1), "weight"));
  for (const [name, value] of [["y", relu(made)], ["z", mul(made, 2)]] as const) graph.output(name, value);
  t.deepEqual(quantisedTensors(graph, new Set([made.name])).map(({ name }) => name), ["x", made.name]);
});

test("what is enlarged keeps the integers of what it is made of", async (t) => {
  const { graph, plan } = await planned();
  const [sum, large] = graph.nodes.slice(-2).map(({ outputs }) => outputs[0].name);
  const int8 = quantised(graph, { ...plan, ranges: new Map([...plan.ranges, [large, [-1, 1]]]) }, "asymmetric");
  const scaleOf = (name: string) => int8.constants.get(int8.nodes.find(({ operator, outputs }) => operator === "QuantizeLinear" && outputs[0].name === `${name}.quantised`)!.inputs[1])?.data;
  t.deepEqual(scaleOf(large), scaleOf(sum));
});

for (const form of ["asymmetric", "symmetric"] as const satisfies readonly QuantisedForm[])
  test(`${form}: the reference and ONNX Runtime compute it alike, a few steps from float`, async (t) => {
    const { graph, x, plan } = await planned();
    const int8 = quantised(graph, plan, form);
    const zeros = int8.nodes.filter(({ operator }) => operator === "QuantizeLinear").map(({ inputs }) => int8.constants.get(inputs[2]));
    t.true(zeros.length >= 4 && zeros.every((zero) => (form === "symmetric" ? zero?.dtype === "int8" && zero.data[0] === 0 : zero?.dtype === "uint8")));
    const float = evaluate(graph, { x }).get("y");
    const ours = evaluate(int8, { x }, { precision: "declared" }).get("y");
    const theirs = await runModel(writeOnnx(int8), { x });
    const { scale } = integersOf(wide, form);
    let most = 0;
    float?.data.forEach((value, at) => {
      most = Math.max(most, Math.abs(value - (ours?.data[at] ?? NaN)));
      t.true(Math.abs((ours?.data[at] ?? NaN) - Number(theirs.y.data[at])) <= 2.01 * scale);
    });
    t.true(most > 0 && most < 6 * scale, `${most} of ${scale}`);
  });

test("weights have a scale for each output channel", async (t) => {
  const { graph, plan } = await planned();
  const int8 = quantised(graph, plan, "asymmetric");
  const [first] = int8.nodes.filter(({ operator, inputs }) => operator === "DequantizeLinear" && inputs[0].name.endsWith("first.weight.int8"));
  const [integers, scales] = [int8.constants.get(first.inputs[0]), int8.constants.get(first.inputs[1])];
  t.deepEqual([integers?.dtype, integers?.shape, scales?.shape], ["int8", [4, 3, 3, 3], [4]]);
  const weights = noise([4, 3, 3, 3], 1).data;
  for (let channel = 0; channel < 4; channel++) {
    const row = weights.subarray(channel * 27, (channel + 1) * 27);
    const scale = Number(scales?.data[channel]);
    t.is(Math.max(...row.map((_, at) => Math.abs(Number(integers?.data[channel * 27 + at])))), 127);
    row.forEach((weight, at) => t.true(Math.abs(weight - Number(integers?.data[channel * 27 + at]) * scale) <= scale * 0.51));
  }
});

for (const form of ["asymmetric", "symmetric"] as const)
  for (const [what, weight, seen] of [["whose weights are nothing", 0, 1], ["whose weights are next to nothing", 1e-6, 1], ["of a layer into which nothing was seen going", 1, 0]] as const)
    test(`${form}: a channel ${what} keeps its bias`, async (t) => {
      const graph = new Graph("bias");
      const x = graph.input("x", "float32", [1, 1, 2, 3]);
      graph.output("y", relu(conv(x, graph.constant(float32([2, 1, 1, 1], [weight, 1]), "kernel"), graph.constant(float32([2], [0.5, -0.25])))));
      const layers = new Set(quantisable(graph).map(({ outputs }) => outputs[0].name));
      const ranges = new Map(quantisedTensors(graph, layers).map(({ name }): [string, Range] => [name, [0, name === "x" ? seen : 2]]));
      const feeds = { x: float32([1, 1, 2, 3], [0, 0.2, 0.4, 0.6, 0.8, 1].map((value) => value * seen)) };
      const [float, int8] = [await runModel(writeOnnx(graph), feeds), await runModel(writeOnnx(quantised(graph, { layers, ranges }, form)), feeds)];
      const { scale } = integersOf([0, 2], form);
      float["y"]?.data.forEach((value, at) => t.true(Math.abs(Number(value) - Number(int8["y"]?.data[at])) <= 2 * scale, `${at}: ${value} became ${int8["y"]?.data[at]}`));
    });

test("layers that share a kernel compute in int8, each with integers of its own", async (t) => {
  const graph = new Graph("shared");
  const kernel = graph.constant(noise([3, 3, 1, 1], 4), "kernel");
  const x = graph.input("x", "float32", [1, 3, 6, 8]);
  graph.output("y", conv(conv(x, kernel), kernel));
  const layers = new Set(quantisable(graph).map(({ outputs }) => outputs[0].name));
  const int8 = quantised(graph, { layers, ranges: rangesOf(quantisedTensors(graph, layers)) }, "asymmetric");
  const weights = int8.nodes.filter(({ operator, inputs }) => operator === "DequantizeLinear" && inputs[0].dtype === "int8");
  t.is(new Set(weights.flatMap(({ inputs }) => inputs)).size, 6);
  t.deepEqual((await runModel(writeOnnx(int8), { x: noise([1, 3, 6, 8], 9) }))["y"]?.shape, [1, 3, 6, 8]);
});

test("ranges hold 0 exactly, and a tensor without one is refused", async (t) => {
  const { graph, plan } = await planned();
  t.deepEqual(integersOf([-1, 3], "asymmetric"), { scale: Math.fround(4 / 255), zero: { dtype: "uint8", shape: [], data: Uint8Array.of(64) } });
  t.deepEqual(integersOf([-1, 3], "symmetric"), { scale: Math.fround(3 / 127), zero: { dtype: "int8", shape: [], data: Int8Array.of(0) } });
  t.is(integersOf([-3, 1], "symmetric").scale, Math.fround(3 / 127));
  t.true(integersOf([0, 0], "asymmetric").scale > 0);
  t.throws(() => quantised(graph, { ...plan, ranges: new Map() }, "asymmetric"), { code: "E_BUNDLE_FORMAT", message: /range for the tensor x/ });
});

test("a rewritten graph keeps names, outputs and order, and loses what nobody needs", (t) => {
  const graph = new Graph("source");
  const x = graph.input("x", "float32", [2]);
  relu(x);
  graph.output("y", mul(add(x, 1), graph.constant(float32([2], [3, 4]), "factor")));
  const copy = rewritten(graph, {});
  t.deepEqual(copy.nodes.map(({ operator, outputs }) => [operator, outputs[0].name]), [["Add", "Add_2"], ["Mul", "Mul_3"]]);
  t.deepEqual(evaluate(copy, { x: float32([2], [1, 2]) }).get("y")?.data, Float64Array.of(6, 12));
});

test("names in one scope do not depend on what another holds", (t) => {
  const named = (nodes: number): string => {
    const graph = new Graph("scopes");
    const x = graph.input("x", "float32", [1]);
    graph.scope("camera", () => Array.from({ length: nodes }, () => mul(relu(x), 0.5)));
    return add(x, 0.5).name;
  };
  t.is(named(0), named(5));
});
