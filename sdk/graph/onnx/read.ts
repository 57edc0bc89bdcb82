import { fromBinary } from "@bufbuild/protobuf";
import { NightshiftError } from "../../errors.js";
import type { Attributes, Operator } from "../attributes.js";
import { Graph, type Value } from "../graph.js";
import type { Tensor } from "../tensor.js";
import { absentFixedAttributes, encodings, fixedAttributes, resizeAlignment, type Encoding } from "./encoding.js";
import { ModelProtoSchema, type AttributeProto, type GraphProto, type NodeProto, type TensorProto, type ValueInfoProto } from "./onnx_pb.js";
import { dtypeOf, tensorOfBytes } from "./types.js";

function refuse(expected: string, received: string, remedy: string, cause?: unknown): never {
  throw new NightshiftError("E_GRAPH_FORMAT", { expected, received, remedy, cause });
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function tensorOf(proto: TensorProto): Tensor {
  const dtype = dtypeOf(proto.dataType);
  const shape = proto.dims.map(Number);
  if (proto.externalData.length > 0) refuse("tensors inside the model file", `external data of ${proto.name}`, "Save the model as one file.");
  if (proto.rawData.length > 0) return tensorOfBytes(dtype, shape, proto.rawData);
  switch (dtype) {
    case "float32":
      return { dtype, shape, data: Float32Array.from(proto.floatData) };
    case "float64":
      return { dtype, shape, data: Float64Array.from(proto.doubleData) };
    case "int64":
      return { dtype, shape, data: BigInt64Array.from(proto.int64Data) };
    case "int32":
      return { dtype, shape, data: Int32Array.from(proto.int32Data) };
    case "int8":
      return { dtype, shape, data: Int8Array.from(proto.int32Data) };
    case "float16":
      return { dtype, shape, data: Uint16Array.from(proto.int32Data) };
    case "uint8":
    case "bool":
      return { dtype, shape, data: Uint8Array.from(proto.int32Data) };
  }
}

function plain(attribute: AttributeProto, kind: string): unknown {
  switch (kind) {
    case "int":
      return Number(attribute.i);
    case "bool":
      return attribute.i !== 0n;
    case "float":
      return attribute.f;
    case "ints":
      return attribute.ints.map(Number);
    case "dtype":
      return dtypeOf(Number(attribute.i));
    default:
      return text(attribute.s);
  }
}

class Reader {
  readonly values = new Map<string, Value>();
  readonly constants = new Map<string, Tensor>();

  constructor(readonly graph: Graph) {}

  value(name: string): Value {
    const known = this.values.get(name);
    if (known) return known;
    const tensor = this.constants.get(name);
    if (!tensor) refuse("values that are computed before they are used", JSON.stringify(name), "The model's nodes are out of order.");
    const value = this.graph.constant(tensor, name);
    this.values.set(name, value);
    return value;
  }

  #attribute(node: NodeProto, key: string, encoding: Encoding): unknown {
    if (encoding.at === "attribute") {
      const found = node.attribute.find((a) => a.name === encoding.name);
      if (found) return plain(found, encoding.kind);
      if (encoding.absent === undefined) refuse(`${node.opType}: attribute ${encoding.name}`, "none", "Export the model again.");
      return encoding.kind === "bool" ? Boolean(encoding.absent) : encoding.absent;
    }
    const name = node.input[encoding.index];
    if (name === undefined || name === "") {
      if (encoding.absent !== undefined) return encoding.absent;
      refuse(`${node.opType}: input ${encoding.index} (${key})`, "none", "Export the model with this input given.");
    }
    const tensor = this.constants.get(name);
    if (!tensor) refuse(`${node.opType}: a constant ${key}`, `${name}, which is computed`, "Fold constants before reading, or export with static shapes.");
    const numbers = Array.from(tensor.data as ArrayLike<number | bigint>, Number);
    return encoding.kind === "ints" && !(node.opType === "TopK") ? numbers : numbers[0];
  }

  #checkFixed(node: NodeProto, operator: Operator): void {
    for (const [name, wanted] of Object.entries(fixedAttributes[operator] ?? {})) {
      const found = node.attribute.find((a) => a.name === name);
      const value = found ? plain(found, typeof wanted === "string" ? "string" : "int") : absentFixedAttributes[name];
      // Without pads it makes no difference whether they count.
      const irrelevant = name === "count_include_pad" && !node.attribute.some((a) => a.name === "pads" && a.ints.some((p) => p !== 0n));
      if (value !== wanted && !irrelevant) refuse(`${operator} with ${name} ${wanted}`, String(value), "This form is not supported.");
    }
    const autoPad = node.attribute.find((a) => a.name === "auto_pad");
    if (autoPad && !["NOTSET", "VALID"].includes(text(autoPad.s))) refuse(`${operator} with explicit pads`, text(autoPad.s), "Export with explicit pads.");
  }

  node(node: NodeProto): void {
    if (node.opType === "Constant") {
      const value = node.attribute.find((a) => a.name === "value")?.t;
      if (!value) refuse("a Constant that holds a tensor", node.name, "Export constants as tensors.");
      this.constants.set(node.output[0], tensorOf(value));
      return;
    }
    if (!(node.opType in encodings) || node.domain !== "")
      throw new NightshiftError("E_GRAPH_OPERATOR", {
        expected: "an operator of the table of operators",
        received: `${node.domain}${node.domain && "."}${node.opType} (node ${node.name || node.output[0]})`,
        remedy: "See the list of operators in sdk/graph/attributes.ts.",
      });
    const operator = node.opType as Operator;
    this.#checkFixed(node, operator);
    const attributes: Record<string, unknown> = {};
    const taken = new Set<number>();
    for (const [key, encoding] of Object.entries(encodings[operator])) {
      attributes[key] = this.#attribute(node, key, encoding);
      if (encoding.at === "input") taken.add(encoding.index);
    }
    if (operator === "OneHot") taken.add(2);
    if (operator === "Resize") this.#checkResize(node, attributes, taken);
    if (operator === "Reshape") this.#resolveReshape(node, attributes);
    const inputs = node.input.filter((name, i) => name !== "" && !taken.has(i)).map((name) => this.value(name));
    const outputs = this.graph.node(operator, inputs, attributes as Attributes[Operator]);
    node.output.forEach((name, i) => {
      if (name !== "" && outputs[i]) this.values.set(name, outputs[i]);
    });
  }

  #checkResize(node: NodeProto, attributes: Record<string, unknown>, taken: Set<number>): void {
    taken.add(1).add(2);
    const alignment = resizeAlignment[attributes.mode as "nearest" | "linear"];
    const given = node.attribute.find((a) => a.name === "coordinate_transformation_mode");
    const mode = given ? text(given.s) : "half_pixel";
    if (mode !== alignment?.coordinate_transformation_mode)
      refuse(`Resize ${String(attributes.mode)} with ${alignment?.coordinate_transformation_mode}`, mode, "This form is not supported.");
  }

  #resolveReshape(node: NodeProto, attributes: Record<string, unknown>): void {
    const source = this.value(node.input[0]);
    const shape = (attributes.shape as number[]).map((n, i) => (n === 0 ? source.shape[i] : n));
    const known = shape.reduce((a, n) => (n === -1 ? a : a * n), 1);
    attributes.shape = shape.map((n) => (n === -1 ? source.size / known : n));
  }
}

function staticShape(info: ValueInfoProto): { elemType: number; shape: number[] } {
  const type = info.type?.value;
  if (type?.case !== "tensorType") refuse("tensor inputs", info.name, "Sequences and maps are not supported.");
  const shape = (type.value.shape?.dim ?? []).map((d) => (d.value.case === "dimValue" ? Number(d.value.value) : -1));
  if (shape.some((n) => n < 1)) refuse("static shapes", `${info.name} [${shape.map((n) => (n < 0 ? "?" : n)).join(", ")}]`, "Pin the model's dynamic axes.");
  return { elemType: type.value.elemType, shape };
}

/** Reads an ONNX model into a graph. Throws `E_GRAPH_FORMAT`, `E_GRAPH_OPERATOR` or `E_GRAPH_SHAPE`. */
export function readOnnx(bytes: Uint8Array): Graph {
  let proto: GraphProto | undefined;
  try {
    proto = fromBinary(ModelProtoSchema, bytes).graph;
  } catch (cause) {
    refuse("an ONNX model", `${bytes.length} bytes that do not parse`, "The file is truncated or is not ONNX.", cause);
  }
  if (!proto || proto.node.length === 0) refuse("a model with a graph", "none", "The file is truncated or is not ONNX.");
  const graph = new Graph(proto.name || "graph");
  const reader = new Reader(graph);
  for (const tensor of proto.initializer) reader.constants.set(tensor.name, tensorOf(tensor));
  for (const info of proto.input) {
    if (reader.constants.has(info.name)) continue;
    const { elemType, shape } = staticShape(info);
    reader.values.set(info.name, graph.input(info.name, dtypeOf(elemType), shape));
  }
  for (const node of proto.node) reader.node(node);
  for (const { name } of proto.output) graph.output(name, reader.value(name));
  return graph;
}
