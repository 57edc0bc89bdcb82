import { create, fromBinary, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import test from "ava";
import { evaluate } from "../../sdk/engine/reference/index.js";
import { runModel } from "../../sdk/engine/run.js";
import { Graph } from "../../sdk/graph/graph.js";
import { add, conv, mul, relu, resize, slice } from "../../sdk/graph/ops.js";
import { AttributeProto_AttributeType, ModelProtoSchema, type ModelProto, type NodeProtoSchema, StringStringEntryProtoSchema, TensorShapeProto_DimensionSchema } from "../../sdk/graph/onnx/onnx_pb.js";
import { readOnnx } from "../../sdk/graph/onnx/read.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { float32, int64, type Tensor } from "../../sdk/graph/tensor.js";
import { graphOf } from "./build.js";
import { allCases } from "./cases.js";
import { distinct, random } from "./inputs.js";

for (const { operator, given } of allCases)
  test(`${operator} is written, read and written the same: ${given.about}`, (t) => {
    const { graph, feeds } = graphOf(operator, given);
    const written = writeOnnx(graph);
    const read = readOnnx(written);
    t.deepEqual(writeOnnx(read), written);
    const [before, after] = [graph, read].map((g) => evaluate(g, feeds));
    for (const [name, { data }] of before)
      t.true(data.every((v, i) => Object.is(v, after.get(name)?.data[i]) || Math.abs(v - (after.get(name)?.data[i] ?? NaN)) < 1e-6), name);
  });

function smallNetwork(): Graph {
  const graph = new Graph("small");
  const x = graph.input("x", "float32", [1, 2, 5, 6]);
  const late = graph.constant(float32([1, 3, 1, 1], [1, 2, 3]), "late");
  const w = graph.constant(float32([3, 2, 3, 3], Array.from({ length: 54 }, (_, i) => Math.sin(i))), "w");
  const h = graph.scope("stem", () => relu(conv(x, w, undefined, { padding: 1 })));
  graph.output("features", add(mul(h, late), 0.5));
  graph.output("again", h);
  graph.output("small", resize(slice(h, 3, 1, 5, 2), [1, 3, 10, 4], "nearest"));
  return graph;
}

test("a network keeps its names and its bytes", (t) => {
  const written = writeOnnx(smallNetwork());
  const read = readOnnx(written);
  t.deepEqual(writeOnnx(read), written);
  t.deepEqual(read.inputs.map((v) => v.name), ["x"]);
  t.deepEqual(read.outputs.map((o) => o.name), ["features", "again", "small"]);
  t.true(read.nodes.some((node) => node.outputs[0].name.startsWith("stem/Relu")));
  t.is(read.nodes.length, smallNetwork().nodes.length);
});

test("what no output needs is not written", (t) => {
  const graph = smallNetwork();
  relu(mul(graph.inputs[0], graph.constant(float32([], [3]), "unused")));
  t.deepEqual(writeOnnx(graph), writeOnnx(smallNetwork()));
});

test("a file cut anywhere is refused", (t) => {
  const written = writeOnnx(smallNetwork());
  for (let length = 0; length < written.length; length++) t.throws(() => readOnnx(written.subarray(0, length)), { code: "E_GRAPH_FORMAT" }, `at ${length} bytes`);
});

test("a damaged file is read or refused, never a crash", (t) => {
  const written = writeOnnx(smallNetwork());
  const next = random(5);
  for (let i = 0; i < 2000; i++) {
    const damaged = written.slice();
    for (let k = 0; k < 3; k++) damaged[Math.floor(next() * damaged.length)] = Math.floor(next() * 256);
    try {
      readOnnx(damaged);
    } catch (error) {
      t.regex(String((error as { code?: unknown }).code), /^E_GRAPH_(FORMAT|SHAPE|OPERATOR)$/, String((error as Error).stack));
    }
  }
  t.pass();
});

type NodeInit = MessageInitShape<typeof NodeProtoSchema>;

/** A model with one node, made without our writer: x float32[1, 2, 4, 6] and some constants in, y out. */
function foreign(node: NodeInit, constants: Record<string, Tensor> = {}, opset = 17n): Uint8Array {
  const model: ModelProto = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: "", version: opset }],
    graph: {
      name: "foreign",
      node: [{ output: ["y"], ...node }],
      initializer: Object.entries(constants).map(([name, { shape, data, dtype }]) => ({
        name,
        dims: shape.map(BigInt),
        dataType: dtype === "int64" ? 7 : 1,
        rawData: new Uint8Array(data.buffer),
      })),
      input: [
        {
          name: "x",
          type: { value: { case: "tensorType", value: { elemType: 1, shape: { dim: [1n, 2n, 4n, 6n].map((value) => ({ value: { case: "dimValue" as const, value } })) } } } },
        },
      ],
      output: [{ name: "y" }],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

const { INT, INTS, STRING } = AttributeProto_AttributeType;
const int = (name: string, i: bigint) => ({ name, type: INT, i });
const ints = (name: string, ...values: bigint[]) => ({ name, type: INTS, ints: values });
const string = (name: string, s: string) => ({ name, type: STRING, s: new TextEncoder().encode(s) });

test("an operator that is not in the table is named", (t) => {
  t.throws(() => readOnnx(foreign({ opType: "NonMaxSuppression", input: ["x", "x"], name: "warp" })), { code: "E_GRAPH_OPERATOR", message: /NonMaxSuppression \(node warp\) of float32\[1, 2, 4, 6\].*without its suppression/ });
  t.throws(() => readOnnx(foreign({ opType: "GridSample", input: ["x", "x"], attribute: [string("mode", "bicubic")] })), { code: "E_GRAPH_OPERATOR", message: /GridSample in a form that is read/ });
  t.throws(() => readOnnx(foreign({ opType: "Relu", input: ["x"], domain: "com.microsoft" })), { code: "E_GRAPH_OPERATOR", message: /com\.microsoft\.Relu/ });
  t.throws(() => readOnnx(foreign({ opType: "toString", input: ["x"] })), { code: "E_GRAPH_OPERATOR" });
});

const shapeOf = (bytes: Uint8Array): readonly number[] => readOnnx(bytes).outputs[0].value.shape;

test("what other writers leave out is taken as ONNX means it", (t) => {
  t.deepEqual(shapeOf(foreign({ opType: "Transpose", input: ["x"] })), [6, 4, 2, 1]);
  t.deepEqual(shapeOf(foreign({ opType: "ReduceMean", input: ["x"], attribute: [ints("axes", 1n, -1n)] })), [1, 1, 4, 1]);
  t.deepEqual(shapeOf(foreign({ opType: "ReduceSum", input: ["x"], attribute: [int("keepdims", 0n)] })), []);
  t.deepEqual(shapeOf(foreign({ opType: "Squeeze", input: ["x"] })), [2, 4, 6]);
  t.deepEqual(shapeOf(foreign({ opType: "Split", input: ["x"], output: ["y", "z"], attribute: [int("axis", -1n)] })), [1, 2, 4, 3]);
  const resized = { opType: "Resize", input: ["x", "", "scales"], attribute: [string("mode", "linear")] };
  t.deepEqual(shapeOf(foreign(resized, { scales: float32([4], [1, 1, 1.5, 2]) })), [1, 2, 6, 12]);
  const reshaped = { opType: "Reshape", input: ["x", "shape"] };
  t.deepEqual(shapeOf(foreign(reshaped, { shape: int64([3], [0, -1, 3]) })), [1, 16, 3]);
});

test("a slice to the largest int64 keeps its meaning when written again", (t) => {
  const end: Tensor = { dtype: "int64", shape: [1], data: BigInt64Array.of(2n ** 63n - 1n) };
  const constants = { starts: int64([1], [1]), ends: end, axes: int64([1], [3]) };
  const graph = readOnnx(foreign({ opType: "Slice", input: ["x", "starts", "ends", "axes"] }, constants));
  t.deepEqual(graph.outputs[0].value.shape, [1, 2, 4, 5]);
  t.deepEqual(readOnnx(writeOnnx(graph)).outputs[0].value.shape, [1, 2, 4, 5]);
});

test("an output that has its node's name gets no node of its own", (t) => {
  const graph = readOnnx(foreign({ opType: "Relu", input: ["x"] }));
  t.is(fromBinary(ModelProtoSchema, writeOnnx(graph)).graph?.node.length, 1);
  const x = distinct([1, 2, 4, 6]);
  t.deepEqual(evaluate(readOnnx(writeOnnx(graph)), { x }), evaluate(graph, { x }));
});

const pads = int64([8], [0, 0, 1, 1, 0, 0, 1, 1]);
for (const [what, node, constants] of [
  ["Pad that wraps", { opType: "Pad", input: ["x", "pads"], attribute: [string("mode", "wrap")] }, { pads }],
  ["MaxPool with dilation", { opType: "MaxPool", input: ["x"], attribute: [ints("kernel_shape", 2n, 2n), ints("dilations", 2n, 1n)] }, {}],
  ["ArgMax that takes the last", { opType: "ArgMax", input: ["x"], attribute: [int("select_last_index", 1n)] }, {}],
  ["Resize nearest that rounds", { opType: "Resize", input: ["x", "", "scales"], attribute: [string("coordinate_transformation_mode", "asymmetric")] }, { scales: float32([4], [1, 1, 2, 2]) }],
  ["cubic Resize with antialiasing", { opType: "Resize", input: ["x", "", "scales"], attribute: [string("mode", "cubic"), int("antialias", 1n)] }, { scales: float32([4], [1, 1, 2, 2]) }],
  ["a computed Reshape", { opType: "Reshape", input: ["x", "x"] }, {}],
  ["auto_pad of an average that counts it", { opType: "AveragePool", input: ["x"], attribute: [ints("kernel_shape", 2n, 2n), string("auto_pad", "SAME_UPPER"), int("count_include_pad", 1n)] }, {}],
  ["an attribute that nobody knows", { opType: "Relu", input: ["x"], attribute: [int("leak", 1n)] }, {}],
  ["a value that nobody computes", { opType: "Relu", input: ["z"] }, {}],
] satisfies [string, NodeInit, Record<string, Tensor>][])
  test(`refuses ${what}`, (t) => {
    t.throws(() => readOnnx(foreign(node, constants)), { code: "E_GRAPH_FORMAT" });
  });

test("refuses opsets whose operators mean something else", (t) => {
  t.throws(() => readOnnx(foreign({ opType: "Softmax", input: ["x"] }, {}, 10n)), { code: "E_GRAPH_FORMAT", message: /opset/ });
  t.throws(() => readOnnx(foreign({ opType: "Softmax", input: ["x"] }, {}, 12n)), { code: "E_GRAPH_FORMAT", message: /axis 1 of 4/ });
});

/** The same model, changed after it was written. */
function changed(bytes: Uint8Array, change: (graph: NonNullable<ModelProto["graph"]>) => void): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes);
  if (model.graph) change(model.graph);
  return toBinary(ModelProtoSchema, model);
}

test("dynamic axes are pinned by their names", (t) => {
  const dynamic = changed(foreign({ opType: "Relu", input: ["x"] }), ({ input: [x] }) => {
    const type = x?.type?.value;
    if (type?.case === "tensorType" && type.value.shape) type.value.shape.dim[0] = create(TensorShapeProto_DimensionSchema, { value: { case: "dimParam", value: "batch" } });
  });
  t.throws(() => readOnnx(dynamic), { code: "E_GRAPH_FORMAT", message: /x \[batch, 2, 4, 6\]/ });
  t.throws(() => readOnnx(dynamic, { pins: { batch: 0 } }), { code: "E_GRAPH_FORMAT" });
  t.throws(() => readOnnx(dynamic, { pins: { batch: 1, bacth: 3 } }), { code: "E_GRAPH_FORMAT", message: /inputs: batch; received bacth/ });
  t.deepEqual(readOnnx(dynamic, { pins: { batch: 3 } }).outputs[0].value.shape, [3, 2, 4, 6]);
  // What is known of an input fills in where no pin does, and changes no extent that the model states.
  t.deepEqual(readOnnx(dynamic, { shapeOf: () => [5, 9, 9, 9] }).outputs[0].value.shape, [5, 2, 4, 6]);
  t.deepEqual(readOnnx(dynamic, { pins: { batch: 3 }, shapeOf: () => [5, 2, 4, 6] }).outputs[0].value.shape, [3, 2, 4, 6]);
  t.throws(() => readOnnx(dynamic, { shapeOf: (name) => (name === "z" ? [5, 2, 4, 6] : undefined) }), { code: "E_GRAPH_FORMAT" });
});

test("tensors beside the model are read from there, and from nowhere else", (t) => {
  const slopes = float32([6], [0.5, 1, 1.5, 2, 2.5, 3]);
  const whole = foreign({ opType: "Mul", input: ["x", "slopes"] }, { slopes });
  const beside = (entries: Record<string, string>): Uint8Array =>
    changed(whole, ({ initializer: [tensor] }) => {
      if (!tensor) return;
      tensor.rawData = new Uint8Array();
      tensor.dataLocation = 1;
      tensor.externalData = Object.entries(entries).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }));
    });
  const file = new Uint8Array(8 + 24 + 4);
  file.set(new Uint8Array(slopes.data.buffer), 8);
  const asked: string[] = [];
  const external = (location: string): Uint8Array => (asked.push(location), file);
  const graph = readOnnx(beside({ location: "weights/a.bin", offset: "8", length: "24" }), { external });
  t.deepEqual([...graph.constants.values()][0], slopes);
  t.deepEqual(asked, ["weights/a.bin"]);
  t.throws(() => readOnnx(beside({ location: "a.bin" })), { code: "E_GRAPH_FORMAT", message: /a\.bin/ });
  t.throws(() => readOnnx(beside({ location: "a.bin", offset: "20", length: "24" }), { external }), { code: "E_GRAPH_FORMAT", message: /36 bytes/ });
  t.throws(() => readOnnx(beside({ location: "a.bin", offset: "-30", length: "24" }), { external }), { code: "E_GRAPH_FORMAT", message: /from -30/ });
  for (const location of ["", "/etc/passwd", "../a.bin", "a/../../b", "C:\\a", "..\\a"]) t.throws(() => readOnnx(beside({ location, offset: "8", length: "24" }), { external }), { code: "E_GRAPH_FORMAT" }, location);
  t.is(asked.filter((each) => each !== "weights/a.bin" && each !== "a.bin").length, 0);
});

test("a tensor of more or fewer numbers than its shape says is refused", (t) => {
  const whole = foreign({ opType: "Mul", input: ["x", "slopes"] }, { slopes: float32([6], [0.5, 1, 1.5, 2, 2.5, 3]) });
  for (const count of [5, 7])
    for (const isRaw of [true, false]) {
      const wrong = changed(whole, ({ initializer: [tensor] }) => {
        if (isRaw) tensor.dims = [BigInt(count)];
        else Object.assign(tensor, { rawData: new Uint8Array(), floatData: new Array<number>(count).fill(1) });
      });
      t.throws(() => readOnnx(wrong), { code: "E_GRAPH_FORMAT", message: /elements for slopes|20 bytes|28 bytes/ }, `${count} ${isRaw}`);
    }
});

test("opsets 11 and 12 are read where they mean the same", async (t) => {
  const x = distinct([1, 2, 4, 6]);
  const forms: NodeInit[] = [
    { opType: "Softmax", input: ["x"], attribute: [int("axis", 3n)] },
    { opType: "Unsqueeze", input: ["x"], attribute: [ints("axes", 0n, -1n)] },
    { opType: "Squeeze", input: ["x"], attribute: [ints("axes", 0n)] },
    { opType: "ReduceSum", input: ["x"], attribute: [ints("axes", 1n), int("keepdims", 0n)] },
    { opType: "Split", input: ["x"], output: ["y", "z"], attribute: [ints("split", 1n, 5n), int("axis", 3n)] },
  ];
  for (const form of forms) {
    const model = foreign(form, {}, 11n);
    const { y } = await runModel(model, { x: float32([1, 2, 4, 6], [...x.data]) });
    const ours = evaluate(readOnnx(model), { x }).get("y");
    t.deepEqual(ours?.shape, y?.shape, form.opType);
    t.true([...(ours?.data ?? [])].every((value, at) => Math.abs(value - Number(y?.data[at])) < 1e-5), form.opType);
  }
});
