import test from "ava";
import type { Attributes, Operator } from "../../sdk/graph/attributes.js";
import { Graph } from "../../sdk/graph/graph.js";
import { add, concat, conv, matMul, relu, reshape } from "../../sdk/graph/ops.js";
import type { DType, Shape } from "../../sdk/graph/tensor.js";

const code = "E_GRAPH_SHAPE";

test("a mistake points at the line that built the node", (t) => {
  const graph = new Graph("mistaken");
  const build = function theLineThatBuilds(): void {
    add(graph.input("a", "float32", [2, 3]), graph.input("b", "float32", [4]));
  };
  const error = t.throws(build, { code, message: /Add.*a: float32\[2, 3\]; b: float32\[4\]/ });
  t.regex(error?.stack ?? "", /theLineThatBuilds.*shapes\.test/);
});

type Type = readonly [Shape, DType?];

/** Whether an operator refuses inputs of these types. */
function refuses<K extends Operator>(operator: K, inputs: readonly Type[], attributes: Attributes[K], message: RegExp): void {
  test(`${operator} refuses ${inputs.map(([shape, dtype = "float32"]) => `${dtype}[${shape.join()}]`).join(" ")} ${JSON.stringify(attributes)}`, (t) => {
    const graph = new Graph("refused");
    const values = inputs.map(([shape, dtype = "float32"], i) => graph.input(`x${i}`, dtype, shape));
    t.throws(() => graph.node(operator, values, attributes), { code, message });
    t.is(graph.nodes.length, 0);
  });
}

const conv1 = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], group: 1 } as const;

refuses("Add", [[[2]], [[2], "int32"]], {}, /one type/);
refuses("Add", [[[2]]], {}, /2 inputs/);
refuses("Where", [[[2]], [[2]], [[2]]], {}, /bool condition/);
refuses("And", [[[2], "bool"], [[2]]], {}, /bool/);
refuses("Reshape", [[[2, 3]]], { shape: [4, 2] }, /as many elements/);
refuses("Transpose", [[[2, 3]]], { perm: [0, 0] }, /permutation/);
refuses("Concat", [[[2, 3]], [[3, 3]]], { axis: 1 }, /agree/);
refuses("Concat", [[[2, 3]]], { axis: 2 }, /axis from -2 to 1/);
refuses("Split", [[[5]]], { axis: 0, split: [5, 0] }, /add up/);
refuses("Slice", [[[5]]], { starts: [3], ends: [3], axes: [0], steps: [1] }, /empty/);
refuses("Slice", [[[5]]], { starts: [0], ends: [3], axes: [0], steps: [0] }, /other than 0/);
refuses("Pad", [[[2, 2]]], { pads: [1, 1], value: 0 }, /4 pads/);
refuses("Pad", [[[2]]], { pads: [-1, -1], value: 0 }, /left/);
refuses("Expand", [[[2]]], { shape: [3] }, /broadcasts/);
refuses("Unsqueeze", [[[2]]], { axes: [0, 0] }, /differ/);
refuses("Squeeze", [[[2, 1]]], { axes: [0] }, /extent 1/);
refuses("Tile", [[[2]]], { repeats: [0] }, /repeats/);
refuses("Gather", [[[2]], [[2]]], { axis: 0 }, /integer/);
refuses("GatherElements", [[[2, 2]], [[3, 2], "int64"]], { axis: 1 }, /within/);
refuses("ScatterElements", [[[2, 2]], [[1, 2], "int64"], [[1, 1]]], { axis: 0, reduction: "none" }, /updates/);
refuses("OneHot", [[[2], "int32"]], { axis: -1, depth: 3 }, /int64/);
refuses("DepthToSpace", [[[1, 6, 2, 2]]], { blocksize: 2, mode: "DCR" }, /divides/);
refuses("SpaceToDepth", [[[1, 1, 3, 2]]], { blocksize: 2 }, /divides/);
refuses("Resize", [[[1, 1, 3, 2]]], { sizes: [3, 2], mode: "nearest", alignment: "asymmetric", antialias: false }, /4 sizes/);
refuses("Resize", [[[1, 1, 3, 2]]], { sizes: [1, 1, 6, 4], mode: "nearest", alignment: "half_pixel", antialias: false }, /asymmetric/);
refuses("Resize", [[[1, 1, 3, 2]]], { sizes: [1, 1, 2, 1], mode: "linear", alignment: "align_corners", antialias: true }, /half_pixel/);
refuses("ReduceSum", [[[2]]], { axes: [], keepdims: true }, /at least one/);
refuses("TopK", [[[2]]], { k: 3, axis: 0, largest: true }, /k from 1 to 2/);
refuses("MatMul", [[[2, 3]], [[2, 3]]], {}, /\[\.\.\., n, k\]/);
refuses("MatMul", [[[2, 2, 3]], [[4, 3, 2]]], {}, /broadcast/);
refuses("Gemm", [[[2, 3]], [[3, 2]], [[4, 1]]], { alpha: 1, beta: 1, transA: false, transB: false }, /C that/);
refuses("Gemm", [[[2, 3]], [[3, 2]], [[1, 2, 2]]], { alpha: 1, beta: 1, transA: false, transB: false }, /C that/);
refuses("Conv", [[[1, 4, 3, 3]], [[2, 3, 1, 1]]], conv1, /group/);
refuses("Conv", [[[1, 1, 3, 3]], [[2, 1, 5, 1]]], conv1, /no smaller/);
refuses("Conv", [[[1, 1, 3, 3]], [[2, 1, 1, 1]]], { ...conv1, strides: [0, 1] }, /strides/);
refuses("Conv", [[[1, 1, 3, 3]], [[2, 1, 1, 1]], [[3]]], conv1, /bias/);
refuses("ConvTranspose", [[[1, 1, 1, 1]], [[1, 2, 1, 1]]], { ...conv1, pads: [1, 1, 1, 1], outputPadding: [0, 0] }, /leave/);
refuses("AveragePool", [[[1, 1, 3, 3]]], { kernel: [2, 2], strides: [1, 1], pads: [2, 0, 0, 0] }, /smaller than the kernel/);
refuses("BatchNormalization", [[[1, 2, 3, 3]], [[2]], [[2]], [[2]], [[3]]], { epsilon: 1e-5 }, /variance/);
refuses("LayerNormalization", [[[2, 3]], [[2]]], { axis: -1, epsilon: 1e-5 }, /3 elements/);
refuses("QuantizeLinear", [[[2]], [[2]], [[], "int8"]], { axis: 0 }, /zero points to match/);
refuses("QuantizeLinear", [[[2]], [[]], [[], "int32"]], { axis: 0 }, /int8 or uint8/);
refuses("DequantizeLinear", [[[2], "int8"], [[]], [[], "uint8"]], { axis: 0 }, /zero points/);

test("values of another graph, and names twice, are refused", (t) => {
  const [one, other] = [new Graph("one"), new Graph("other")];
  const x = one.input("x", "float32", [1]);
  t.throws(() => add(x, other.input("x", "float32", [1])), { code, message: /other/ });
  t.throws(() => one.input("x", "float32", [1]), { code, message: /twice/ });
  one.output("y", relu(x));
  t.throws(() => {
    one.output("y", x);
  }, { code, message: /twice/ });
  t.throws(() => one.constant({ dtype: "float32", shape: [3], data: new Float32Array(2) }), { code, message: /3 elements/ });
});

test("names that are made keep clear of names that were given", (t) => {
  const graph = new Graph("names");
  const x = graph.input("Relu_0", "float32", [1]);
  graph.output("Relu_1", relu(x));
  const names = new Set([relu(x), relu(x)].map((v) => v.name));
  t.is(names.size, 2);
  t.false(names.has("Relu_1"));
});

test("ops infer what they leave open", (t) => {
  const graph = new Graph("ops");
  const x = graph.input("x", "float32", [2, 3, 4, 6]);
  t.deepEqual(reshape(x, [2, -1, 6]).shape, [2, 12, 6]);
  t.deepEqual(conv(x, graph.input("w", "float32", [5, 3, 3, 3]), undefined, { stride: 2, padding: 1 }).shape, [2, 5, 2, 3]);
  t.is(concat([x], 0), x);
  t.deepEqual(matMul(graph.input("m", "float32", [7, 4]), x).shape, [2, 3, 7, 6]);
  t.throws(() => reshape(x, [5, -1]), { code });
});
