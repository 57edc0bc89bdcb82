import type { Value } from "../graph.js";
import { abs, add, cast, clip, concat, div, equal, exp, expand, floor, gather, gatherElements, greater, indicator, less, lessOrEqual, log, matMul, max, mean, min, mul, neg, pad, pow, reduceMax, reshape, slice, softmax, softplus, sqrt, sub, sum, sumSquare, tanh, transpose, where } from "../ops.js";
import { float32, type Shape, sizeOf, tensorOfNumbers } from "../tensor.js";
import { float, int, ints, text } from "./node-attributes.js";
import type { NodeProto } from "./onnx_pb.js";
import type { Room } from "./room.js";
import { isUnpadded, meantPads } from "./windows.js";

/** What the decomposition of a node asks for. */
export interface NodeParts {
  readonly node: NodeProto;
  /** Undefined where an input is left out. */
  readonly inputs: readonly (Value | undefined)[];
  /** The numbers of an input that is constant. */
  readonly numbers: (index: number) => readonly number[] | undefined;
  /** For constants as large as a shape says, which may lie. */
  readonly room: Room;
}

/** Undefined for a form that is not known; the reader refuses it then. */
type Decomposition = (x: Value, parts: NodeParts) => Value | undefined;

/** Operators that exporters write and that are no more than a few of ours: they are read as those, so they need no rules of their own. */
export const decompositions: Readonly<Record<string, Decomposition>> = {
  /** What drops nothing; what drops as in training is refused. */
  Dropout: (x, { node, numbers }) => (!node.input[2] || numbers(2)?.[0] === 0 || numbers(1)?.[0] === 0 ? x : undefined),
  /** By an exponent of another type. */
  Pow: (x, { inputs: [, y] }) => (y && y.dtype !== x.dtype && isFloat(x) ? pow(x, cast(y, x.dtype)) : undefined),
  Max: (_, { inputs }) => joined(inputs, max),
  Min: (_, { inputs }) => joined(inputs, min),
  CastLike: (x, { inputs: [, like] }) => like && cast(x, like.dtype),
  /** Of heads [N, heads, places, width], as PyTorch's `scaled_dot_product_attention` is exported. */
  Attention: (q, { node, inputs: [, k, v, mask, ...past] }) => {
    const isPlain = int(node, "is_causal", 0) === 0 && float(node, "softcap", 0) === 0 && past.every((each) => each === undefined) && node.output.slice(1).every((name) => name === "");
    if (!k || !v || !isPlain || [q, k, v].some(({ rank, shape }) => rank !== 4 || shape[1] !== q.shape[1])) return undefined;
    const products = mul(matMul(q, transpose(k, [0, 1, 3, 2])), float(node, "scale", 1 / Math.sqrt(q.shape[3])));
    const masked = mask === undefined ? products : mask.dtype === "bool" ? where(mask, products, q.graph.scalar(-Infinity)) : add(products, mask);
    return matMul(softmax(masked, -1), v);
  },
  Ceil: (x) => neg(floor(neg(x))),
  /** What a division of integers, which goes towards zero, leaves; with the divisor's sign, unless it is asked for as C has it. */
  Mod: (x, { node, inputs: [, y] }) => {
    if (!y || x.dtype !== y.dtype || (x.dtype !== "int64" && x.dtype !== "int32")) return undefined;
    const left = sub(x, mul(div(x, y), y));
    const zero = x.graph.constant(tensorOfNumbers(x.dtype, [], [0]));
    return int(node, "fmod", 0) === 1 ? left : add(left, mul(cast(less(mul(left, y), zero), x.dtype), y));
  },
  /** What is not a number equals nothing. */
  IsNaN: (x) => x.graph.node("Not", [equal(x, x)], {})[0],
  Softsign: (x) => div(x, add(abs(x), 1)),
  Mish: (x) => mul(x, tanh(softplus(x))),
  HardSigmoid: (x, { node }) => clip(add(mul(x, float(node, "alpha", 0.2)), float(node, "beta", 0.5)), 0, 1),
  Elu: (x, { node }) => elu(x, float(node, "alpha", 1)),
  Selu: (x, { node }) => mul(elu(x, float(node, "alpha", 1.6732632423543772)), float(node, "gamma", 1.0507009873554805)),
  Celu: (x, { node }) => {
    const alpha = float(node, "alpha", 1);
    return mul(elu(mul(x, 1 / alpha), 1), alpha);
  },
  Flatten: (x, { node }) => {
    const axis = int(node, "axis", 1);
    const rows = sizeOf(x.shape.slice(0, axis < 0 ? axis + x.rank : axis));
    return reshape(x, [rows, x.size / rows]);
  },
  Sum: (_, { inputs }) => joined(inputs, add),
  Mean: (x, { inputs }) => mul(inputs.slice(1).reduce<Value>((a, b) => (b ? add(a, b) : a), x), 1 / inputs.length),
  /** What lies at places of a picture, between four of its pixels; beyond its border is nothing. */
  GridSample: (x, { node, inputs: [, grid] }) => {
    const isLinear = ["", "linear", "bilinear"].includes(text(node, "mode")) && ["", "zeros"].includes(text(node, "padding_mode"));
    return grid?.dtype === x.dtype && isLinear && x.rank === 4 && grid.rank === 4 ? sampled(x, grid, int(node, "align_corners", 0) === 1) : undefined;
  },
  GatherND: (x, { node, inputs: [, indices] }) => {
    const at = indices && int(node, "batch_dims", 0) === 0 ? indexed(x, indices) : undefined;
    return at && reshape(gather(reshape(x, [at.rows, at.block]), at.index, 0), [...at.places, ...x.shape.slice(at.depth)]);
  },
  ScatterND: (x, { node, inputs: [, indices, updates] }) => {
    const how = text(node, "reduction");
    const reduction = how === "add" ? "add" : "none";
    const at = indices && updates && ["", reduction].includes(how) ? indexed(x, indices) : undefined;
    if (!at || !updates || updates.size !== at.index.size * at.block) return undefined;
    const given = [at.index.size, at.block];
    const rows = expand(reshape(at.index, [at.index.size, 1]), given);
    return reshape(x.graph.node("ScatterElements", [reshape(x, [at.rows, at.block]), rows, reshape(updates, given)], { axis: 0, reduction })[0], x.shape);
  },
  /** With a vector in the place of a matrix. */
  MatMul: (x, { inputs: [, y] }) => {
    if (!y || x.rank < 1 || y.rank < 1 || (x.rank > 1 && y.rank > 1)) return undefined;
    const product = matMul(x.rank === 1 ? reshape(x, [1, x.size]) : x, y.rank === 1 ? reshape(y, [y.size, 1]) : y);
    return reshape(product, [...x.shape.slice(0, -1), ...(y.rank === 1 ? [] : [...y.shape.slice(0, -2), ...y.shape.slice(-1)])]);
  },
  /** Along one axis alone, as along the columns of a picture of one row. */
  Conv: (x, { node, inputs: [, kernel, bias] }) => {
    if (x.rank !== 3 || kernel?.rank !== 3 || !["", "NOTSET"].includes(text(node, "auto_pad"))) return undefined;
    const [[stride = 1], [before = 0, after = 0], [dilation = 1]] = [ints(node, "strides"), ints(node, "pads"), ints(node, "dilations")];
    const attributes = { strides: [1, stride], pads: [0, before, 0, after], dilations: [1, dilation], group: int(node, "group", 1) } as const;
    const inRow = (value: Value): Value => reshape(value, [value.shape[0], value.shape[1], 1, value.shape[2]]);
    const [y] = x.graph.node("Conv", [inRow(x), inRow(kernel), ...(bias ? [bias] : [])], attributes);
    return reshape(y, [y.shape[0], y.shape[1], y.shape[3]]);
  },
  /** A matrix product, the matrix saying what each place has before it. */
  CumSum: (x, { node, numbers, room }) => {
    const axis = numbers(1)?.[0];
    if (axis === undefined || x.dtype !== "float32") return undefined;
    const at = (axis + x.rank) % x.rank;
    const n = x.shape[at];
    if (!room.take(n * n)) return undefined;
    const [isExclusive, isReverse] = [int(node, "exclusive", 0) === 1, int(node, "reverse", 0) === 1];
    const counts = (from: number, to: number): boolean => (isReverse ? from > to : from < to) || (!isExclusive && from === to);
    const before = x.graph.constant(float32([n, n], Float32Array.from({ length: n * n }, (_, i) => Number(counts(Math.floor(i / n), i % n)))));
    const perm = x.shape.map((_, i) => (i === at ? x.rank - 1 : i === x.rank - 1 ? at : i));
    const isLast = at === x.rank - 1;
    const summed = matMul(isLast ? x : transpose(x, perm), before);
    return isLast ? summed : transpose(summed, perm);
  },
  GlobalMaxPool: (x) => reduceMax(x, spatial(x), true),
  ReduceL1: (x, parts) => reduced(x, parts, (axes, keepdims) => sum(abs(x), axes, keepdims)),
  ReduceL2: (x, parts) => reduced(x, parts, (axes, keepdims) => lengthOf(x, axes, keepdims)),
  ReduceLogSum: (x, parts) => reduced(x, parts, (axes, keepdims) => log(sum(x, axes, keepdims))),
  ReduceLogSumExp: (x, parts) =>
    reduced(x, parts, (axes, keepdims) => {
      const greatest = reduceMax(x, axes, true);
      const kept = add(log(sum(exp(sub(x, greatest)), axes, true)), greatest);
      return keepdims ? kept : reshape(kept, x.shape.filter((_, axis) => !axes.includes(axis)));
    }),
  LpNormalization: (x, { node }) => {
    const axis = (int(node, "axis", -1) + x.rank) % x.rank;
    const norm = int(node, "p", 2) === 1 ? sum(abs(x), [axis], true) : lengthOf(x, [axis], true);
    // What has no length stays as it is.
    return div(x, add(norm, indicator(lessOrEqual(norm, leastLength))));
  },
  Einsum: (x, { node, inputs: [, y] }) => einsum(text(node, "equation"), x, y),
  InstanceNormalization: (x, { node, inputs: [, scale, bias] }) =>
    scale && bias && perChannel(standardised(x, spatial(x), float(node, "epsilon", 1e-5)), scale, bias),
  GroupNormalization: (x, { node, inputs: [, scale, bias] }) => {
    const groups = int(node, "num_groups", 0);
    // Until opset 21 a scale was one a group.
    if (!scale || !bias || groups < 1 || scale.size !== x.shape[1]) return undefined;
    const [n, channels, ...rest] = x.shape;
    const grouped = reshape(x, [n, groups, (channels / groups) * sizeOf(rest)]);
    return perChannel(reshape(standardised(grouped, [2], float(node, "epsilon", 1e-5)), x.shape), scale, bias);
  },
  /** An average that leaves padding out of its count: that which is stated, or that of windows which reach beyond the end. */
  AveragePool: (x, { node, room }) => {
    const [kernel, strides, pads] = [ints(node, "kernel_shape"), ints(node, "strides"), ints(node, "pads")];
    if (x.rank !== 4 || kernel.length !== 2 || ints(node, "dilations").some((dilation) => dilation !== 1)) return undefined;
    const stated = Array.from({ length: 4 }, (_, at) => (isUnpadded(node) ? 0 : (pads[at] ?? 0)));
    const isCounted = int(node, "count_include_pad", 0) === 1;
    if (isCounted && text(node, "auto_pad").startsWith("SAME")) return undefined;
    const attributes = { kernel: [kernel[0], kernel[1]], strides: [strides[0] ?? 1, strides[1] ?? 1] } as const;
    const meant = meantPads(node, "AveragePool", x.shape, { ...attributes, pads: stated }) ?? stated;
    const [top, left, bottom, right] = meant.map((each, at) => each - (isCounted ? stated[at] : 0));
    if (top + left + bottom + right === 0) return undefined;
    const counted = isCounted ? pad(x, [0, 0, stated[0], stated[1], 0, 0, stated[2], stated[3]]) : x;
    const [, , height, width] = counted.shape;
    if (!room.take(height * width)) return undefined;
    const ones = x.graph.constant(float32([1, 1, height, width], new Float32Array(height * width).fill(1)));
    const average = (y: Value): Value => x.graph.node("AveragePool", [y], { ...attributes, pads: [top, left, bottom, right] })[0];
    return div(average(counted), average(ones));
  },
  /** By cubic interpolation, as embeddings of places are fitted to a picture: a matrix for each of the last two axes. */
  Resize: (x, { node, numbers, room }) => {
    const [scales = [], sizes] = [numbers(2), numbers(3)];
    const wanted = sizes ?? scales.map((scale, axis) => Math.floor(scale * x.shape[axis]));
    const [mode, alignment] = [text(node, "mode"), text(node, "coordinate_transformation_mode") || "half_pixel"];
    const isStretched = ["", "stretch"].includes(text(node, "keep_aspect_ratio_policy"));
    const isPlain = isStretched && int(node, "exclude_outside", 0) === 0 && int(node, "antialias", 0) === 0 && (sizes ?? scales.every((scale, axis) => Number.isInteger(scale * x.shape[axis])));
    if (mode !== "cubic" || !isPlain || wanted.length !== x.rank || wanted.slice(0, -2).some((n, axis) => n !== x.shape[axis])) return undefined;
    const matrix = (from: number, to: number): Value | undefined => {
      if (!room.take(to * from)) return undefined;
      const values = cubicMatrix(from, to, alignment, float(node, "cubic_coeff_a", -0.75));
      return values && x.graph.constant(float32([to, from], values));
    };
    const [rows, columns] = [matrix(x.shape[x.rank - 2], wanted[x.rank - 2]), matrix(x.shape[x.rank - 1], wanted[x.rank - 1])];
    return rows && columns && matMul(matMul(rows, x), transpose(columns, [1, 0]));
  },
  Pad: (x, { node, numbers, inputs }) => {
    const mode = text(node, "mode");
    const pads = numbers(1);
    return (mode === "reflect" || mode === "edge") && pads?.length === 2 * x.rank && !inputs[3] ? padded(x, pads, mode) : undefined;
  },
};

/** What can be read of those whose other forms are ours. */
export const foreignForms: Readonly<Record<string, string>> = {
  Pad: "Pad with constants, or with mode reflect or edge, of all axes, by pads from 0 that are less than what they mirror",
  Resize: "Resize with mode nearest or linear, or cubic along the last two axes, stretched to whole sizes, without antialias and exclude_outside",
};

/** Whether this form of an operator of ours has to be read as others. */
export function isForeignForm(node: NodeProto): boolean {
  if (node.opType === "Pad") return !["", "constant"].includes(text(node, "mode"));
  if (node.opType === "Resize") return text(node, "mode") === "cubic";
  if (node.opType === "Max" || node.opType === "Min") return node.input.length !== 2;
  return true;
}

/** The matrix [to, from] of a cubic Resize along one axis, the border being repeated. Undefined for places that are found in another way. */
function cubicMatrix(from: number, to: number, alignment: string, a: number): Float32Array | undefined {
  const isAligned = alignment === "align_corners";
  if (!isAligned && !["half_pixel", "pytorch_half_pixel", "asymmetric"].includes(alignment) || (alignment === "pytorch_half_pixel" && to === 1)) return undefined;
  const matrix = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const place = isAligned ? (to > 1 ? (i * (from - 1)) / (to - 1) : 0) : alignment === "asymmetric" ? (i * from) / to : ((i + 0.5) * from) / to - 0.5;
    for (let j = Math.floor(place) - 1; j <= Math.floor(place) + 2; j++) {
      const d = Math.abs(place - j);
      const weight = d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
      matrix[i * from + Math.min(from - 1, Math.max(0, j))] += weight;
    }
  }
  return matrix;
}

/** Sums are exact in float32 up to this. */
const mostRows = 2 ** 24;

/**
 * What indices [..., k] of the first k axes mean in a tensor whose first k axes are one: which row each is. Undefined for a tensor of too many.
 */
function indexed(x: Value, indices: Value): { index: Value; rows: number; block: number; depth: number; places: Shape } | undefined {
  const places = indices.shape.slice(0, -1);
  const depth = indices.shape[indices.rank - 1] ?? 0;
  const [rows, block] = [sizeOf(x.shape.slice(0, depth)), sizeOf(x.shape.slice(depth))];
  if (depth < 1 || depth > x.rank || rows > mostRows) return undefined;
  const steps = Array.from({ length: depth }, (_, axis) => {
    const at = cast(slice(indices, indices.rank - 1, axis, axis + 1), "float32");
    // Negative ones count from the end.
    const inside = add(at, mul(indicator(less(at, 0)), x.shape[axis]));
    return mul(inside, sizeOf(x.shape.slice(axis + 1, depth)));
  });
  return { index: cast(reshape(steps.reduce((a, b) => add(a, b)), places), "int64"), rows, block, depth, places };
}

/** [N, C, H, W] at [N, h, w, 2], -1 to 1 across and down, to [N, C, h, w]. */
function sampled(x: Value, grid: Value, cornersAligned: boolean): Value {
  const [n, c, height, width] = x.shape;
  const [, h, w] = grid.shape;
  const places = h * w;
  const along = (axis: 0 | 1, extent: number) => {
    const at = reshape(slice(grid, 3, axis, axis + 1), [n, 1, places]);
    const place = cornersAligned ? mul(add(at, 1), (extent - 1) / 2) : sub(mul(add(at, 1), extent / 2), 0.5);
    const low = floor(place);
    const share = sub(place, low);
    // Both neighbours: where they are, kept inside, and how much they count, nothing outside.
    return [0, 1].map((step) => {
      const index = add(low, step);
      const inside = clip(index, 0, extent - 1);
      return { index: inside, weight: mul(step === 1 ? share : sub(1, share), cast(equal(index, inside), "float32")) };
    });
  };
  const flat = reshape(x, [n, c, height * width]);
  const parts = along(1, height).flatMap((row) =>
    along(0, width).map((column) => {
      const index = cast(add(mul(row.index, width), column.index), "int64");
      return mul(gatherElements(flat, expand(index, [n, c, places]), 2), mul(row.weight, column.weight));
    }),
  );
  return reshape(parts.reduce((a, b) => add(a, b)), [n, c, h, w]);
}

/** Einsum of one operand that is permuted or summed, or of two, as a matrix product. Undefined for repeated letters within one, for dots, and for more operands. */
function einsum(equation: string, x: Value, y: Value | undefined): Value | undefined {
  const [left = "", out] = equation.replaceAll(" ", "").split("->");
  const [a = "", b, ...more] = left.split(",");
  const isPlain = (letters: string): boolean => /^[A-Za-z]*$/.test(letters) && new Set(letters).size === letters.length;
  if (out === undefined || more.length > 0 || ![a, b ?? "", out].every(isPlain) || a.length !== x.rank || (b === undefined) !== (y === undefined)) return undefined;
  const within = (letters: string, in_: string): string[] => [...letters].filter((letter) => in_.includes(letter));
  const without = (letters: string, ...others: string[]): string[] => [...letters].filter((letter) => !others.some((other) => other.includes(letter)));
  /** Sums what neither the result nor the other operand has. */
  const kept = (value: Value, letters: string, other: string): { value: Value; letters: string } => {
    const gone = without(letters, other, out);
    return gone.length === 0 ? { value, letters } : { value: sum(value, gone.map((letter) => letters.indexOf(letter))), letters: within(letters, other + out).join("") };
  };
  const ordered = (value: Value, from: string, to: readonly string[]): Value => {
    const perm = to.map((letter) => from.indexOf(letter));
    return perm.every((axis, at) => axis === at) ? value : transpose(value, perm);
  };
  const first = kept(x, a, b ?? "");
  if (!y || b === undefined) return first.letters.length === out.length ? add(ordered(first.value, first.letters, [...out]), 0) : undefined;
  if (b.length !== y.rank) return undefined;
  const second = kept(y, b, a);
  const shared = within(first.letters, second.letters);
  const batch = shared.filter((letter) => out.includes(letter));
  const contracted = shared.filter((letter) => !out.includes(letter));
  const [rows, columns] = [without(first.letters, second.letters), without(second.letters, first.letters)];
  const extent = (letter: string): number => (first.letters.includes(letter) ? first.value.shape[first.letters.indexOf(letter)] : second.value.shape[second.letters.indexOf(letter)]);
  const size = (letters: readonly string[]): number => letters.reduce((product, letter) => product * extent(letter), 1);
  const matrices = (value: Value, from: string, order: readonly string[], m: readonly string[], n: readonly string[]): Value =>
    reshape(ordered(value, from, order), [size(batch), size(m), size(n)]);
  const product = matMul(
    matrices(first.value, first.letters, [...batch, ...rows, ...contracted], rows, contracted),
    matrices(second.value, second.letters, [...batch, ...contracted, ...columns], contracted, columns),
  );
  const made = [...batch, ...rows, ...columns];
  return made.length === out.length ? ordered(reshape(product, made.map(extent)), made.join(""), [...out]) : undefined;
}

const isFloat = ({ dtype }: Value): boolean => dtype === "float32" || dtype === "float16" || dtype === "float64";

/** Any number of inputs, two and two. */
const joined = (inputs: readonly (Value | undefined)[], join: (a: Value, b: Value) => Value): Value | undefined =>
  inputs.reduce<Value | undefined>((a, b) => (a && b ? join(a, b) : b), undefined);

/** Next to nothing, and its square still no denormal number of float32, which ONNX Runtime takes for 0. */
const leastLength = 1e-18;

/** Where there is no length the slope is 0, and not that of a square root, which would leave no number of any gradient. */
const lengthOf = (x: Value, axes: readonly number[], keepdims: boolean): Value => sqrt(max(sumSquare(x, axes, keepdims), leastLength ** 2));

const elu = (x: Value, alpha: number): Value => where(greater(x, 0), x, mul(sub(exp(min(x, 0)), 1), alpha));

const spatial = (x: Value): number[] => x.shape.map((_, axis) => axis).slice(2);

function standardised(x: Value, axes: readonly number[], epsilon: number): Value {
  const centred = sub(x, mean(x, axes, true));
  const count = axes.reduce((product, axis) => product * x.shape[axis], 1);
  return div(centred, sqrt(add(mul(sumSquare(centred, axes, true), 1 / count), epsilon)));
}

function perChannel(x: Value, scale: Value, bias: Value): Value {
  const shape = [x.shape[1], ...spatial(x).map(() => 1)];
  return add(mul(x, reshape(scale, shape)), reshape(bias, shape));
}

function reduced(x: Value, { node, numbers }: NodeParts, reduce: (axes: readonly number[], keepdims: boolean) => Value): Value | undefined {
  const stated = ints(node, "axes");
  const given = node.input[1] ? numbers(1) : stated.length > 0 ? stated : x.shape.map((_, axis) => axis);
  if (int(node, "noop_with_empty_axes", 0) === 1 && !node.input[1] && stated.length === 0) return undefined;
  return given && reduce(given.map((axis) => (axis < 0 ? axis + x.rank : axis)), int(node, "keepdims", 1) === 1);
}

/** Each row of a border is a node. */
const widestBorder = 1024;

/** Borders that repeat their edge, or mirror what lies inside of it: each row of a border is a slice. Undefined for negative pads, and those too wide to mirror. */
function padded(x: Value, pads: readonly number[], mode: "reflect" | "edge"): Value | undefined {
  let y = x;
  for (let axis = 0; axis < x.rank; axis++) {
    const [before, after] = [pads[axis], pads[axis + x.rank]];
    const extent = x.shape[axis];
    if (before < 0 || after < 0 || Math.max(before, after) > widestBorder || (mode === "reflect" && Math.max(before, after) >= extent)) return undefined;
    if (before === 0 && after === 0) continue;
    const inner = y;
    const row = (at: number): Value => slice(inner, axis, at, at + 1);
    const above = Array.from({ length: before }, (_, at) => row(mode === "edge" ? 0 : before - at));
    const below = Array.from({ length: after }, (_, at) => row(mode === "edge" ? extent - 1 : extent - 2 - at));
    y = concat([...above, inner, ...below], axis);
  }
  return y === x ? add(x, 0) : y;
}
