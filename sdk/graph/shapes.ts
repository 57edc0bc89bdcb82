/** What each operator answers: the type and shape of its outputs, or `E_GRAPH_SHAPE`. */
import { NightshiftError } from "../errors.js";
import type { Attributes, ConvAttributes, Operator, PoolAttributes, ReduceAttributes } from "./attributes.js";
import type { Value } from "./graph.js";
import { sizeOf, type DType, type Shape } from "./tensor.js";

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

export type InferenceRule<K extends Operator> = (inputs: readonly Value[], attributes: Attributes[K]) => readonly TensorType[];

function refuse(operator: string, expected: string, inputs: readonly Value[], remedy = "Check the node's inputs and attributes."): never {
  throw new NightshiftError("E_GRAPH_SHAPE", {
    expected: `${operator}: ${expected}`,
    received: inputs.map(String).join("; ") || "no inputs",
    remedy,
  });
}

/** An axis counted from the end when negative. */
export function normalAxis(axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(normal) || normal < 0 || normal >= rank)
    throw new NightshiftError("E_GRAPH_SHAPE", {
      expected: `an axis from ${-rank} to ${rank - 1}`,
      received: String(axis),
      remedy: "Check the axis against the tensor's rank.",
    });
  return normal;
}

/** The shape that NumPy's broadcasting gives, or undefined where shapes do not fit. */
export function broadcast(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    shape.push(x === 1 ? y : x);
  }
  return shape;
}

function broadcastAll(operator: string, inputs: readonly Value[]): Shape {
  let shape: Shape | undefined = [];
  for (const input of inputs) {
    shape = broadcast(shape, input.shape);
    if (!shape) refuse(operator, "shapes that broadcast", inputs);
  }
  return shape;
}

function count(operator: string, inputs: readonly Value[], least: number, most = least): void {
  if (inputs.length < least || inputs.length > most)
    refuse(operator, least === most ? `${least} inputs` : `${least} to ${most} inputs`, inputs);
}

/** Extents, counts and strides: whole numbers from 1. */
const counts = (numbers: readonly number[]): boolean => numbers.every((n) => Number.isInteger(n) && n >= 1);

const wholes = (numbers: readonly number[]): boolean => numbers.every((n) => Number.isInteger(n));

const isIndex = (value: Value): boolean => value.dtype === "int64" || value.dtype === "int32";

const unary =
  (operator: Operator) =>
  (inputs: readonly Value[]): TensorType[] => {
    count(operator, inputs, 1);
    return [{ dtype: inputs[0].dtype, shape: inputs[0].shape }];
  };

const elementwise =
  (operator: Operator, arity = 2) =>
  (inputs: readonly Value[]): TensorType[] => {
    count(operator, inputs, arity);
    if (inputs.some((v) => v.dtype !== inputs[0].dtype)) refuse(operator, "inputs of one type", inputs);
    return [{ dtype: inputs[0].dtype, shape: broadcastAll(operator, inputs) }];
  };

const comparison =
  (operator: Operator) =>
  (inputs: readonly Value[]): TensorType[] => [{ dtype: "bool", shape: elementwise(operator)(inputs)[0].shape }];

const logical =
  (operator: Operator, arity: number) =>
  (inputs: readonly Value[]): TensorType[] => {
    if (inputs.some((v) => v.dtype !== "bool")) refuse(operator, "bool inputs", inputs);
    return elementwise(operator, arity)(inputs);
  };

export function reducedShape(shape: Shape, axes: readonly number[], keepdims: boolean): Shape {
  const reduced = new Set(axes.map((a) => normalAxis(a, shape.length)));
  return keepdims ? shape.map((n, i) => (reduced.has(i) ? 1 : n)) : shape.filter((_, i) => !reduced.has(i));
}

const reduction =
  (operator: Operator) =>
  (inputs: readonly Value[], { axes, keepdims }: ReduceAttributes): TensorType[] => {
    count(operator, inputs, 1);
    if (axes.length === 0) refuse(operator, "at least one axis", inputs);
    return [{ dtype: inputs[0].dtype, shape: reducedShape(inputs[0].shape, axes, keepdims) }];
  };

const selection =
  (operator: Operator) =>
  (inputs: readonly Value[], { axis, keepdims }: { axis: number; keepdims: boolean }): TensorType[] => {
    count(operator, inputs, 1);
    return [{ dtype: "int64", shape: reducedShape(inputs[0].shape, [axis], keepdims) }];
  };

/** The extent of one spatial axis after a convolution or pooling. */
export const windowed = (size: number, kernel: number, stride: number, before: number, after: number, dilation = 1): number =>
  Math.floor((size + before + after - dilation * (kernel - 1) - 1) / stride) + 1;

function convolution(inputs: readonly Value[], { strides, pads, dilations, group }: ConvAttributes): TensorType[] {
  count("Conv", inputs, 2, 3);
  const [x, w, b] = inputs;
  if (x.rank !== 4 || w.rank !== 4) refuse("Conv", "X [N, C, H, W] and W [M, C / group, kH, kW]", inputs);
  const [n, c, h, width] = x.shape;
  const [m, cg, kh, kw] = w.shape;
  if (cg * group !== c || m % group !== 0) refuse("Conv", `channels that fit group ${group}`, inputs);
  if (w.dtype !== x.dtype) refuse("Conv", "inputs of one type", inputs);
  if (!counts([...strides, ...dilations, group]) || !wholes(pads)) refuse("Conv", "strides, dilations and group from 1 and whole pads", inputs);
  if (b && (b.rank !== 1 || b.shape[0] !== m)) refuse("Conv", `a bias of shape [${m}]`, inputs);
  const shape = [
    n,
    m,
    windowed(h, kh, strides[0], pads[0], pads[2], dilations[0]),
    windowed(width, kw, strides[1], pads[1], pads[3], dilations[1]),
  ];
  if (shape[2] < 1 || shape[3] < 1) refuse("Conv", "an image no smaller than the kernel", inputs);
  return [{ dtype: x.dtype, shape }];
}

const pooling =
  (operator: Operator) =>
  (inputs: readonly Value[], { kernel, strides, pads }: PoolAttributes): TensorType[] => {
    count(operator, inputs, 1);
    const [x] = inputs;
    if (x.rank !== 4) refuse(operator, "X [N, C, H, W]", inputs);
    const [n, c, h, w] = x.shape;
    if (!counts([...kernel, ...strides]) || !wholes(pads)) refuse(operator, "a kernel and strides from 1 and whole pads", inputs);
    if (pads.some((p, i) => p < 0 || p >= kernel[i % 2])) refuse(operator, "pads smaller than the kernel", inputs);
    const shape = [n, c, windowed(h, kernel[0], strides[0], pads[0], pads[2]), windowed(w, kernel[1], strides[1], pads[1], pads[3])];
    if (shape[2] < 1 || shape[3] < 1) refuse(operator, "an image no smaller than the kernel", inputs);
    return [{ dtype: x.dtype, shape }];
  };

function matMul(inputs: readonly Value[]): TensorType[] {
  count("MatMul", inputs, 2);
  const [a, b] = inputs;
  if (a.rank < 2 || b.rank < 2 || a.shape[a.rank - 1] !== b.shape[b.rank - 2]) refuse("MatMul", "[..., n, k] and [..., k, m]", inputs);
  const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (!batch) refuse("MatMul", "leading axes that broadcast", inputs);
  if (a.dtype !== b.dtype) refuse("MatMul", "inputs of one type", inputs);
  return [{ dtype: a.dtype, shape: [...batch, a.shape[a.rank - 2], b.shape[b.rank - 1]] }];
}

/** The bounds of a Slice along one axis after ONNX's clamping. */
export function sliceRange(size: number, start: number, end: number, step: number): { start: number; count: number } {
  const wrap = (i: number) => (i < 0 ? i + size : i);
  const low = step > 0 ? 0 : -1;
  const from = Math.min(Math.max(wrap(start), 0), step > 0 ? size : size - 1);
  const to = Math.min(Math.max(end < -size ? low : wrap(end), low), step > 0 ? size : size - 1);
  return { start: from, count: Math.max(0, Math.ceil((to - from) / step)) };
}

/**
 * The place that Resize takes by `nearest` for the place `at` of its result, asymmetric and rounded down. In float32, as ONNX Runtime computes it: where factors are no whole numbers, that decides between neighbours.
 */
export const nearestPlace = (at: number, from: number, to: number): number => Math.min(from - 1, Math.floor(Math.fround(at / Math.fround(to / from))));

export const inferenceRules: { readonly [K in Operator]: InferenceRule<K> } = {
  Add: elementwise("Add"),
  Sub: elementwise("Sub"),
  Mul: elementwise("Mul"),
  Div: elementwise("Div"),
  Pow: elementwise("Pow"),
  Max: elementwise("Max"),
  Min: elementwise("Min"),
  Neg: unary("Neg"),
  Abs: unary("Abs"),
  Sign: unary("Sign"),
  Exp: unary("Exp"),
  Log: unary("Log"),
  Sqrt: unary("Sqrt"),
  Reciprocal: unary("Reciprocal"),
  Erf: unary("Erf"),
  Sin: unary("Sin"),
  Cos: unary("Cos"),
  Sigmoid: unary("Sigmoid"),
  Tanh: unary("Tanh"),
  Relu: unary("Relu"),
  LeakyRelu: unary("LeakyRelu"),
  PRelu: (inputs) => {
    const [type] = elementwise("PRelu")(inputs);
    if (sizeOf(type.shape) !== inputs[0].size) refuse("PRelu", "a slope that broadcasts to X", inputs);
    return [{ dtype: type.dtype, shape: inputs[0].shape }];
  },
  Gelu: unary("Gelu"),
  HardSwish: unary("HardSwish"),
  Softplus: unary("Softplus"),
  Floor: unary("Floor"),
  Round: unary("Round"),
  Clip: unary("Clip"),
  Identity: unary("Identity"),
  Cast: (inputs, { to }) => {
    count("Cast", inputs, 1);
    return [{ dtype: to, shape: inputs[0].shape }];
  },
  Equal: comparison("Equal"),
  Greater: comparison("Greater"),
  GreaterOrEqual: comparison("GreaterOrEqual"),
  Less: comparison("Less"),
  LessOrEqual: comparison("LessOrEqual"),
  And: logical("And", 2),
  Or: logical("Or", 2),
  Not: logical("Not", 1),
  Where: (inputs) => {
    count("Where", inputs, 3);
    if (inputs[0].dtype !== "bool" || inputs[1].dtype !== inputs[2].dtype) refuse("Where", "a bool condition and two inputs of one type", inputs);
    return [{ dtype: inputs[1].dtype, shape: broadcastAll("Where", inputs) }];
  },
  Reshape: (inputs, { shape }) => {
    count("Reshape", inputs, 1);
    if (sizeOf(shape) !== inputs[0].size || !counts(shape))
      refuse("Reshape", `as many elements as [${shape.join(", ")}] holds`, inputs);
    return [{ dtype: inputs[0].dtype, shape }];
  },
  Transpose: (inputs, { perm }) => {
    count("Transpose", inputs, 1);
    const [x] = inputs;
    if (perm.length !== x.rank || new Set(perm).size !== x.rank || perm.some((p) => p < 0 || p >= x.rank))
      refuse("Transpose", `a permutation of ${x.rank} axes, not [${perm.join(", ")}]`, inputs);
    return [{ dtype: x.dtype, shape: perm.map((p) => x.shape[p]) }];
  },
  Concat: (inputs, { axis }) => {
    count("Concat", inputs, 1, Infinity);
    const [x] = inputs;
    const at = normalAxis(axis, x.rank);
    for (const v of inputs)
      if (v.rank !== x.rank || v.dtype !== x.dtype || v.shape.some((n, i) => i !== at && n !== x.shape[i]))
        refuse("Concat", `inputs that agree on all axes but ${at}`, inputs);
    return [{ dtype: x.dtype, shape: x.shape.map((n, i) => (i === at ? inputs.reduce((sum, v) => sum + v.shape[at], 0) : n)) }];
  },
  Split: (inputs, { axis, split }) => {
    count("Split", inputs, 1);
    const [x] = inputs;
    const at = normalAxis(axis, x.rank);
    if (!counts(split) || split.reduce((a, b) => a + b, 0) !== x.shape[at]) refuse("Split", `parts that add up to ${x.shape[at]}`, inputs);
    return split.map((part) => ({ dtype: x.dtype, shape: x.shape.map((n, i) => (i === at ? part : n)) }));
  },
  Slice: (inputs, { starts, ends, axes, steps }) => {
    count("Slice", inputs, 1);
    const [x] = inputs;
    if ([starts, ends, steps].some((list) => list.length !== axes.length) || steps.includes(0))
      refuse("Slice", "a start, an end and a step other than 0 for each axis", inputs);
    if (new Set(axes.map((axis) => normalAxis(axis, x.rank))).size !== axes.length) refuse("Slice", "axes that differ", inputs);
    const shape = [...x.shape];
    axes.forEach((axis, i) => {
      const at = normalAxis(axis, x.rank);
      shape[at] = sliceRange(x.shape[at], starts[i], ends[i], steps[i]).count;
    });
    if (shape.some((n) => n < 1)) refuse("Slice", "a slice that is not empty", inputs);
    return [{ dtype: x.dtype, shape }];
  },
  Pad: (inputs, { pads }) => {
    count("Pad", inputs, 1);
    const [x] = inputs;
    if (pads.length !== 2 * x.rank) refuse("Pad", `${2 * x.rank} pads`, inputs);
    const shape = x.shape.map((n, i) => n + pads[i] + pads[i + x.rank]);
    if (!counts(shape)) refuse("Pad", "something that is left", inputs);
    return [{ dtype: x.dtype, shape }];
  },
  Expand: (inputs, { shape }) => {
    count("Expand", inputs, 1);
    const to = broadcast(inputs[0].shape, shape);
    if (!to || !counts(shape)) refuse("Expand", `a shape that broadcasts to [${shape.join(", ")}]`, inputs);
    return [{ dtype: inputs[0].dtype, shape: to }];
  },
  Unsqueeze: (inputs, { axes }) => {
    count("Unsqueeze", inputs, 1);
    const [x] = inputs;
    const rank = x.rank + axes.length;
    const added = new Set(axes.map((a) => normalAxis(a, rank)));
    if (added.size !== axes.length) refuse("Unsqueeze", "axes that differ", inputs);
    const rest = [...x.shape];
    return [{ dtype: x.dtype, shape: Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : (rest.shift() ?? 1))) }];
  },
  Squeeze: (inputs, { axes }) => {
    count("Squeeze", inputs, 1);
    const [x] = inputs;
    if (axes.some((a) => x.shape[normalAxis(a, x.rank)] !== 1)) refuse("Squeeze", `axes [${axes.join(", ")}] of extent 1`, inputs);
    return [{ dtype: x.dtype, shape: reducedShape(x.shape, axes, false) }];
  },
  Tile: (inputs, { repeats }) => {
    count("Tile", inputs, 1);
    if (repeats.length !== inputs[0].rank || !counts(repeats)) refuse("Tile", `${inputs[0].rank} repeats`, inputs);
    return [{ dtype: inputs[0].dtype, shape: inputs[0].shape.map((n, i) => n * repeats[i]) }];
  },
  Gather: (inputs, { axis }) => {
    count("Gather", inputs, 2);
    const [x, index] = inputs;
    const at = normalAxis(axis, x.rank);
    if (!isIndex(index)) refuse("Gather", "integer indices", inputs);
    return [{ dtype: x.dtype, shape: [...x.shape.slice(0, at), ...index.shape, ...x.shape.slice(at + 1)] }];
  },
  GatherElements: (inputs, { axis }) => {
    count("GatherElements", inputs, 2);
    const [x, index] = inputs;
    const at = normalAxis(axis, x.rank);
    if (!isIndex(index)) refuse("GatherElements", "integer indices", inputs);
    if (index.rank !== x.rank || index.shape.some((n, i) => i !== at && n > x.shape[i])) refuse("GatherElements", "indices within X", inputs);
    return [{ dtype: x.dtype, shape: index.shape }];
  },
  ScatterElements: (inputs, { axis }) => {
    count("ScatterElements", inputs, 3);
    const [x, index, updates] = inputs;
    const at = normalAxis(axis, x.rank);
    if (!isIndex(index) || updates.dtype !== x.dtype) refuse("ScatterElements", "integer indices and updates of X's type", inputs);
    if (index.rank !== x.rank || updates.rank !== x.rank || index.shape.some((n, i) => n !== updates.shape[i]))
      refuse("ScatterElements", "updates of the indices' shape", inputs);
    if (index.shape.some((n, i) => i !== at && n > x.shape[i])) refuse("ScatterElements", "indices within X", inputs);
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  OneHot: (inputs, { axis, depth }) => {
    count("OneHot", inputs, 1);
    const [x] = inputs;
    const at = normalAxis(axis, x.rank + 1);
    if (x.dtype !== "int64" || !counts([depth])) refuse("OneHot", "int64 indices and a depth from 1", inputs);
    return [{ dtype: "float32", shape: [...x.shape.slice(0, at), depth, ...x.shape.slice(at)] }];
  },
  DepthToSpace: (inputs, { blocksize: b }) => {
    count("DepthToSpace", inputs, 1);
    const [n, c, h, w] = inputs[0].shape;
    if (inputs[0].rank !== 4 || c % (b * b) !== 0) refuse("DepthToSpace", `channels that ${b * b} divides`, inputs);
    return [{ dtype: inputs[0].dtype, shape: [n, c / (b * b), h * b, w * b] }];
  },
  SpaceToDepth: (inputs, { blocksize: b }) => {
    count("SpaceToDepth", inputs, 1);
    const [n, c, h, w] = inputs[0].shape;
    if (inputs[0].rank !== 4 || h % b !== 0 || w % b !== 0) refuse("SpaceToDepth", `height and width that ${b} divides`, inputs);
    return [{ dtype: inputs[0].dtype, shape: [n, c * b * b, h / b, w / b] }];
  },
  Resize: (inputs, { sizes, mode, alignment, antialias }) => {
    count("Resize", inputs, 1);
    if (mode === "nearest" && alignment !== "asymmetric") refuse("Resize", `nearest to be asymmetric, not ${alignment}`, inputs);
    if (antialias && alignment !== "half_pixel") refuse("Resize", `antialias with half_pixel, not ${alignment}`, inputs);
    if (sizes.length !== inputs[0].rank || !counts(sizes)) refuse("Resize", `${inputs[0].rank} sizes`, inputs);
    return [{ dtype: inputs[0].dtype, shape: sizes }];
  },
  ReduceSum: reduction("ReduceSum"),
  ReduceMean: reduction("ReduceMean"),
  ReduceMax: reduction("ReduceMax"),
  ReduceMin: reduction("ReduceMin"),
  ReduceSumSquare: reduction("ReduceSumSquare"),
  ArgMax: selection("ArgMax"),
  ArgMin: selection("ArgMin"),
  TopK: (inputs, { k, axis }) => {
    count("TopK", inputs, 1);
    const [x] = inputs;
    const at = normalAxis(axis, x.rank);
    if (k < 1 || k > x.shape[at]) refuse("TopK", `k from 1 to ${x.shape[at]}, not ${k}`, inputs);
    const shape = x.shape.map((n, i) => (i === at ? k : n));
    return [
      { dtype: x.dtype, shape },
      { dtype: "int64", shape },
    ];
  },
  Softmax: unary("Softmax"),
  LogSoftmax: unary("LogSoftmax"),
  MatMul: matMul,
  Gemm: (inputs, { transA, transB }) => {
    count("Gemm", inputs, 2, 3);
    const [a, b, c] = inputs;
    if (a.rank !== 2 || b.rank !== 2) refuse("Gemm", "matrices", inputs);
    if (inputs.some((v) => v.dtype !== a.dtype)) refuse("Gemm", "inputs of one type", inputs);
    const [n, k] = transA ? [a.shape[1], a.shape[0]] : a.shape;
    const [k2, m] = transB ? [b.shape[1], b.shape[0]] : b.shape;
    if (k !== k2) refuse("Gemm", "inner sizes that agree", inputs);
    const wide = c && broadcast(c.shape, [n, m]);
    if (c && !(wide?.length === 2 && wide[0] === n && wide[1] === m)) refuse("Gemm", `C that broadcasts to [${n}, ${m}]`, inputs);
    return [{ dtype: a.dtype, shape: [n, m] }];
  },
  Conv: convolution,
  ConvTranspose: (inputs, { strides, pads, dilations, group, outputPadding }) => {
    count("ConvTranspose", inputs, 2, 3);
    const [x, w, b] = inputs;
    if (x.rank !== 4 || w.rank !== 4 || w.shape[0] !== x.shape[1]) refuse("ConvTranspose", "X [N, C, H, W] and W [C, M / group, kH, kW]", inputs);
    if (!counts([...strides, ...dilations, group]) || x.shape[1] % group !== 0) refuse("ConvTranspose", `channels that fit group ${group}, strides and dilations from 1`, inputs);
    if (b && (b.rank !== 1 || b.shape[0] !== w.shape[1] * group)) refuse("ConvTranspose", `a bias of shape [${w.shape[1] * group}]`, inputs);
    const extent = (i: 0 | 1): number =>
      strides[i] * (x.shape[2 + i] - 1) + outputPadding[i] + dilations[i] * (w.shape[2 + i] - 1) + 1 - pads[i] - pads[i + 2];
    const shape = [x.shape[0], w.shape[1] * group, extent(0), extent(1)];
    if (!counts(shape)) refuse("ConvTranspose", "pads that leave something", inputs);
    return [{ dtype: x.dtype, shape }];
  },
  AveragePool: pooling("AveragePool"),
  MaxPool: pooling("MaxPool"),
  GlobalAveragePool: (inputs) => {
    count("GlobalAveragePool", inputs, 1);
    const [x] = inputs;
    if (x.rank !== 4) refuse("GlobalAveragePool", "X [N, C, H, W]", inputs);
    return [{ dtype: x.dtype, shape: [x.shape[0], x.shape[1], 1, 1] }];
  },
  BatchNormalization: (inputs) => {
    count("BatchNormalization", inputs, 5);
    const [x, ...rest] = inputs;
    if (x.rank < 2 || rest.some((v) => v.rank !== 1 || v.shape[0] !== x.shape[1])) refuse("BatchNormalization", `scale, bias, mean, variance of [${x.shape[1]}]`, inputs);
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  LayerNormalization: (inputs, { axis }) => {
    count("LayerNormalization", inputs, 2, 3);
    const [x, ...rest] = inputs;
    const tail = sizeOf(x.shape.slice(normalAxis(axis, x.rank)));
    if (rest.some((v) => v.size !== tail)) refuse("LayerNormalization", `scale and bias of ${tail} elements`, inputs);
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  QuantizeLinear: (inputs, { axis }) => {
    count("QuantizeLinear", inputs, 2, 3);
    const [x, scale, zero] = inputs;
    if (scale.rank > 1 || scale.dtype !== x.dtype || (zero && zero.size !== scale.size))
      refuse("QuantizeLinear", "one scale of X's type, or one along the axis, and zero points to match", inputs);
    if (zero && zero.dtype !== "int8" && zero.dtype !== "uint8") refuse("QuantizeLinear", "zero points of int8 or uint8", inputs);
    if (scale.size > 1 && scale.size !== x.shape[normalAxis(axis, x.rank)]) refuse("QuantizeLinear", "a scale for each slice along the axis", inputs);
    return [{ dtype: zero?.dtype ?? "uint8", shape: x.shape }];
  },
  DequantizeLinear: (inputs, { axis }) => {
    count("DequantizeLinear", inputs, 2, 3);
    const [x, scale, zero] = inputs;
    if (scale.rank > 1 || (zero && (zero.dtype !== x.dtype || zero.size !== scale.size)))
      refuse("DequantizeLinear", "one scale, or one along the axis, and zero points of X's type to match", inputs);
    if (x.dtype !== "int8" && x.dtype !== "uint8" && x.dtype !== "int32") refuse("DequantizeLinear", "quantised X", inputs);
    if (scale.size > 1 && scale.size !== x.shape[normalAxis(axis, x.rank)]) refuse("DequantizeLinear", "a scale for each slice along the axis", inputs);
    return [{ dtype: scale.dtype, shape: x.shape }];
  },
};
