import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import test from "ava";
import { runModel } from "../../sdk/engine/run.js";
import { ModelProtoSchema, AttributeProto_AttributeType as Kind, type NodeProtoSchema } from "../../sdk/graph/onnx/onnx_pb.js";
import { readOnnx } from "../../sdk/graph/onnx/read.js";
import { float32, int64, type Tensor } from "../../sdk/graph/tensor.js";

type NodeInit = MessageInitShape<typeof NodeProtoSchema>;

const int = (name: string, i: number) => ({ name, type: Kind.INT, i: BigInt(i) });
const ints = (name: string, ...values: number[]) => ({ name, type: Kind.INTS, ints: values.map(BigInt) });
const node = (opType: string, input: string[], output: string, attribute: NodeInit["attribute"] = []): NodeInit => ({ opType, input, output: [output], attribute });
const int64Element = 7;

/** Nodes as an exporter writes them, not by our writer: x float32 [2, 3, 5, 7] in, y of a stated element type out. */
function exported(nodes: readonly NodeInit[], constants: Record<string, Tensor>, elemType: number, outputs: readonly string[] = ["y"]): Uint8Array {
  const dims = (shape: readonly number[]) => ({ dim: shape.map((n) => ({ value: { case: "dimValue" as const, value: BigInt(n) } })) });
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: "", version: 17n }],
      graph: {
        name: "exported",
        node: [...nodes],
        initializer: Object.entries(constants).map(([name, { shape, data, dtype }]) => ({
          name,
          dims: shape.map(BigInt),
          dataType: dtype === "int64" ? int64Element : 1,
          rawData: new Uint8Array(data.buffer),
        })),
        input: [{ name: "x", type: { value: { case: "tensorType", value: { elemType: 1, shape: dims([2, 3, 5, 7]) } } } }],
        output: outputs.map((name) => ({ name, type: { value: { case: "tensorType" as const, value: { elemType } } } })),
      },
    }),
  );
}

const shapeOfX = node("Shape", ["x"], "s");

const cases: readonly (readonly [string, readonly NodeInit[], Record<string, Tensor>, number?])[] = [
  ["the whole shape", [node("Shape", ["x"], "y")], {}],
  ["a part of the shape", [node("Shape", ["x"], "y", [int("start", -3), int("end", -1)])], {}],
  ["the size", [node("Size", ["x"], "y")], {}],
  ["one extent, by Gather", [shapeOfX, node("Gather", ["s", "at"], "y")], { at: int64([], [-2]) }],
  ["some extents, by Gather", [shapeOfX, node("Gather", ["s", "at"], "y", [int("axis", 0)])], { at: int64([3], [3, 0, 0]) }],
  ["some extents, by Slice", [shapeOfX, node("Slice", ["s", "from", "to", "axes"], "y")], { from: int64([1], [2]), to: int64([1], [2 ** 40]), axes: int64([1], [0]) }],
  ["all extents from the last on, by Slice", [shapeOfX, node("Slice", ["s", "from", "to", "axes", "steps"], "y")], { from: int64([1], [-1]), to: int64([1], [-(2 ** 40)]), axes: int64([1], [0]), steps: int64([1], [-1]) }],
  ["Concat of Unsqueeze", [shapeOfX, node("Gather", ["s", "at"], "a"), node("Unsqueeze", ["a", "axes"], "b"), node("Concat", ["b", "b", "at2"], "y", [int("axis", 0)])], { at: int64([], [1]), axes: int64([1], [0]), at2: int64([1], [-1]) }],
  ["Squeeze and Reshape", [shapeOfX, node("Reshape", ["s", "to"], "a"), node("Squeeze", ["a", "axes"], "y")], { to: int64([3], [1, -1, 2]), axes: int64([1], [0]) }],
  ["whole division is towards zero", [shapeOfX, node("Neg", ["s"], "a"), node("Div", ["a", "two"], "y")], { two: int64([], [2]) }],
  ["sums, differences and products", [shapeOfX, node("Mul", ["s", "v"], "a"), node("Add", ["a", "one"], "b"), node("Sub", ["b", "s"], "y")], { v: int64([4], [1, -2, 3, 4]), one: int64([1], [1]) }],
  ["a rest has the divisor's sign", [shapeOfX, node("Neg", ["s"], "a"), node("Mod", ["a", "two"], "y")], { two: int64([], [4]) }],
  ["a root", [shapeOfX, node("Cast", ["s"], "f", [int("to", 1)]), node("Pow", ["f", "half"], "r"), node("Cast", ["r"], "y", [int("to", 7)])], { half: float32([], [0.5]) }],
  ["a mask that is drawn", [shapeOfX, node("Slice", ["s", "from", "to"], "h"), node("ConstantOfShape", ["h"], "z"), node("ScatterND", ["z", "rows", "ones"], "m"), node("Unsqueeze", ["m", "last"], "a"), node("Unsqueeze", ["m", "middle"], "b"), node("Sub", ["a", "b"], "c"), node("Concat", ["c", "a"], "d", [int("axis", -1)]), node("Cast", ["d"], "y", [int("to", 7)])], { from: int64([1], [1]), to: int64([1], [3]), rows: int64([2, 1], [0, 2]), ones: float32([2, 5], Array.from({ length: 10 }, (_, at) => at)), last: int64([1], [-1]), middle: int64([1], [1]) }],
  ["a scale by floats, rounded down", [shapeOfX, node("Cast", ["s"], "f", [int("to", 1)]), node("Mul", ["f", "scale"], "a"), node("Floor", ["a"], "b"), node("Cast", ["b"], "y", [int("to", 7)])], { scale: float32([4], [1, 1, 1.5, 1.3]) }],
  ["the greater and the lesser", [shapeOfX, node("Max", ["s", "three"], "a"), node("Min", ["a", "five"], "y")], { three: int64([1], [3]), five: int64([1], [5]) }],
  ["the greatest of three", [shapeOfX, node("Max", ["s", "three", "five"], "y")], { three: int64([1], [3]), five: int64([4], [1, 5, 1, 9]) }],
  ["Where of a comparison", [shapeOfX, node("Equal", ["s", "three"], "is"), node("Where", ["is", "ones", "s"], "y")], { three: int64([1], [3]), ones: int64([4], [1, 1, 1, 1]) }],
  ["ConstantOfShape", [node("Shape", ["s0"], "a"), node("ConstantOfShape", ["a"], "y", [{ name: "value", type: Kind.TENSOR, t: { dims: [1n], dataType: int64Element, int64Data: [5n] } }])], { s0: int64([2, 2], [1, 2, 3, 4]) }],
  ["Range", [shapeOfX, node("Gather", ["s", "at"], "n"), node("Range", ["zero", "n", "two"], "y")], { at: int64([], [3]), zero: int64([], [0]), two: int64([], [2]) }],
  ["ReduceProd", [shapeOfX, node("ReduceProd", ["s"], "y", [int("keepdims", 0), ints("axes", 0)])], {}],
  ["Constants in all their forms", [node("Constant", [], "a", [int("value_int", 3)]), node("Constant", [], "b", [ints("value_ints", 4, 5)]), node("Add", ["a", "b"], "y")], {}],
];

for (const [what, nodes, constants] of cases)
  test(`folds what ONNX Runtime computes: ${what}`, async (t) => {
    const model = exported(nodes, constants, int64Element);
    const x = float32([2, 3, 5, 7], Array.from({ length: 210 }, (_, at) => at));
    const graph = readOnnx(model);
    t.is(graph.nodes.length, 0, "all is known before anything runs");
    const { y } = await runModel(model, { x });
    const [output] = graph.outputs;
    t.deepEqual(output && graph.constants.get(output.value), y);
  });

test("a computed shape does for Reshape and Resize; data are computed, not folded", (t) => {
  const chain = [shapeOfX, node("Slice", ["s", "from", "to"], "head"), node("Concat", ["head", "rest"], "shape", [int("axis", 0)]), node("Reshape", ["x", "shape"], "y")];
  const graph = readOnnx(exported(chain, { from: int64([1], [0]), to: int64([1], [2]), rest: int64([1], [-1]) }, 1));
  t.deepEqual(graph.outputs[0]?.value.shape, [2, 3, 35]);
  t.is(graph.nodes.length, 1);
  const large = float32([5000], new Array(5000).fill(2));
  t.is(readOnnx(exported([node("Mul", ["large", "large"], "z"), node("Mul", ["z", "z"], "y")], { large }, 1)).nodes.length, 2);
  t.is(readOnnx(exported([node("Add", ["large", "large"], "y")], { large: int64([5000], new Array(5000).fill(2)) }, int64Element)).nodes.length, 1);
});

test("a constant stays one where it is cast to the type that it has", (t) => {
  const graph = readOnnx(exported([node("CastLike", ["low", "x"], "least"), node("Clip", ["x", "least"], "y")], { low: float32([], [-1]) }, 1));
  t.like(graph.nodes, { length: 1, 0: { operator: "Clip", attributes: { min: -1 } } });
});

test("what only a few numbers state fills a file's room, after which shapes are computed all the same", (t) => {
  const large = [node("ConstantOfShape", ["extents"], "a"), node("Add", ["a", "a"], "b"), node("Add", ["b", "b"], "c")];
  const shape = [shapeOfX, node("Slice", ["s", "from", "to"], "head"), node("Concat", ["head", "rest"], "shape", [int("axis", 0)]), node("Reshape", ["x", "shape"], "y")];
  const graph = readOnnx(exported([...large, ...shape], { extents: int64([2], [2048, 2048]), from: int64([1], [0]), to: int64([1], [2]), rest: int64([1], [-1]) }, 1, ["c", "y"]));
  t.deepEqual(graph.nodes.map(({ operator }) => operator), ["Add", "Reshape"]);
  t.deepEqual(graph.outputs[1]?.value.shape, [2, 3, 35]);
});

test("what has no integer value is left to the engine that runs it", (t) => {
  t.is(readOnnx(exported([shapeOfX, node("Div", ["s", "none"], "y")], { none: int64([], [0]) }, int64Element)).nodes.length, 1);
});
