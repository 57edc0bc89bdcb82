import { NightshiftError } from "../errors.js";
import type { Operator } from "./attributes.js";
import { consumersOf, isOperator, type Graph, type Node, type Value } from "./graph.js";
import { rewritten } from "./rewrite.js";
import { normalAxis } from "./shapes.js";
import { float32, type FloatTensor, sizeOf, type Tensor } from "./tensor.js";

/** The operators between floats and integers, which stand in pairs around what computes in int8. */
export const quantisers: ReadonlySet<Operator> = new Set<Operator>(["QuantizeLinear", "DequantizeLinear"]);

/** Least and greatest number that a tensor's integers stand for; 0 lies between. */
export type Range = readonly [low: number, high: number];

/**
 * How a range becomes integers. `asymmetric`: uint8 with a zero point, all 256 steps between low and high, which ONNX Runtime computes fastest on CPUs.
 * `symmetric`: int8 with the zero point 0, the only form that TensorRT takes. Weights are int8 with the zero point 0 and a scale for each output channel in both.
 */
export type QuantisedForm = "asymmetric" | "symmetric";

/** What is computed in int8, and within which ranges. */
export interface Int8Plan {
  /** The outputs of the convolutions that compute in int8, by name. */
  readonly layers: ReadonlySet<string>;
  /** By the names of tensors. */
  readonly ranges: ReadonlyMap<string, Range>;
}

type Convolution = Node & Node<"Conv">;

/** Whose integers are those of their inputs, or nearly: they compute in int8 where all that they are given does. */
const joining: ReadonlySet<string> = new Set(["Add", "Concat", "Resize", "MaxPool", "AveragePool", "GlobalAveragePool"]);

/** The convolutions of a graph with folded constants that can compute in int8, in order. */
export const quantisable = (graph: Graph): readonly Convolution[] =>
  graph.nodes.filter((node): node is Convolution => isOperator(node, "Conv") && graph.constants.has(node.inputs[1]));

/** Of these the output is rounded to the integers of the input, which loses nothing where it only chooses among them. */
const keeping: ReadonlySet<string> = new Set(["Resize", "MaxPool"]);

/** The tensors that are int8 where these layers (`Int8Plan.layers`) are: what they take and give, and what is joined of such. In order. */
export function quantisedTensors(graph: Graph, layers: ReadonlySet<string>): readonly Value[] {
  const after = activations(graph);
  const found = new Set<Value>();
  for (const node of graph.nodes) {
    const [output] = node.outputs;
    if (isOperator(node, "Conv") && layers.has(output.name)) {
      found.add(node.inputs[0]);
      found.add(after(output));
      continue;
    }
    const moved = node.inputs.filter((input) => !graph.constants.has(input));
    if (joining.has(node.operator) && moved.length > 0 && moved.every((input) => found.has(input))) found.add(after(output));
  }
  return [...found];
}

/** A ReLU is part of the layer before it, if nobody else looks between them. */
function activations(graph: Graph): (value: Value) => Value {
  const consumers = consumersOf(graph.nodes);
  const answered = new Set(graph.outputs.map(({ value }) => value));
  return (value) => {
    const [first, ...others] = consumers.get(value) ?? [];
    return first?.operator === "Relu" && others.length === 0 && !answered.has(value) ? first.outputs[0] : value;
  };
}

/**
 * The graph with QuantizeLinear and DequantizeLinear around what the plan says, for engines that compute in int8 what stands between such pairs.
 *
 * @param graph with folded constants
 * @throws `E_BUNDLE_FORMAT` where a layer is not in the graph, or a tensor that would be int8 has no range
 */
export function quantised(graph: Graph, { layers, ranges }: Int8Plan, form: QuantisedForm): Graph {
  requireLayers(layers, quantisable(graph));
  const tensors = new Set(quantisedTensors(graph, layers));
  return rewritten(graph, {
    value: (value, made, target) => (tensors.has(value) ? throughIntegers(target, made, rangeOf(ranges, value), form) : made),
    node: (node, became, target) => {
      if (!isOperator(node, "Conv") || !layers.has(node.outputs[0].name)) return undefined;
      const [x, weights, ...bias] = node.inputs;
      const tensor = graph.constants.get(weights) as FloatTensor;
      const [{ name }] = node.outputs;
      const least = leastScales(integersOf(rangeOf(ranges, x), form).scale, bias.length > 0 ? graph.constants.get(bias[0]) : undefined);
      // Layers may share a kernel; each has integers of its own, as `weightsOfIntegers` says why.
      return target.node("Conv", [became(x), dequantisedWeights(target, `${name}.${weights.name}`, tensor, least), ...bias.map(became)], node.attributes, [name]);
    },
  });
}

/** Throws `E_BUNDLE_FORMAT` where a layer, named by what it answers with, is not among these nodes. */
export function requireLayers(layers: ReadonlySet<string>, nodes: readonly Node[]): void {
  const there = new Set(nodes.map(({ outputs }) => outputs[0].name));
  const stranger = [...layers].find((layer) => !there.has(layer));
  if (stranger === undefined) return;
  throw new NightshiftError("E_BUNDLE_FORMAT", {
    expected: "layers of this network in its quantisation",
    received: stranger,
    remedy: "It was made for another network, or by another version of Nightshift: calibrate the bundle again with `nightshift calibrate`.",
  });
}

function rangeOf(ranges: ReadonlyMap<string, Range>, value: Value): Range {
  const producer = value.graph.producer(value);
  const kept = producer && keeping.has(producer.operator) ? ranges.get(producer.inputs[0].name) : undefined;
  const { name } = value;
  const range = kept ?? ranges.get(name);
  if (range) return range;
  throw new NightshiftError("E_BUNDLE_FORMAT", { expected: `a range for the tensor ${name}`, received: "none", remedy: "Calibrate the bundle again with `nightshift calibrate`." });
}

function throughIntegers(graph: Graph, value: Value, range: Range, form: QuantisedForm): Value {
  const { scale, zero } = integersOf(range, form);
  // Names of their own: those that the graph would think of may be taken by what is still to come.
  const inputs = [graph.constant(float32([], [scale]), `${value.name}.scale`), graph.constant(zero, `${value.name}.zero`)];
  const [q] = graph.node("QuantizeLinear", [value, ...inputs], { axis: 0 }, [`${value.name}.quantised`]);
  return graph.node("DequantizeLinear", [q, ...inputs], { axis: 0 }, [`${value.name}.dequantised`])[0];
}

/** The scale and zero point of a range. */
export function integersOf([low, high]: Range, form: QuantisedForm): { readonly scale: number; readonly zero: Tensor } {
  const least = 1e-8;
  if (form === "symmetric") return { scale: Math.fround(Math.max(-low, high, least) / 127), zero: { dtype: "int8", shape: [], data: Int8Array.of(0) } };
  const scale = Math.fround(Math.max(high - low, least) / 255);
  return { scale, zero: { dtype: "uint8", shape: [], data: Uint8Array.of(Math.round(-low / scale)) } };
}

/** Half of what 32 bits hold; the products are to fit beside it. */
const largestBias = 2 ** 30;

/**
 * What the scale of each output channel's weights must be at least, by its bias: ONNX Runtime counts that in steps of what goes in times steps of the weights, and of more steps
 * than 32 bits hold it makes nothing. So where hardly anything but the bias is left of a channel, as pruning does, or nothing was seen going in, the weights have coarser steps.
 */
const leastScales = (scale: number, bias: Tensor | undefined) => (channel: number): number => Math.abs(Number(bias?.data[channel] ?? 0)) / (largestBias * scale);

/** Weights [M, ...] as int8 with a scale for each of the M output channels. */
function dequantisedWeights(graph: Graph, name: string, { shape, data }: FloatTensor, leastScale: (channel: number) => number): Value {
  const [channels] = shape;
  const size = data.length / channels;
  const integers = new Int8Array(data.length);
  const scales = new Float32Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    const row = data.subarray(channel * size, (channel + 1) * size);
    let most = Math.max(1e-12, 127 * leastScale(channel));
    for (const weight of row) most = Math.max(most, Math.abs(weight));
    scales[channel] = most / 127;
    for (let at = 0; at < size; at++) integers[channel * size + at] = Math.round((row[at] / most) * 127);
  }
  const q = graph.constant({ dtype: "int8", shape, data: integers }, `${name}.int8`);
  const zeros = graph.constant({ dtype: "int8", shape: [channels], data: new Int8Array(channels) }, `${name}.zero`);
  return graph.node("DequantizeLinear", [q, graph.constant(float32([channels], scales), `${name}.scale`), zeros], { axis: 0 }, [`${name}.dequantised`])[0];
}

/** The constants of a graph that DequantizeLinear makes of integers, as the floats that they stand for. */
export function dequantisedConstants(graph: Graph): ReadonlyMap<Value, FloatTensor> {
  const found = new Map<Value, FloatTensor>();
  for (const node of graph.nodes) {
    if (!isOperator(node, "DequantizeLinear")) continue;
    const [x, scale, zero] = node.inputs.map((input) => graph.constants.get(input));
    if (!x || !scale || (node.inputs.length > 2 && !zero)) continue;
    const scales = scale.data as Float32Array;
    // Elements that have a scale in common lie together, slice after slice.
    const run = scales.length > 1 ? sizeOf(x.shape.slice(normalAxis(node.attributes.axis, x.shape.length) + 1)) : x.data.length;
    const data = Float32Array.from(x.data as ArrayLike<number>, (integer, at) => {
      const slice = Math.floor(at / run) % scales.length;
      return (integer - Number(zero?.data[slice] ?? 0)) * scales[slice];
    });
    found.set(node.outputs[0], { dtype: "float32", shape: x.shape, data });
  }
  return found;
}
