import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import test from "ava";
import { gradients } from "../../sdk/autodiff/backward.js";
import { evaluate } from "../../sdk/engine/reference/index.js";
import { runModel } from "../../sdk/engine/run.js";
import { mul, total } from "../../sdk/graph/ops.js";
import { type GraphProtoSchema, ModelProtoSchema, AttributeProto_AttributeType as Kind, type NodeProtoSchema } from "../../sdk/graph/onnx/onnx_pb.js";
import { readOnnx } from "../../sdk/graph/onnx/read.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { float32, int64, type Tensor } from "../../sdk/graph/tensor.js";
import { distinct } from "./inputs.js";

type NodeInit = MessageInitShape<typeof NodeProtoSchema>;
type AttributeInit = NonNullable<NodeInit["attribute"]>[number];

const int = (name: string, i: number): AttributeInit => ({ name, type: Kind.INT, i: BigInt(i) });
const ints = (name: string, ...values: number[]): AttributeInit => ({ name, type: Kind.INTS, ints: values.map(BigInt) });
const float = (name: string, f: number): AttributeInit => ({ name, type: Kind.FLOAT, f });
const string = (name: string, s: string): AttributeInit => ({ name, type: Kind.STRING, s: new TextEncoder().encode(s) });

const pictureShape = [1, 4, 5, 7];

/** One node as an exporter writes it: x float32 and some constants in, y out. */
const exported = (opType: string, attribute: readonly AttributeInit[], constants: Readonly<Record<string, Tensor>>, inputs: readonly string[], opset: number, shapeOfX: readonly number[] = pictureShape): Uint8Array =>
  exportedNodes([{ opType, input: [...inputs], output: ["y"], attribute: [...attribute] }], constants, opset, shapeOfX);

function exportedNodes(node: NodeInit[], constants: Record<string, Tensor>, opset: number, shapeOfX: readonly number[] = pictureShape, functions: MessageInitShape<typeof ModelProtoSchema>["functions"] = []): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: "", version: BigInt(opset) }],
      functions,
      graph: {
        name: "exported",
        node,
        initializer: Object.entries(constants).map(([name, { shape, data, dtype }]) => ({ name, dims: shape.map(BigInt), dataType: { int64: 7, bool: 9 }[dtype as string] ?? 1, rawData: new Uint8Array(data.buffer) })),
        input: [{ name: "x", type: { value: { case: "tensorType", value: { elemType: 1, shape: { dim: shapeOfX.map((n) => ({ value: { case: "dimValue" as const, value: BigInt(n) } })) } } } } }],
        output: [{ name: "y", type: { value: { case: "tensorType", value: { elemType: 1 } } } }],
      },
    }),
  );
}

const scale = float32([4], [0.5, 1, 1.5, -2]);
const bias = float32([4], [0.1, -0.2, 0.3, 0]);
const borders = int64([8], [0, 0, 2, 1, 0, 0, 1, 3]);
const pool = [ints("kernel_shape", 3, 2), ints("strides", 2, 2)];

const rows = int64([2, 1, 3], [0, 3, 1, 0, -1, 4]);

const cases: readonly (readonly [string, string, readonly AttributeInit[], Readonly<Record<string, Tensor>>?, (readonly string[])?, number?, (readonly number[])?])[] = [
  ["HardSigmoid", "HardSigmoid", []],
  ["HardSigmoid as MobileNet has it", "HardSigmoid", [float("alpha", 1 / 6)]],
  ["Elu", "Elu", [float("alpha", 0.7)]],
  ["Selu", "Selu", []],
  ["Celu", "Celu", [float("alpha", 1.5)]],
  ["Mish", "Mish", [], {}, ["x"], 18],
  ["Softsign", "Softsign", []],
  ["Ceil", "Ceil", []],
  ["Dropout", "Dropout", []],
  ["Resize cubic", "Resize", [string("mode", "cubic")], { sizes: int64([4], [1, 4, 8, 5]) }, ["x", "", "", "sizes"]],
  ["Resize cubic, corners aligned", "Resize", [string("mode", "cubic"), string("coordinate_transformation_mode", "align_corners"), float("cubic_coeff_a", -0.5)], { sizes: int64([4], [1, 4, 3, 11]) }, ["x", "", "", "sizes"]],
  ["Flatten", "Flatten", [int("axis", -2)]],
  ["Sum", "Sum", [], { a: float32([4, 1, 1], bias.data) }, ["x", "a", "x"]],
  ["Mean", "Mean", [], { a: float32([4, 1, 1], bias.data) }, ["x", "a", "x"]],
  ["GridSample", "GridSample", [], { grid: float32([1, 2, 3, 2], [-1.1, 0.9, 0.3, -0.2, 0.77, 0.5, -0.4, -1.3, 0.05, 0.61, 1, 1]) }, ["x", "grid"], 16],
  ["GridSample, corners aligned", "GridSample", [int("align_corners", 1), string("mode", "bilinear")], { grid: float32([1, 2, 3, 2], [-1.1, 0.9, 0.3, -0.2, 0.77, 0.5, -0.4, -1.3, 0.05, 0.61, 0.9, 0.8]) }, ["x", "grid"], 16],
  ["CastLike", "CastLike", [], { like: float32([1], [0]) }, ["x", "like"]],
  ["Attention", "Attention", [], { k: float32([1, 4, 6, 7], distinct([1, 4, 6, 7], 2).data), v: float32([1, 4, 6, 3], distinct([1, 4, 6, 3], 3).data) }, ["x", "k", "v"], 23],
  ["Attention with a mask and a scale", "Attention", [float("scale", 0.25)], { k: float32([1, 4, 6, 7], distinct([1, 4, 6, 7], 2).data), v: float32([1, 4, 6, 3], distinct([1, 4, 6, 3], 3).data), mask: float32([5, 6], distinct([5, 6], 4).data) }, ["x", "k", "v", "mask"], 23],
  ["Attention with a mask of what counts", "Attention", [], { k: float32([1, 4, 6, 7], distinct([1, 4, 6, 7], 2).data), v: float32([1, 4, 6, 3], distinct([1, 4, 6, 3], 3).data), mask: { dtype: "bool", shape: [5, 6], data: Uint8Array.from({ length: 30 }, (_, at) => Number(at % 4 !== 1)) } }, ["x", "k", "v", "mask"], 23],
  ["GatherND", "GatherND", [], { rows }, ["x", "rows"]],
  ["ScatterND", "ScatterND", [], { rows, updates: float32([2, 1, 7], distinct([2, 1, 7]).data) }, ["x", "rows", "updates"]],
  ["ScatterND that adds", "ScatterND", [string("reduction", "add")], { rows: int64([3, 1], [0, 0, -1]), updates: float32([3, 4, 5, 7], distinct([3, 4, 5, 7]).data) }, ["x", "rows", "updates"]],
  ["MatMul by a vector", "MatMul", [], { v: float32([7], distinct([7]).data) }, ["x", "v"]],
  ["MatMul of a vector", "MatMul", [], { v: float32([5], distinct([5]).data) }, ["v", "x"]],
  ["MatMul of two vectors", "MatMul", [], { v: float32([7], distinct([7]).data) }, ["x", "v"], 17, [7]],
  ["Conv along one axis", "Conv", [ints("strides", 2), ints("pads", 2, 1), ints("dilations", 2), int("group", 2)], { w: float32([4, 3, 2], distinct([4, 3, 2]).data), bias }, ["x", "w", "bias"], 17, [2, 6, 9]],
  ["Reshape whose zeros would mean nothing", "Reshape", [int("allowzero", 1)], { to: int64([3], [4, 5, -1]) }, ["x", "to"]],
  ["CumSum", "CumSum", [], { axis: int64([], [1]) }, ["x", "axis"]],
  ["CumSum of what comes after", "CumSum", [int("exclusive", 1), int("reverse", 1)], { axis: int64([], [-1]) }, ["x", "axis"]],
  ["GlobalMaxPool", "GlobalMaxPool", []],
  ["ReduceL1", "ReduceL1", [ints("axes", 1, -1), int("keepdims", 0)]],
  ["ReduceL2 of all", "ReduceL2", []],
  ["ReduceL2, axes as an input", "ReduceL2", [], { axes: int64([2], [2, 3]) }, ["x", "axes"], 18],
  ["ReduceLogSumExp", "ReduceLogSumExp", [ints("axes", 1), int("keepdims", 0)]],
  ["LpNormalization", "LpNormalization", [int("axis", 1)]],
  ["LpNormalization, p 1", "LpNormalization", [int("axis", -1), int("p", 1)]],
  ["InstanceNormalization", "InstanceNormalization", [float("epsilon", 1e-3)], { scale, bias }, ["x", "scale", "bias"]],
  ["GroupNormalization", "GroupNormalization", [int("num_groups", 2)], { scale, bias }, ["x", "scale", "bias"], 21],
  ["Pad that reflects", "Pad", [string("mode", "reflect")], { borders }, ["x", "borders"]],
  ["Pad that repeats the edge", "Pad", [string("mode", "edge")], { borders }, ["x", "borders"]],
  ["AveragePool that leaves padding out", "AveragePool", [...pool, ints("pads", 1, 1, 1, 0)]],
  ["AveragePool with ceil_mode", "AveragePool", [...pool, int("ceil_mode", 1)]],
  ["AveragePool with ceil_mode that leaves padding out", "AveragePool", [...pool, ints("pads", 1, 1, 1, 0), int("ceil_mode", 1)]],
  ["AveragePool with ceil_mode that counts padding", "AveragePool", [...pool, ints("pads", 1, 0, 0, 1), int("ceil_mode", 1), int("count_include_pad", 1)], {}, ["x"], 19],
  ["AveragePool, SAME_UPPER", "AveragePool", [...pool, string("auto_pad", "SAME_UPPER")]],
  ["MaxPool with ceil_mode", "MaxPool", [...pool, int("ceil_mode", 1)]],
  ["MaxPool with ceil_mode and padding", "MaxPool", [...pool, ints("pads", 1, 1, 1, 1), int("ceil_mode", 1)]],
  ["MaxPool with ceil_mode that changes nothing", "MaxPool", [ints("kernel_shape", 1, 1), int("ceil_mode", 1)]],
  ["MaxPool, SAME_UPPER", "MaxPool", [...pool, string("auto_pad", "SAME_UPPER")]],
  ["Conv, SAME_UPPER", "Conv", [ints("strides", 2, 2), string("auto_pad", "SAME_UPPER")], { w: float32([2, 4, 3, 4], distinct([2, 4, 3, 4]).data) }, ["x", "w"]],
  ["Conv, SAME_LOWER", "Conv", [string("auto_pad", "SAME_LOWER")], { w: float32([2, 4, 2, 2], distinct([2, 4, 2, 2]).data) }, ["x", "w"]],
  ...["SAME_UPPER", "SAME_LOWER"].map((how) => [`ConvTranspose, ${how}`, "ConvTranspose", [ints("strides", 3, 2), string("auto_pad", how)], { w: float32([4, 2, 4, 5], distinct([4, 2, 4, 5]).data) }, ["x", "w"]] as const),
  ["ConvTranspose to a shape", "ConvTranspose", [ints("strides", 2, 2), ints("output_shape", 10, 13)], { w: float32([4, 2, 3, 4], distinct([4, 2, 3, 4]).data) }, ["x", "w"]],
  ["Einsum, a product along channels", "Einsum", [string("equation", "nchw,cd->ndhw")], { m: float32([4, 3], distinct([4, 3]).data) }, ["x", "m"]],
  ["Einsum, batches and sums", "Einsum", [string("equation", "nchw, nchq -> nwq")], { m: float32([1, 4, 5, 2], distinct([1, 4, 5, 2]).data) }, ["x", "m"]],
  ["Einsum, an outer product", "Einsum", [string("equation", "nchw,k->nkchw")], { m: float32([2], [2, -3]) }, ["x", "m"]],
  ["Einsum of one", "Einsum", [string("equation", "nchw->wc")]],
  ["Max of three", "Max", [], { a: float32([4, 1, 1], bias.data), b: float32([1], [0.05]) }, ["x", "a", "b"]],
  ["Min of one", "Min", []],
  ["Pow by an integer", "Pow", [], { by: int64([], [3]) }, ["x", "by"]],
  ["Dropout that keeps all", "Dropout", [], { ratio: float32([], [0.5]), training: { dtype: "bool", shape: [], data: Uint8Array.of(0) } }, ["x", "ratio", "training"]],
  ["MaxPool, VALID whatever pads say", "MaxPool", [...pool, string("auto_pad", "VALID"), ints("pads", 1, 1, 1, 1)]],
  ["AveragePool, VALID whatever pads say", "AveragePool", [...pool, string("auto_pad", "VALID"), ints("pads", 1, 1, 1, 1)]],
  ["Resize nearest between neighbours", "Resize", [string("coordinate_transformation_mode", "asymmetric"), string("nearest_mode", "floor")], { sizes: int64([4], [1, 1, 2, 11]) }, ["x", "", "", "sizes"], 17, [1, 1, 14, 27]],
  ["Resize linear, pytorch_half_pixel", "Resize", [string("mode", "linear"), string("coordinate_transformation_mode", "pytorch_half_pixel")], { scales: float32([4], [1, 1, 1.4, 3]) }, ["x", "", "scales"]],
  ["Resize nearest by whole factors, as its defaults say", "Resize", [], { scales: float32([4], [1, 1, 3, 2]) }, ["x", "", "scales"]],
];

for (const [what, operator, attributes, constants = {}, inputs = ["x"], opset = 17, shape = pictureShape] of cases)
  test(`${what} answers as ONNX Runtime does, and has a gradient`, async (t) => {
    const x = distinct(shape);
    const model = exported(operator, attributes, constants, inputs, opset, shape);
    const { y: theirs } = await runModel(model, { x: float32(x.shape, x.data) });
    const graph = readOnnx(model);
    const ours = evaluate(graph, { x }).get("y");
    t.deepEqual(ours?.shape, theirs?.shape);
    t.true([...(ours?.data ?? [])].every((value, at) => Math.abs(value - Number(theirs?.data[at])) < 1e-4));
    const [{ value: y }] = graph.outputs;
    const weighted = mul(y, graph.constant(float32(y.shape, Float32Array.from({ length: y.size }, (_, at) => Math.sin(at + 1)))));
    t.deepEqual(gradients(total(weighted), graph.inputs)[0]?.shape, x.shape);
  });

test("IsNaN tells what is not a number, in ONNX Runtime too", async (t) => {
  const graph = readOnnx(exported("IsNaN", [], {}, ["x"], 17));
  const x = float32(pictureShape, distinct(pictureShape).data.map((value, at) => (at % 3 === 1 ? NaN : at % 3 === 2 ? Infinity : value)));
  const expected = Array.from(x.data, (value) => Number(Number.isNaN(value)));
  t.deepEqual([...(evaluate(graph, { x }).get("y")?.data ?? [])], expected);
  const { y } = await runModel(writeOnnx(graph), { x });
  t.deepEqual(Array.from(y?.data ?? [], Number), expected);
});

test("Mod of integers has the divisor's sign, or as C has it the other, in ONNX Runtime too", async (t) => {
  for (const fmod of [0, 1])
    for (const divisor of [3, -3]) {
      const model = exportedNodes([{ opType: "Cast", input: ["x"], output: ["i"], attribute: [int("to", 7)] }, { opType: "Mod", input: ["i", "by"], output: ["m"], attribute: [int("fmod", fmod)] }, { opType: "Cast", input: ["m"], output: ["y"], attribute: [int("to", 1)] }], { by: int64([], [divisor]) }, 17, [9]);
      const x = float32([9], [-7, -6, -4, -1, 0, 1, 4, 6, 7]);
      const { y: theirs } = await runModel(model, { x });
      const { y: ours } = await runModel(writeOnnx(readOnnx(model)), { x });
      t.deepEqual(ours, theirs);
      t.deepEqual([...(evaluate(readOnnx(model), { x }).get("y")?.data ?? [])].map(Number), Array.from(theirs?.data ?? [], Number).map((value) => value + 0));
    }
});

test("operators that nobody knows are named, all of them, with what to do", (t) => {
  const nodes = [{ opType: "DynamicQuantizeLinear", input: ["x"], output: ["q", "s", "z"] }, { opType: "ConvInteger", input: ["q", "w", "z"], output: ["c"] }, { opType: "NhwcMaxPool", domain: "com.microsoft", input: ["c"], output: ["y"] }];
  const error = t.throws(() => readOnnx(exportedNodes(nodes, {}, 17)), { code: "E_GRAPH_OPERATOR" });
  const ofItsOwn = t.throws(() => readOnnx(exportedNodes([{ opType: "Fused", domain: "own", input: ["x"], output: ["y"] }], {}, 17, pictureShape, [{ domain: "own", name: "Fused" }])), { code: "E_GRAPH_OPERATOR" });
  t.regex(ofItsOwn.message, /own\.Fused.*inline_local_functions/);
  t.regex(error.message, /DynamicQuantizeLinear .*; also ConvInteger, com\.microsoft\.NhwcMaxPool\..*QuantFormat\.QDQ/);
});

test("forms that mean something else are refused, not misread", (t) => {
  const wide = int64([8], [0, 0, 5, 0, 0, 0, 0, 0]);
  for (const [operator, attributes, constants, inputs] of [
    ["Pad", [string("mode", "reflect")], { wide }, ["x", "wide"]],
    ["Resize", [string("coordinate_transformation_mode", "pytorch_half_pixel"), string("mode", "linear")], { scales: float32([4], [1, 1, 0.2, 1]) }, ["x", "", "scales"]],
    ["Pad", [string("mode", "wrap")], { borders }, ["x", "borders"]],
    ["Resize", [], { scales: float32([4], [1, 1, 1.4, 1]) }, ["x", "", "scales"]],
    ["Resize", [string("mode", "cubic"), string("keep_aspect_ratio_policy", "not_larger")], { sizes: int64([4], [1, 4, 10, 30]) }, ["x", "", "", "sizes"]],
    ["Resize", [string("mode", "linear")], { scales: float32([4], [1, 1, 1.5, 1]) }, ["x", "", "scales"]],
  ] as const)
    t.throws(() => readOnnx(exported(operator, [...attributes], constants, [...inputs], 18)), { code: "E_GRAPH_FORMAT", message: new RegExp(operator) }, operator);
  for (const [operator, attributes, constants, inputs] of [
    ["Dropout", [], { ratio: float32([], [0.5]), training: { dtype: "bool", shape: [], data: Uint8Array.of(1) } }, ["x", "ratio", "training"]],
    ["ReduceL2", [int("noop_with_empty_axes", 1)], {}, ["x"]],
  ] as const)
    t.throws(() => readOnnx(exported(operator, [...attributes], constants, [...inputs], 18)), { code: "E_GRAPH_OPERATOR", message: new RegExp(`${operator} in a form that is read`) }, operator);
  const dilated = exported("AveragePool", [...pool, ints("pads", 1, 1, 1, 1), ints("dilations", 2, 2)], {}, ["x"], 19);
  t.throws(() => readOnnx(dilated), { code: "E_GRAPH_FORMAT", message: /AveragePool/ });
});

test("what has no length has a slope, in ONNX Runtime too, which takes what is next to nothing for nothing", async (t) => {
  const none = { x: float32([2, 3], [0, 0, 0, 1, 2, 2]) };
  for (const [operator, length] of [["ReduceL2", 3], ["LpNormalization", 1]] as const) {
    const graph = readOnnx(exported(operator, operator === "ReduceL2" ? [ints("axes", -1)] : [], {}, ["x"], 17, [2, 3]));
    const [slope] = gradients(total(graph.outputs[0].value), graph.inputs);
    graph.output("slope", slope);
    const answers = evaluate(graph, none);
    const slopes = [...(answers.get("slope")?.data ?? [NaN])];
    t.true(slopes.every(Number.isFinite), operator);
    const { slope: theirs } = await runModel(writeOnnx(graph), none);
    t.true(slopes.every((value, at) => Math.abs(value - Number(theirs.data[at])) < 1e-5), operator);
    const y = [...(answers.get("y")?.data ?? [])];
    t.true(Math.abs(y[0]) < 1e-12 && Math.abs(Math.hypot(...y) - length) < 1e-6, operator);
  }
});

test("names that a model has are not given to what is made of it", (t) => {
  const relus = (name: string, from: string): NodeInit => ({ opType: "Relu", input: [from], output: [name] });
  const nodes = [{ opType: "HardSigmoid", input: ["x"], output: ["a"] }, relus("Mul_0", "a"), relus("constant_1", "Mul_0"), relus("Add_2", "constant_1"), relus("Clip_4", "Add_2"), { opType: "Mul", input: ["Clip_4", "constant_0"], output: ["y"] }];
  const graph = readOnnx(exportedNodes(nodes, { constant_0: float32([], [2]) }, 17, [3]));
  t.deepEqual([...(evaluate(graph, { x: float32([3], [-9, 0, 9]) }).get("y")?.data ?? [])], [0, 1, 2]);
});

test("a branch that shapes decide is taken", (t) => {
  const branch = (opType: string, output: string): MessageInitShape<typeof GraphProtoSchema> => ({ node: [{ opType, input: ["x"], output: [output] }], output: [{ name: output }] });
  const decide = (from: NodeInit[]): Uint8Array =>
    exportedNodes([...from, { opType: "If", input: ["c"], output: ["y"], attribute: [{ name: "then_branch", type: Kind.GRAPH, g: branch("Neg", "t") }, { name: "else_branch", type: Kind.GRAPH, g: branch("Abs", "e") }] }], { one: int64([1], [1]) }, 17, [1, 3]);
  const ofShape = (end: number): NodeInit[] => [{ opType: "Shape", input: ["x"], output: ["s"], attribute: [int("start", end - 1), int("end", end)] }, { opType: "Equal", input: ["s", "one"], output: ["c"] }];
  for (const [end, expected] of [[1, [-1, 2, -3]], [2, [1, 2, 3]]] as const)
    t.deepEqual([...(evaluate(readOnnx(decide(ofShape(end))), { x: float32([1, 3], [1, -2, 3]) }).get("y")?.data ?? [])], [...expected]);
  const computed = [{ opType: "ReduceMax", input: ["x"], output: ["m"] }, { opType: "Greater", input: ["m", "x"], output: ["c"] }];
  t.throws(() => readOnnx(decide(computed)), { code: "E_GRAPH_FORMAT", message: /If.*y/ });
});

test("an output_shape that is beyond reach is refused", (t) => {
  const wide = exported("ConvTranspose", [ints("output_shape", 9, 20)], { w: float32([4, 2, 3, 4], distinct([4, 2, 3, 4]).data) }, ["x", "w"], 17);
  t.throws(() => readOnnx(wide), { code: "E_GRAPH_FORMAT", message: /ConvTranspose.*\[9, 20\]/ });
});

test("what is left of a model behind the outputs that it was cut at is not read", (t) => {
  const nodes = [{ opType: "Relu", input: ["x"], output: ["y"] }, { opType: "NonZero", input: ["y"], output: ["places"] }, { opType: "Fused", domain: "own", input: ["places"], output: ["z"] }];
  t.deepEqual(readOnnx(exportedNodes(nodes, {}, 17)).nodes.map(({ operator }) => operator), ["Relu"]);
});

test("a constant that is named again stays one", (t) => {
  const again = (name: string): NodeInit => ({ opType: "Identity", input: ["w"], output: [name] });
  const nodes = [again("w1"), again("w2"), { opType: "Mul", input: ["x", "w1"], output: ["a"] }, { opType: "Add", input: ["a", "w2"], output: ["y"] }];
  const graph = readOnnx(exportedNodes(nodes, { w: float32([3], [1, 2, 3]) }, 17, [3]));
  t.deepEqual(graph.nodes.map(({ operator }) => operator), ["Mul", "Add"]);
  t.deepEqual([...graph.constants.keys()].map(({ name }) => name), ["w"]);
});

test("the standard domain may be named", (t) => {
  t.deepEqual(readOnnx(exportedNodes([{ opType: "Relu", domain: "ai.onnx", input: ["x"], output: ["y"] }], {}, 17)).nodes.map(({ operator }) => operator), ["Relu"]);
});

test("a node whose first output has no name, which would end ONNX Runtime's process, is refused", (t) => {
  const split = exportedNodes([{ opType: "Split", input: ["x"], output: ["", "y"], attribute: [int("axis", 1)] }], {}, 13);
  t.throws(() => readOnnx(split), { code: "E_GRAPH_FORMAT", message: /first output of Split \(node y\)/ });
});
