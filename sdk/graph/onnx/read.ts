import { fromBinary } from "@bufbuild/protobuf";
import { NightshiftError } from "../../errors.js";
import type { Attributes, Operator } from "../attributes.js";
import { floatOf } from "../float16.js";
import { Graph, type Value } from "../graph.js";
import { needed } from "../live.js";
import type { DType, Shape, Tensor } from "../tensor.js";
import { absentInput } from "./absent.js";
import {
  absentFixedAttributes, acceptedAttributes, encodings, fixedAttributes, irrelevantAttributes, textAliases, textValues, type Encoding,
} from "./encoding.js";
import { decompositions, foreignForms, isForeignForm, type NodeParts } from "./decompose.js";
import { folded, type FoldInput, isFoldable, reshaped } from "./fold.js";
import { ints } from "./node-attributes.js";
import { AttributeProto_AttributeType, ModelProtoSchema, type AttributeProto, type GraphProto, type ModelProto, type NodeProto, type ValueInfoProto } from "./onnx_pb.js";
import { Room } from "./room.js";
import { type ExternalFile, numbersOf, tensorOf } from "./tensor.js";
import { dtypeOf, onnxTypes } from "./types.js";
import { isUnpadded, meantPads, transposedPads } from "./windows.js";
import { outputNodeName } from "./write.js";

/** Before 11, operators took as attributes what are inputs now; from 24 on nothing here has been read. */
const readableOpsets = { oldest: 11, newest: 23 };

/** Since then Softmax works along its axis; before, it flattened all from there on, and its axis was 1 unless told otherwise. */
const softmaxOpset = 13;

const standardDomain = "ai.onnx";

/** What detection models end with that answer as many boxes as they find. */
const ofSuppression: ReadonlySet<string> = new Set(["NonMaxSuppression", "NonZero", "RoiAlign"]);

/** What computes in integers by itself, as dynamic quantisation and QOperator models have it. */
const ofIntegers = /^(QLinear|QGemm|DynamicQuantize|MatMulInteger|ConvInteger)/;

const remedyFor = (operator: string, isFunction: boolean): string => {
  if (isFunction) return "It is a function that the model itself defines: write it out first, with onnx.inliner.inline_local_functions.";
  if (ofSuppression.has(operator)) return "Export the model without its suppression and what follows it, answering all boxes with their scores: overlapping ones are taken away here.";
  if (ofIntegers.test(operator)) return "Quantise it statically as pairs of QuantizeLinear and DequantizeLinear (QuantFormat.QDQ), or import the float model that it was made of and make that int8 by `nightshift calibrate`.";
  return "See the list of operators in sdk/graph/OPERATORS.md.";
};

function refuse(expected: string, received: string, remedy: string, cause?: unknown): never {
  throw new NightshiftError("E_GRAPH_FORMAT", { expected, received, remedy, cause });
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

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

/** For messages. */
const shown = ({ type, i, f, s, ...lists }: AttributeProto): string => {
  if (type === AttributeProto_AttributeType.FLOAT) return String(f);
  if (type === AttributeProto_AttributeType.INT) return String(i);
  return type === AttributeProto_AttributeType.STRING ? text(s) : `[${[...lists.ints, ...lists.floats].join(", ")}]`;
};

const qualified = (domain: string, name: string): string => `${domain}${domain && "."}${name}`;

const named = ({ domain, opType }: NodeProto): string => qualified(domain, opType);

const isKnown = (operator: string): boolean => operator === "Constant" || operator === "If" || isFoldable(operator) || [encodings, decompositions].some((table) => Object.hasOwn(table, operator));

class Reader {
  readonly values = new Map<string, Value>();
  readonly constants = new Map<string, Tensor>();
  /** Constants that were folded from shapes. */
  readonly #ofShapes = new Set<string>();
  readonly #room = new Room();

  constructor(
    readonly graph: Graph,
    readonly outputs: ReadonlySet<string>,
    readonly opset: number,
    readonly external: ExternalFile | undefined,
    readonly nodes: readonly NodeProto[],
    /** By the names of `named`. */
    readonly functions: ReadonlySet<string>,
    readonly onHalf: ReadOnnxOptions["onHalf"],
  ) {}

  initializers({ initializer }: GraphProto): void {
    for (const tensor of initializer) this.constant(tensor.name, tensorOf(tensor, this.external));
  }

  constant(name: string, tensor: Tensor): void {
    this.constants.set(name, this.dtypeFor(name, tensor.dtype) === tensor.dtype ? tensor : floatOf(tensor));
  }

  /** The element type that something is read as. */
  dtypeFor(name: string, dtype: DType): DType {
    if (dtype !== "float16" || !this.onHalf) return dtype;
    this.onHalf(name);
    return "float32";
  }

  value(name: string): Value {
    const known = this.values.get(name);
    if (known) return known;
    const tensor = this.constants.get(name);
    if (!tensor) refuse("values that are computed before they are used", JSON.stringify(name), "The model's nodes are out of order, or it uses an output that is not supported.");
    const value = this.graph.constant(tensor, name);
    this.values.set(name, value);
    return value;
  }

  #attribute(node: NodeProto, key: string, encoding: Encoding): unknown {
    const found = node.attribute.find((a) => a.name === (encoding.at === "attribute" ? encoding.name : key));
    if (encoding.at === "attribute") {
      if (found) {
        const read = plain(found, encoding.kind);
        const value = textAliases[`${node.opType}.${key}=${String(read)}`] ?? read;
        const allowed = textValues[`${node.opType}.${key}`];
        if (allowed && !allowed.includes(String(value)))
          refuse(`${node.opType} with ${key} ${allowed.join(" or ")}`, String(value), "This form is not supported.");
        return value;
      }
      if (encoding.absent !== undefined) return encoding.kind === "bool" ? Boolean(encoding.absent) : encoding.absent;
      if (node.opType === "Transpose") return this.value(node.input[0]).shape.map((_, i) => i).reverse();
      refuse(`${node.opType}: attribute ${encoding.name}`, "none", "Export the model again.");
    }
    const name = node.input[encoding.index];
    if (name === undefined || name === "") {
      if (encoding.absent !== undefined) return encoding.absent;
      // Before opset 18 the axes of reductions were attributes.
      if (found) return plain(found, encoding.kind);
      const numbers = (index: number): readonly number[] | undefined => {
        const tensor = this.constants.get(node.input[index]);
        return tensor && numbersOf(tensor);
      };
      const { shape } = this.value(node.input[0]);
      const scales = numbers(2);
      const meant = absentInput(node, key, shape, { sliced: numbers(1)?.length, scales });
      if (!meant && node.opType === "Resize" && scales?.length === shape.length)
        refuse("Resize by scales that come out whole", `[${scales.join(", ")}] of [${shape.join(", ")}]`, "Export with sizes in the place of scales, or for an input size at which they come out whole.");
      return meant ?? refuse(`${node.opType}: input ${encoding.index} (${key})`, "none", "Export the model with this input given.");
    }
    const tensor = this.constants.get(name);
    if (!tensor) refuse(`${node.opType}: a constant ${key}`, `${name}, which is computed`, "Fold constants before reading, or export with static shapes.");
    const numbers = numbersOf(tensor);
    return encoding.kind === "ints" && node.opType !== "TopK" ? numbers : numbers[0];
  }

  #checkAttributes(node: NodeProto, operator: Operator): void {
    for (const [name, wanted] of Object.entries(fixedAttributes[operator] ?? {})) {
      const found = node.attribute.find((a) => a.name === name);
      const value = found ? plain(found, typeof wanted === "string" ? "string" : "int") : absentFixedAttributes[name];
      // It is read as the pads that it means.
      if (name === "ceil_mode") continue;
      // Without pads it makes no difference whether they count.
      const irrelevant = name === "count_include_pad" && (isUnpadded(node) || !node.attribute.some((a) => a.name === "pads" && a.ints.some((p) => p !== 0n)));
      if (value !== wanted && !irrelevant) refuse(`${operator} with ${name} ${wanted}`, String(value), "This form is not supported.");
    }
    const ours = Object.entries<Encoding>(encodings[operator]).map(([key, encoding]) => (encoding.at === "attribute" ? encoding.name : key));
    const handled = new Set([...ours, ...Object.keys(fixedAttributes[operator] ?? {}), ...(irrelevantAttributes[operator] ?? [])]);
    for (const attribute of node.attribute) {
      if (handled.has(attribute.name)) continue;
      const known = acceptedAttributes[operator] ?? {};
      const accepted = Object.hasOwn(known, attribute.name) ? known[attribute.name] : undefined;
      const value = plain(attribute, typeof accepted?.[0] === "number" ? "int" : "string") as number | string;
      // A pool's dilation of 1 is none.
      if (attribute.name === "dilations" && attribute.ints.every((d) => d === 1n)) continue;
      if (!accepted?.includes(value))
        refuse(`${operator} ${accepted ? `with ${attribute.name} ${accepted.join(" or ")}` : `without ${attribute.name}`}`, `${attribute.name} ${shown(attribute)}`, "This form is not supported.");
    }
  }

  /** Undefined for an input that is left out. */
  #foldInputs(node: NodeProto): (FoldInput | undefined)[] {
    return node.input.map((name) => {
      if (name === "") return undefined;
      const constant = this.constants.get(name);
      return constant ? { constant, isOfShapes: this.#ofShapes.has(name), shape: constant.shape } : { shape: this.value(name).shape };
    });
  }

  /** For messages: what its inputs are, as far as they are known. */
  #givenTo(node: NodeProto): string {
    const known = node.input.flatMap((name) => this.values.get(name) ?? this.constants.get(name) ?? []);
    return known.map(({ dtype, shape }, at) => `${at === 0 ? " of " : ", "}${dtype}[${shape.join(", ")}]`).join("");
  }

  /** For messages: the other operators of the model that nobody here knows. */
  #otherStrangers({ domain, opType }: NodeProto): string {
    const others = this.nodes.filter((node) => (node.domain !== "" || !isKnown(node.opType)) && (node.opType !== opType || node.domain !== domain));
    const names = [...new Set(others.map(named))];
    return names.length === 0 ? "" : `; also ${names.join(", ")}`;
  }

  #isOutputName(node: NodeProto): boolean {
    const [name] = node.output;
    return node.opType === "Identity" && this.outputs.has(name) && node.name === outputNodeName(name);
  }

  node(node: NodeProto): void {
    if (node.opType === "Constant" && node.domain === "") {
      this.constant(node.output[0], constantOf(node, this.external));
      return;
    }
    // Exporters keep what is shared once, and name it again where it is used again.
    if (node.opType === "Identity" && node.domain === "" && this.constants.has(node.input[0])) {
      this.#rename(node.input[0], node.output[0]);
      return;
    }
    if (node.opType === "If" && node.domain === "") {
      this.#branch(node);
      return;
    }
    const result = node.domain === "" && node.output.length === 1 ? folded(node, this.#foldInputs(node), this.#room) : undefined;
    if (result) {
      this.constant(node.output[0], result);
      this.#ofShapes.add(node.output[0]);
      return;
    }
    if (this.#decomposed(node)) return;
    if (node.domain === "" && Object.hasOwn(foreignForms, node.opType) && isForeignForm(node)) refuse(foreignForms[node.opType], `${node.opType} (node ${node.name || node.output[0]})${this.#givenTo(node)}`, "This form is not supported.");
    if (!Object.hasOwn(encodings, node.opType) || node.domain !== "")
      throw new NightshiftError("E_GRAPH_OPERATOR", {
        expected: Object.hasOwn(decompositions, node.opType) && node.domain === "" ? `${node.opType} in a form that is read` : "an operator of the table of operators",
        received: `${named(node)} (node ${node.name || node.output[0]})${this.#givenTo(node)}${this.#otherStrangers(node)}`,
        remedy: remedyFor(node.opType, this.functions.has(named(node))),
      });
    if (node.input.length === 0 || node.output.length === 0) refuse(`inputs and outputs of ${node.opType}`, "none", "The file is truncated or malformed.");
    // ONNX Runtime ends the whole process over such a node.
    if (node.output[0] === "") refuse(`a name for the first output of ${node.opType} (node ${node.name || node.output.find((name) => name !== "")})`, "none", "Name it, or export the model again.");
    if (this.#isOutputName(node)) {
      this.values.set(node.output[0], this.value(node.input[0]));
      return;
    }
    const operator = node.opType as Operator;
    this.#checkAttributes(node, operator);
    const attributes: Record<string, unknown> = {};
    const taken = new Set<number>();
    for (const [key, encoding] of Object.entries<Encoding>(encodings[operator])) {
      attributes[key] = this.#attribute(node, key, encoding);
      if (encoding.at === "input") taken.add(encoding.index);
    }
    if (operator === "Cast") attributes.to = this.dtypeFor(node.output[0], attributes.to as DType);
    if (operator === "Softmax" || operator === "LogSoftmax") this.#checkSoftmax(node, attributes);
    this.#resolvePads(node, operator, attributes);
    if (operator === "OneHot") this.#checkOneHot(node, taken);
    if (operator === "Resize") this.#checkResize(node, attributes, taken);
    if (operator === "Reshape") attributes.shape = reshaped(node, this.value(node.input[0]).shape, attributes.shape as number[]);
    if (operator === "Pad" && node.input[3]) refuse("Pad of all axes", `axes ${node.input[3]}`, "Export with pads for every axis.");
    const inputs = node.input.filter((name, i) => name !== "" && !taken.has(i)).map((name) => this.value(name));
    // What only went from float16 or to it.
    if (this.onHalf && operator === "Cast" && attributes.to === inputs[0].dtype) {
      this.values.set(node.output[0], inputs[0]);
      return;
    }
    const outputs = this.graph.node(operator, inputs, attributes, node.output);
    outputs.forEach((value, i) => {
      if (node.output[i]) this.values.set(node.output[i], value);
    });
  }

  /** Gives a value another name. */
  #rename(from: string, to: string): void {
    this.values.set(to, this.value(from));
    const tensor = this.constants.get(from);
    if (tensor) this.constants.set(to, tensor);
    if (this.#ofShapes.has(from)) this.#ofShapes.add(to);
  }

  /** The branch of an If that static shapes decide, as `squeeze` of an unknown extent is exported, in the place of the node. */
  #branch(node: NodeProto): void {
    const condition = this.constants.get(node.input[0]);
    if (!condition) refuse("an If whose condition shapes decide", `${node.name || node.output[0]}, whose condition is computed from what the model sees`, "Export the model without branches, as by torch.onnx.export with static shapes.");
    const branch = node.attribute.find(({ name }) => name === (numbersOf(condition)[0] ? "then_branch" : "else_branch"))?.g;
    if (!branch || branch.output.length < node.output.length) refuse("branches of If", "none", "The file is truncated or malformed.");
    this.initializers(branch);
    for (const each of branch.node) this.node(each);
    node.output.forEach((name, at) => this.#rename(branch.output[at].name, name));
  }

  #resolvePads(node: NodeProto, operator: Operator, attributes: Record<string, unknown>): void {
    const windows = attributes as unknown as Attributes["ConvTranspose"] & Attributes["MaxPool"];
    if (!("strides" in attributes)) return;
    if (isUnpadded(node)) attributes.pads = [0, 0, 0, 0];
    const { shape } = this.value(node.input[0]);
    const all = { ...windows, kernel: windows.kernel ?? this.value(node.input[1]).shape.slice(2) };
    const meant = operator === "ConvTranspose" ? transposedPads(node, shape, all) : meantPads(node, operator, shape, all);
    if (!meant) return;
    if (meant.some((pad) => pad < 0)) refuse("ConvTranspose with an output_shape that it can reach", `output_shape [${ints(node, "output_shape").join(", ")}] of ${this.#givenTo(node)}`, "Export with output_padding in its place.");
    // An average that leaves padding out of its count is another.
    if (operator === "AveragePool" && meant.some((pad, at) => pad !== windows.pads[at])) refuse("AveragePool whose windows fit", "auto_pad or ceil_mode that adds padding", "Export with explicit pads.");
    attributes.pads = meant;
  }

  /** Whether the node could be read as several of ours, and was. */
  #decomposed(node: NodeProto): boolean {
    const decompose = node.domain === "" && Object.hasOwn(decompositions, node.opType) && isForeignForm(node) ? decompositions[node.opType] : undefined;
    // A second output, such as Dropout's mask, may be declared by a model that never uses it.
    if (!decompose || node.input.length === 0) return false;
    const parts: NodeParts = {
      node,
      inputs: node.input.map((name) => (name === "" ? undefined : this.value(name))),
      numbers: (index) => {
        const tensor = this.constants.get(node.input[index]);
        return tensor && numbersOf(tensor);
      },
      room: this.#room,
    };
    const [x] = parts.inputs;
    const y = x && decompose(x, parts);
    if (!y) return false;
    this.values.set(node.output[0], y);
    const tensor = this.graph.constants.get(y);
    if (tensor) this.constants.set(node.output[0], tensor);
    return true;
  }

  #checkSoftmax(node: NodeProto, attributes: Record<string, unknown>): void {
    if (this.opset >= softmaxOpset) return;
    const { rank } = this.value(node.input[0]);
    const axis = Number(node.attribute.find((a) => a.name === "axis")?.i ?? 1n);
    if (axis !== -1 && axis !== rank - 1) refuse(`${node.opType} along the last axis, in opset ${this.opset}`, `axis ${axis} of ${rank}`, "Export with opset 13 or newer.");
    attributes.axis = -1;
  }

  #checkOneHot(node: NodeProto, taken: Set<number>): void {
    taken.add(2);
    const tensor = this.constants.get(node.input[2]);
    const [off, on] = tensor ? numbersOf(tensor) : [NaN, NaN];
    if (off !== 0 || on !== 1 || tensor?.dtype !== "float32") refuse("OneHot of float32 0 and 1", `${off} and ${on}`, "This form is not supported.");
  }

  #checkResize(node: NodeProto, attributes: Record<string, unknown>, taken: Set<number>): void {
    taken.add(1).add(2);
    const { shape } = this.value(node.input[0]);
    const sizes = attributes.sizes as readonly number[];
    const coordinates = node.attribute.find((a) => a.name === "coordinate_transformation_mode");
    if (coordinates && text(coordinates.s) === "pytorch_half_pixel" && sizes.some((n, axis) => n === 1 && shape[axis] !== 1)) refuse("Resize to more than one pixel", "pytorch_half_pixel to one", "Export with a pool in its place.");
    if (attributes.mode !== "nearest") return;
    const rounding = node.attribute.find((a) => a.name === "nearest_mode");
    // Enlarged by whole factors, the middle of a pixel is nearest to the pixel that it lies in.
    if ((!rounding || text(rounding.s).startsWith("round_prefer")) && attributes.alignment === "half_pixel" && sizes.every((n, axis) => n % shape[axis] === 0)) {
      attributes.alignment = "asymmetric";
      return;
    }
    if (!rounding || text(rounding.s) !== "floor") refuse("Resize nearest with floor", rounding ? text(rounding.s) : "round_prefer_floor", "This form is not supported.");
  }
}

/** A Constant's tensor, in whichever of its forms. */
function constantOf(node: NodeProto, external: ExternalFile | undefined): Tensor {
  for (const { name, t, i, f, ints, floats } of node.attribute)
    switch (name) {
      case "value":
        if (t) return tensorOf(t, external);
        break;
      case "value_int":
        return { dtype: "int64", shape: [], data: BigInt64Array.of(i) };
      case "value_ints":
        return { dtype: "int64", shape: [ints.length], data: BigInt64Array.from(ints) };
      case "value_float":
        return { dtype: "float32", shape: [], data: Float32Array.of(f) };
      case "value_floats":
        return { dtype: "float32", shape: [floats.length], data: Float32Array.from(floats) };
    }
  return refuse("a Constant that holds numbers", node.attribute.map(({ name }) => name).join(", ") || "none", "Export constants as tensors.");
}

function staticShape(info: ValueInfoProto, { pins = {}, shapeOf }: ReadOnnxOptions): { elemType: number; shape: number[] } {
  const type = info.type?.value;
  if (type?.case !== "tensorType") refuse("tensor inputs", info.name, "Sequences and maps are not supported.");
  if (!type.value.shape) refuse("static shapes", `${info.name} of any shape`, "Pin the model's shapes.");
  const { dim } = type.value.shape;
  const known = shapeOf?.(info.name);
  const meant = (axis: number): number | undefined => (known?.length === dim.length ? known[axis] : undefined);
  const shape = dim.map(({ value }, axis) =>
    value.case === "dimValue" && value.value > 0n ? Number(value.value) : value.case === "dimParam" ? (pins[value.value] ?? meant(axis) ?? value.value) : (meant(axis) ?? "?"),
  );
  if (!shape.every((n): n is number => typeof n === "number" && n >= 1)) refuse("static shapes", `${info.name} [${shape.join(", ")}]`, "Pin the model's dynamic axes by name.");
  return { elemType: type.value.elemType, shape };
}

/** The nodes that the outputs need, in order: who cuts a model at another output leaves behind what came after it. */
function neededNodes({ node: nodes, output }: GraphProto): readonly NodeProto[] {
  const takenByBranches = ({ attribute }: NodeProto): readonly string[] =>
    attribute.flatMap(({ g }) => (g ? graphsOf(g) : [])).flatMap((branch) => [...branch.output.map(({ name }) => name), ...branch.node.flatMap(({ input }) => input)]);
  const named = (node: NodeProto): readonly string[] => node.output.filter((name) => name !== "");
  return needed(nodes, output.map(({ name }) => name), named, (node) => [...node.input, ...takenByBranches(node)]).nodes;
}

/** A graph, and the branches within it. */
const graphsOf = (graph: GraphProto): readonly GraphProto[] => [graph, ...graph.node.flatMap(({ attribute }) => attribute.flatMap(({ g }) => (g ? graphsOf(g) : [])))];

/** What is computed, given or kept is called in it. */
const namesOf = ({ initializer, input, node }: GraphProto): readonly string[] => [...[...initializer, ...input].map(({ name }) => name), ...node.flatMap(({ output }) => output)];

/** Pins that would do nothing are mistakes. */
function requireKnownPins(inputs: readonly ValueInfoProto[], pins: ReadOnnxOptions["pins"] = {}): void {
  const axes = new Set(inputs.flatMap(({ type }) => (type?.value.case === "tensorType" ? (type.value.value.shape?.dim ?? []) : []).flatMap(({ value }) => (value.case === "dimParam" ? [value.value] : []))));
  const unknown = Object.keys(pins).filter((name) => !axes.has(name));
  if (unknown.length > 0) refuse(`pins of dynamic axes of the model's inputs: ${[...axes].join(", ") || "it has none"}`, unknown.join(", "), "Leave it out, or name an axis as the model does.");
}

function opsetOf(model: ModelProto): number {
  const version = model.opsetImport.find(({ domain }) => domain === "" || domain === standardDomain)?.version;
  const { oldest, newest } = readableOpsets;
  if (version === undefined) refuse("a model that states its opset", "none", "The file is truncated or is not ONNX.");
  if (version < oldest || version > newest) refuse(`an opset from ${oldest} to ${newest}`, String(version), "Convert the model, as by onnx.version_converter.convert_version(model, 20).");
  return Number(version);
}

export interface ReadOnnxOptions {
  /** Extents of dynamic axes, by the names that the model gives them. */
  readonly pins?: Readonly<Record<string, number>>;
  /** Of an input: the extents of those dynamic axes that no pin names. */
  readonly shapeOf?: (input: string) => Shape | undefined;
  /** Reads float16 as float32, the same numbers, which are rounded to it no longer; told the names of what was. Undefined leaves it as it is. */
  readonly onHalf?: (name: string) => void;
  /** Told the names of constants that the file does not hold: of what is folded, and of what operators are read as, such as the matrix of a cubic Resize. */
  readonly onMade?: (name: string) => void;
  /** Reads files beside the model, for tensors that are kept there. */
  readonly external?: ExternalFile;
}

/** Reads an ONNX model into a graph. Throws `E_GRAPH_FORMAT`, `E_GRAPH_OPERATOR` or `E_GRAPH_SHAPE`. */
export function readOnnx(bytes: Uint8Array, options: ReadOnnxOptions = {}): Graph {
  const { external, onHalf } = options;
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    refuse("an ONNX model", `${bytes.length} bytes that do not parse`, "The file is truncated or is not ONNX.", cause);
  }
  const proto = model.graph;
  if (!proto || proto.node.length === 0) refuse("a model with a graph", "none", "The file is truncated or is not ONNX.");
  const opset = opsetOf(model);
  if (proto.sparseInitializer.length > 0) refuse("tensors that hold all of their numbers", `${proto.sparseInitializer.length} sparse ones`, "Save them as dense initialisers.");
  const parts = graphsOf(proto);
  // The standard domain goes by two names.
  for (const part of parts) for (const node of part.node) if (node.domain === standardDomain) node.domain = "";
  const graph = new Graph(proto.name || "graph", new Set(parts.flatMap(namesOf)));
  const nodes = neededNodes(proto);
  const reader = new Reader(graph, new Set(proto.output.map((o) => o.name)), opset, external, nodes, new Set(model.functions.map(({ domain, name }) => qualified(domain, name))), onHalf);
  reader.initializers(proto);
  requireKnownPins(proto.input, options.pins);
  for (const info of proto.input) {
    if (reader.constants.has(info.name)) continue;
    const { elemType, shape } = staticShape(info, options);
    reader.values.set(info.name, graph.input(info.name, reader.dtypeFor(info.name, dtypeOf(elemType)), shape));
  }
  for (const node of nodes) reader.node(node);
  const held = new Set(parts.flatMap(({ initializer, node }) => [...initializer.map(({ name }) => name), ...node.flatMap(({ opType, output }) => (opType === "Constant" ? output : []))]));
  for (const { name } of graph.constants.keys()) if (!held.has(name)) options.onMade?.(name);
  for (const { name, type } of proto.output) {
    if (type?.value.case === "tensorType" && type.value.value.elemType === Number(onnxTypes.float16)) reader.dtypeFor(name, "float16");
    graph.output(name, reader.value(name));
  }
  return graph;
}
