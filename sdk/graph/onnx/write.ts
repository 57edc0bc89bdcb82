import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Graph, Node, Value } from "../graph.js";
import { toFloat16 } from "../float16.js";
import { live } from "../live.js";
import type { DType, Tensor } from "../tensor.js";
import { encodings, fixedAttributes, type AttributeKind } from "./encoding.js";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type NodeProto,
} from "./onnx_pb.js";
import { bytesOf, onnxTypes } from "./types.js";

/** Opset 20 is the newest that TensorRT 10 and ONNX Runtime both read in full; IR 9 is its companion. */
export const opset = 20;
const irVersion = 9n;

/** The name of the node that gives an output its name; reading takes such a node away again. */
export const outputNodeName = (output: string): string => `output ${output}`;

type AttributeValue = number | boolean | string | readonly number[];

function attributeProto(name: string, kind: AttributeKind, value: AttributeValue): AttributeProto {
  const base = { name };
  switch (kind) {
    case "int":
    case "bool":
      return create(AttributeProtoSchema, { ...base, type: AttributeProto_AttributeType.INT, i: BigInt(Number(value)) });
    case "float":
      return create(AttributeProtoSchema, { ...base, type: AttributeProto_AttributeType.FLOAT, f: Number(value) });
    case "ints":
      return create(AttributeProtoSchema, { ...base, type: AttributeProto_AttributeType.INTS, ints: (value as readonly number[]).map(BigInt) });
    case "dtype":
      return create(AttributeProtoSchema, {
        ...base,
        type: AttributeProto_AttributeType.INT,
        i: BigInt(onnxTypes[value as keyof typeof onnxTypes]),
      });
    case "string":
      return create(AttributeProtoSchema, { ...base, type: AttributeProto_AttributeType.STRING, s: new TextEncoder().encode(String(value)) });
  }
}

/** Bytes in pieces, to be joined once: a message within a message is copied at every level where it is encoded whole, and constants are many megabytes. */
type Pieces = readonly Uint8Array[];

/** A field that holds a message or bytes. */
function field({ number }: { readonly number: number }, content: Pieces): Pieces {
  const length = content.reduce((sum, piece) => sum + piece.length, 0);
  return [new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(length).finish(), ...content];
}

function initializer(name: string, tensor: Tensor): Pieces {
  const head = create(TensorProtoSchema, { name, dataType: onnxTypes[tensor.dtype], dims: tensor.shape.map(BigInt) });
  return field(GraphProtoSchema.field.initializer, [toBinary(TensorProtoSchema, head), ...field(TensorProtoSchema.field.rawData, [bytesOf(tensor)])]);
}

const dimension = (size: number, name: string | undefined) => ({ value: name === undefined ? { case: "dimValue" as const, value: BigInt(size) } : { case: "dimParam" as const, value: name } });

const valueInfo = (name: string, value: Value, axes: AxisNames[string] = []) =>
  create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: "tensorType",
        value: { elemType: onnxTypes[value.dtype], shape: { dim: value.shape.map((size, axis) => dimension(size, axes[axis])) } },
      },
    },
  });

/** Constant inputs that stand for attributes, shared between nodes that need the same numbers. */
class ConstantInputs {
  readonly initializers: Uint8Array[] = [];
  readonly #names = new Map<string, string>();
  #counter = 0;

  constructor(readonly taken: ReadonlySet<string>) {}

  name(tensor: Tensor): string {
    const key = `${tensor.dtype}|${tensor.shape.join()}|${tensor.data.join()}`;
    let name = this.#names.get(key);
    if (name === undefined) {
      do name = `attribute_${this.#counter++}`;
      while (this.taken.has(name));
      this.#names.set(key, name);
      this.initializers.push(...initializer(name, tensor));
    }
    return name;
  }
}

/** The bounds of integer types, for limits such as Clip's that float types need not have. */
const integerRanges = {
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int8: [-128n, 127n],
  uint8: [0n, 255n],
} as const;

function clampedInteger(dtype: keyof typeof integerRanges, value: number): bigint {
  const [low, high] = integerRanges[dtype];
  if (value <= Number(low)) return low;
  if (value >= Number(high)) return high;
  return BigInt(Math.round(value));
}

/** A number in the type of the tensor that it is used with. */
function scalarOf(dtype: DType, value: number): Tensor {
  switch (dtype) {
    case "float64":
      return { dtype, shape: [], data: Float64Array.of(value) };
    case "float32":
      return { dtype, shape: [], data: Float32Array.of(value) };
    case "float16":
      return { dtype, shape: [], data: toFloat16(Float32Array.of(value)) };
    case "int64":
      return { dtype, shape: [], data: BigInt64Array.of(clampedInteger(dtype, value)) };
    case "int32":
      return { dtype, shape: [], data: Int32Array.of(Number(clampedInteger(dtype, value))) };
    case "int8":
      return { dtype, shape: [], data: Int8Array.of(Number(clampedInteger(dtype, value))) };
    case "uint8":
      return { dtype, shape: [], data: Uint8Array.of(Number(clampedInteger(dtype, value))) };
    case "bool":
      return { dtype, shape: [], data: Uint8Array.of(value === 0 ? 0 : 1) };
  }
}

function constantInput(node: Node, kind: "ints" | "int" | "float", value: AttributeValue): Tensor {
  if (kind === "float") return scalarOf(node.inputs[0].dtype, Number(value));
  const numbers = typeof value === "number" ? [value] : (value as readonly number[]);
  return { dtype: "int64", shape: kind === "int" ? [] : [numbers.length], data: BigInt64Array.from(numbers, (n) => clampedInteger("int64", n)) };
}

function nodeProto(node: Node, constants: ConstantInputs): NodeProto {
  const inputs: string[] = node.inputs.map((v) => v.name);
  const attributes: AttributeProto[] = [];
  for (const [key, encoding] of Object.entries(encodings[node.operator])) {
    const raw = (node.attributes as Record<string, AttributeValue>)[key];
    if (encoding.at === "attribute") {
      attributes.push(attributeProto(encoding.name, encoding.kind, raw));
      continue;
    }
    const value = node.operator === "TopK" && key === "k" ? [Number(raw)] : raw;
    while (inputs.length < encoding.index) inputs.push("");
    inputs[encoding.index] = constants.name(constantInput(node, encoding.kind, value));
  }
  if (node.operator === "OneHot") inputs.push(constants.name({ dtype: "float32", shape: [2], data: Float32Array.of(0, 1) }));
  // It means nothing to the other mode.
  if (node.operator === "Resize") attributes.push(attributeProto("nearest_mode", "string", "floor"));
  for (const [name, value] of Object.entries(fixedAttributes[node.operator] ?? {}))
    attributes.push(attributeProto(name, typeof value === "string" ? "string" : "int", value));
  return create(NodeProtoSchema, {
    opType: node.operator,
    name: node.outputs[0].name,
    input: inputs,
    output: node.outputs.map((v) => v.name),
    attribute: attributes,
  });
}

/** The constants that nodes and outputs take, in the order of first use, so that reading and writing again changes nothing. */
function constantsInUse(graph: Graph, nodes: readonly Node[]): Pieces {
  const seen = new Set<Value>();
  const pieces: Uint8Array[] = [];
  for (const value of [...nodes.flatMap((node) => node.inputs), ...graph.outputs.map((o) => o.value)]) {
    const tensor = graph.constants.get(value);
    if (!tensor || seen.has(value)) continue;
    seen.add(value);
    pieces.push(...initializer(value.name, tensor));
  }
  return pieces;
}

/** By input, the names of axes whose size is whatever is fed; what the graph says is an example. */
export type AxisNames = Readonly<Record<string, readonly (string | undefined)[]>>;

/** Writes a graph as an ONNX model, without the nodes that no output needs. `anySize`: axes that no size in the graph may depend on. */
export function writeOnnx(graph: Graph, anySize: AxisNames = {}): Uint8Array {
  const { nodes, used } = live(graph);
  const constants = new ConstantInputs(new Set([...graph.inputs, ...used, ...nodes.flatMap((node) => node.outputs)].map((v) => v.name)));
  const protos = nodes.map((node) => nodeProto(node, constants));
  for (const { name, value } of graph.outputs)
    if (value.name !== name) protos.push(create(NodeProtoSchema, { opType: "Identity", name: outputNodeName(name), input: [value.name], output: [name] }));
  const inputs = graph.inputs.map((v) => valueInfo(v.name, v, anySize[v.name]));
  const outputs = graph.outputs.map(({ name, value }) => valueInfo(name, value));
  // In the order of their numbers, as `toBinary` writes fields.
  return Buffer.concat([
    toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion, producerName: "nightshift" })),
    ...field(ModelProtoSchema.field.graph, [
      toBinary(GraphProtoSchema, create(GraphProtoSchema, { name: graph.name, node: protos })),
      ...constantsInUse(graph, nodes),
      ...constants.initializers,
      toBinary(GraphProtoSchema, create(GraphProtoSchema, { input: inputs, output: outputs })),
    ]),
    toBinary(ModelProtoSchema, create(ModelProtoSchema, { opsetImport: [{ domain: "", version: BigInt(opset) }] })),
  ]);
}
