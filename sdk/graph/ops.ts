/** The operators as functions of values, so that graphs read like mathematics. Each throws `E_GRAPH_SHAPE` where it does not fit. */
import type { Attributes, Operator } from "./attributes.js";
import type { Value } from "./graph.js";
import { normalAxis } from "./shapes.js";
import type { DType, Shape } from "./tensor.js";

/** Numbers stand for float32 scalars. */
export type Operand = Value | number;

function one<K extends Operator>(operator: K, inputs: readonly Value[], attributes: Attributes[K]): Value {
  return inputs[0].graph.node(operator, inputs, attributes)[0];
}

function both(operator: Operator, a: Operand, b: Operand): Value {
  const graph = typeof a === "number" ? (b as Value).graph : a.graph;
  const value = (x: Operand) => (typeof x === "number" ? graph.scalar(x) : x);
  return graph.node(operator, [value(a), value(b)], {})[0];
}

export const add = (a: Operand, b: Operand): Value => both("Add", a, b);
export const sub = (a: Operand, b: Operand): Value => both("Sub", a, b);
export const mul = (a: Operand, b: Operand): Value => both("Mul", a, b);
export const div = (a: Operand, b: Operand): Value => both("Div", a, b);
export const pow = (a: Operand, b: Operand): Value => both("Pow", a, b);
export const max = (a: Operand, b: Operand): Value => both("Max", a, b);
export const min = (a: Operand, b: Operand): Value => both("Min", a, b);
export const equal = (a: Operand, b: Operand): Value => both("Equal", a, b);
export const greater = (a: Operand, b: Operand): Value => both("Greater", a, b);
export const greaterOrEqual = (a: Operand, b: Operand): Value => both("GreaterOrEqual", a, b);
export const less = (a: Operand, b: Operand): Value => both("Less", a, b);
export const lessOrEqual = (a: Operand, b: Operand): Value => both("LessOrEqual", a, b);
export const and = (a: Value, b: Value): Value => both("And", a, b);

export const neg = (x: Value): Value => one("Neg", [x], {});
export const abs = (x: Value): Value => one("Abs", [x], {});
export const sign = (x: Value): Value => one("Sign", [x], {});
export const exp = (x: Value): Value => one("Exp", [x], {});
export const log = (x: Value): Value => one("Log", [x], {});
export const sqrt = (x: Value): Value => one("Sqrt", [x], {});
export const reciprocal = (x: Value): Value => one("Reciprocal", [x], {});
export const erf = (x: Value): Value => one("Erf", [x], {});
export const sin = (x: Value): Value => one("Sin", [x], {});
export const cos = (x: Value): Value => one("Cos", [x], {});
export const sigmoid = (x: Value): Value => one("Sigmoid", [x], {});
export const tanh = (x: Value): Value => one("Tanh", [x], {});
export const relu = (x: Value): Value => one("Relu", [x], {});
export const gelu = (x: Value): Value => one("Gelu", [x], { approximate: "none" });
export const softplus = (x: Value): Value => one("Softplus", [x], {});
export const floor = (x: Value): Value => one("Floor", [x], {});
export const round = (x: Value): Value => one("Round", [x], {});
export const clip = (x: Value, low: number, high: number): Value => one("Clip", [x], { min: low, max: high });
export const cast = (x: Value, to: DType): Value => (x.dtype === to ? x : one("Cast", [x], { to }));
export const where = (condition: Value, a: Value, b: Value): Value => one("Where", [condition, a, b], {});

/** 1 where the condition holds, else 0, as float32. */
export const indicator = (condition: Value): Value => cast(condition, "float32");

/** The same value; no gradient flows back through it. */
export function stopGradient(x: Value): Value {
  const value = one("Identity", [x], {});
  x.graph.stop(value);
  return value;
}

export const reshape = (x: Value, shape: Shape): Value => {
  const known = shape.reduce((a, n) => (n === -1 ? a : a * n), 1);
  return one("Reshape", [x], { shape: shape.map((n) => (n === -1 ? x.size / known : n)) });
};
export const flat = (x: Value): Value => (x.rank === 1 ? x : reshape(x, [x.size]));
export const transpose = (x: Value, perm: readonly number[]): Value => one("Transpose", [x], { perm });
/** Exchanges the last two axes. */
export const transposeLast = (x: Value): Value => {
  const perm = x.shape.map((_, i) => i);
  [perm[x.rank - 1], perm[x.rank - 2]] = [x.rank - 2, x.rank - 1];
  return transpose(x, perm);
};
export const concat = (values: readonly Value[], axis: number): Value => (values.length === 1 ? values[0] : one("Concat", values, { axis }));
export const split = (x: Value, sizes: readonly number[], axis: number): readonly Value[] => x.graph.node("Split", [x], { axis, split: sizes });
/** Elements from `start` up to `end` (exclusive) along one axis. */
export const slice = (x: Value, axis: number, start: number, end: number, step = 1): Value =>
  one("Slice", [x], { starts: [start], ends: [end], axes: [axis], steps: [step] });
export const pad = (x: Value, pads: readonly number[], value = 0): Value =>
  pads.every((p) => p === 0) ? x : one("Pad", [x], { pads, value });
export const expand = (x: Value, shape: Shape): Value => one("Expand", [x], { shape });
export const unsqueeze = (x: Value, axes: readonly number[]): Value => one("Unsqueeze", [x], { axes });
export const gather = (x: Value, index: Value, axis: number): Value => one("Gather", [x, index], { axis });
export const gatherElements = (x: Value, index: Value, axis: number): Value => one("GatherElements", [x, index], { axis });
export const oneHot = (index: Value, depth: number, axis = -1): Value => one("OneHot", [index], { axis, depth });
export const depthToSpace = (x: Value, blocksize: number): Value => one("DepthToSpace", [x], { blocksize, mode: "DCR" });
export const spaceToDepth = (x: Value, blocksize: number): Value => one("SpaceToDepth", [x], { blocksize });
/** Of `x` [N, R, d] the rows that `index` [N, k] names, int64: [N, k, d]. */
export const gatherRows = (x: Value, index: Value): Value => gatherElements(x, expand(unsqueeze(index, [2]), [...index.shape, x.shape[2]]), 1);
/** What lies in the cells of a map [N, d, h, w], a row each: [N, h w, d]. */
export const rowsOfMap = (x: Value): Value => transposeLast(reshape(x, [x.shape[0], x.shape[1], x.shape[2] * x.shape[3]]));
/** A map [N, d, h, w] at the height and width of another. */
export const resizeLike = (x: Value, other: Value): Value => resize(x, [x.shape[0], x.shape[1], other.shape[2], other.shape[3]], "linear");
export const resize = (x: Value, sizes: Shape, mode: "nearest" | "linear", antialias = false): Value =>
  one("Resize", [x], { sizes, mode, alignment: mode === "nearest" ? "asymmetric" : "half_pixel", antialias });

const axesOf = (x: Value, axes: readonly number[]): readonly number[] => axes.map((a) => normalAxis(a, x.rank));
export const sum = (x: Value, axes: readonly number[], keepdims = false): Value => one("ReduceSum", [x], { axes: axesOf(x, axes), keepdims });
export const mean = (x: Value, axes: readonly number[], keepdims = false): Value => one("ReduceMean", [x], { axes: axesOf(x, axes), keepdims });
export const reduceMax = (x: Value, axes: readonly number[], keepdims = false): Value =>
  one("ReduceMax", [x], { axes: axesOf(x, axes), keepdims });
export const reduceMin = (x: Value, axes: readonly number[], keepdims = false): Value =>
  one("ReduceMin", [x], { axes: axesOf(x, axes), keepdims });
export const sumSquare = (x: Value, axes: readonly number[], keepdims = false): Value =>
  one("ReduceSumSquare", [x], { axes: axesOf(x, axes), keepdims });
/** The sum of all elements, a scalar. */
export const total = (x: Value): Value =>
  x.rank === 0
    ? x
    : sum(
        x,
        x.shape.map((_, i) => i),
      );
export const argMax = (x: Value, axis: number): Value => one("ArgMax", [x], { axis: normalAxis(axis, x.rank), keepdims: false });
export const argMin = (x: Value, axis: number): Value => one("ArgMin", [x], { axis: normalAxis(axis, x.rank), keepdims: false });
/** The k largest (values, int64 indices) along an axis, in descending order. */
export const topK = (x: Value, k: number, axis: number): readonly Value[] => x.graph.node("TopK", [x], { k, axis, largest: true });
export const softmax = (x: Value, axis: number): Value => one("Softmax", [x], { axis });
export const logSoftmax = (x: Value, axis: number): Value => one("LogSoftmax", [x], { axis });
export const matMul = (a: Value, b: Value): Value => one("MatMul", [a, b], {});

export interface ConvOptions {
  stride?: number;
  /** Zero pixels on every side. */
  padding?: number;
  dilation?: number;
  group?: number;
}

export function conv(x: Value, w: Value, bias?: Value, { stride = 1, padding = 0, dilation = 1, group = 1 }: ConvOptions = {}): Value {
  return one("Conv", bias ? [x, w, bias] : [x, w], {
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    dilations: [dilation, dilation],
    group,
  });
}

/** Zero padding counts as part of each window, so that the operator is its own adjoint at stride 1. */
export const averagePool = (x: Value, kernel: number, stride: number, padding: number): Value =>
  one("AveragePool", [x], { kernel: [kernel, kernel], strides: [stride, stride], pads: [padding, padding, padding, padding] });
export const layerNorm = (x: Value, scale: Value, bias: Value, epsilon = 1e-5): Value =>
  one("LayerNormalization", [x, scale, bias], { axis: -1, epsilon });
