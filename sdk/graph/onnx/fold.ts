import { type DType, int64, type Shape, sizeOf, type Tensor, tensorOfNumbers } from "../tensor.js";
import { broadcast } from "../shapes.js";
import { int, ints, text } from "./node-attributes.js";
import type { NodeProto } from "./onnx_pb.js";
import type { Room } from "./room.js";
import { numbersOf, tensorOf } from "./tensor.js";
import { dtypeOf } from "./types.js";

/** Constants of a file that are larger are data, and stay in the graph. */
const mostElements = 4096;

/** What comes from shapes alone may be larger, while there is room: the places and the masks of shifted windows. */
const mostOfShapes = 2 ** 22;

/** Axes of what is folded. */
const mostAxes = 64;

/** The scales of a Resize are put together from two and two. */
const mostScales = 4;

/** Whose further inputs say where to, and are integers whatever is moved. */
const moving: ReadonlySet<string> = new Set(["Unsqueeze", "Squeeze", "Reshape", "Slice", "Gather", "Expand"]);

/** What a node is given: a tensor where it is constant, and its shape, which is always known. */
export interface FoldInput {
  readonly constant?: Tensor;
  /** Whether it was folded from shapes. */
  readonly isOfShapes?: boolean;
  readonly shape: Shape;
}

/**
 * The value of a node that computes with shapes, as exporters write them (Shape, Gather, Concat, Cast, arithmetic ...), all shapes being static here.
 * Undefined where the node is another, its inputs are not constant, or they or it are not small.
 */
export function folded(node: NodeProto, inputs: readonly (FoldInput | undefined)[], room: Room): Tensor | undefined {
  const tensor = computed(node, inputs, Math.max(mostElements, Math.min(mostOfShapes, room.left)));
  // A file may state axes that are not there, and extents that are none.
  const isShaped = tensor && tensor.shape.length <= mostAxes && tensor.data.length === sizeOf(tensor.shape) && tensor.shape.every((extent) => Number.isInteger(extent) && extent >= 0);
  if (!isShaped) return undefined;
  if (!inputs.some((input) => input?.constant?.data === tensor.data)) room.take(tensor.data.length);
  return tensor;
}

/** `most`: elements of what comes from shapes. */
function computed(node: NodeProto, inputs: readonly (FoldInput | undefined)[], most: number): Tensor | undefined {
  const [first] = inputs;
  if (!first) return undefined;
  if (node.opType === "Shape") {
    const [start, end] = [int(node, "start", 0), int(node, "end", first.shape.length)];
    const extents = first.shape.slice(start, end);
    return int64([extents.length], extents);
  }
  if (node.opType === "Size") return Number.isSafeInteger(sizeOf(first.shape)) ? int64([], [sizeOf(first.shape)]) : undefined;
  const constants = inputs.map((input) => input?.constant);
  // Floats are data, unless they come from a shape or are single numbers or joined scales, as exporters write known extents: those of an own graph must come back as they were written.
  const data = moving.has(node.opType) ? [first] : inputs;
  const isSmall = inputs.every((input) => !input?.constant || input.shape.length === 0 || (node.opType === "Concat" && sizeOf(input.shape) <= mostScales));
  if (!data.some((input) => input?.constant && (input.isOfShapes || isInteger(input.constant.dtype) || isSmall))) return undefined;
  // A tensor of nothing may state extents without end.
  const isBeyond = (tensor: Tensor | undefined, at: number): boolean =>
    !tensor || tensor.data.length > (inputs[at]?.isOfShapes ? most : mostElements) || tensor.shape.some((extent) => extent > mostElements);
  if (constants.some((tensor, at) => inputs[at] !== undefined && isBeyond(tensor, at))) return undefined;
  const fold = Object.hasOwn(folds, node.opType) ? folds[node.opType] : undefined;
  const [source, ...others] = constants;
  return source && fold?.(node, [source, ...others], most);
}

/** Whatever may become larger than its inputs is undefined where it would have more than `most` elements. */
type Fold = (node: NodeProto, inputs: readonly [Tensor, ...(Tensor | undefined)[]], most: number) => Tensor | undefined;

const folds: Readonly<Record<string, Fold>> = {
  Cast: (node, [x]) => made(dtypeOf(int(node, "to", 1)), x.shape, numbersOf(x)),
  Unsqueeze: (node, [x, axes]) => {
    const wanted = axes ? numbersOf(axes) : ints(node, "axes");
    const rank = x.shape.length + wanted.length;
    const places = new Set(wanted.map((axis) => (axis < 0 ? axis + rank : axis)));
    const rest = [...x.shape];
    return { ...x, shape: Array.from({ length: rank }, (_unused, axis) => (places.has(axis) ? 1 : (rest.shift() ?? 1))) };
  },
  Squeeze: (node, [x, axes]) => {
    const wanted = (axes ? numbersOf(axes) : ints(node, "axes")).map((axis) => (axis < 0 ? axis + x.shape.length : axis));
    return { ...x, shape: x.shape.filter((n, axis) => (wanted.length > 0 ? !wanted.includes(axis) : n !== 1)) };
  },
  Reshape: (node, [x, shape]) => {
    const resolved = reshaped(node, x.shape, shape ? numbersOf(shape) : []);
    return sizeOf(resolved) === x.data.length ? { ...x, shape: resolved } : undefined;
  },
  Concat: (node, inputs, most) => {
    const [{ dtype, shape }] = inputs;
    const given = inputs.filter((x) => x !== undefined);
    const axis = (int(node, "axis", 0) + shape.length) % shape.length;
    const isSame = (other: Shape): boolean => other.length === shape.length && other.every((n, at) => at === axis || n === shape[at]);
    if (!given.every((x) => isSame(x.shape))) return undefined;
    const joined = shape.map((n, at) => (at === axis ? given.reduce((sum, x) => sum + x.shape[axis], 0) : n));
    // What holds nothing may state rows without end.
    if (sizeOf(joined) === 0) return made(dtype, joined, []);
    if (!isCount(sizeOf(joined), most)) return undefined;
    const parts = given.map((x) => ({ shape: x.shape, numbers: numbersOf(x) }));
    const all = Array.from({ length: sizeOf(shape.slice(0, axis)) }, (_unused, row) =>
      parts.flatMap((part) => {
        const length = sizeOf(part.shape.slice(axis));
        return part.numbers.slice(row * length, (row + 1) * length);
      }),
    );
    return made(dtype, joined, all.flat());
  },
  Gather: (node, [x, indices]) => {
    if (x.shape.length !== 1 || !indices || int(node, "axis", 0) !== 0) return undefined;
    const from = numbersOf(x);
    const places = numbersOf(indices).map((at) => (at < 0 ? at + from.length : at));
    return places.every((at) => at >= 0 && at < from.length) ? made(x.dtype, indices.shape, places.map((at) => from[at] ?? NaN)) : undefined;
  },
  Slice: (_, [x, starts, ends, axes, steps]) => {
    if (!starts || !ends) return undefined;
    const [from, to] = [numbersOf(starts), numbersOf(ends)];
    const along = (axes ? numbersOf(axes) : from.map((_unused, at) => at)).map((axis) => (axis < 0 ? axis + x.shape.length : axis));
    const by = steps ? numbersOf(steps) : from.map(() => 1);
    const kept = x.shape.map((extent, axis) => {
      const at = along.indexOf(axis);
      return at < 0 ? Array.from({ length: extent }, (_unused, index) => index) : sliced(extent, from[at] ?? 0, to[at] ?? extent, by[at] ?? 1);
    });
    return by.includes(0) ? undefined : picked(x, kept.map(({ length }) => length), (index) => index.map((at, axis) => kept[axis]?.[at] ?? 0));
  },
  Expand: (_, [x, shape], most) => {
    const wanted = shape && broadcast(x.shape, numbersOf(shape));
    return wanted && isCount(sizeOf(wanted), most) ? made(x.dtype, wanted, spread(x, wanted)) : undefined;
  },
  ScatterND: (node, [x, indices, updates]) => {
    if (!indices || !updates || !["", "none"].includes(text(node, "reduction"))) return undefined;
    const depth = indices.shape[indices.shape.length - 1] ?? 0;
    const block = sizeOf(x.shape.slice(depth));
    const [all, at, news] = [numbersOf(x), numbersOf(indices), numbersOf(updates)];
    const isInside = at.every((i, place) => i >= -x.shape[place % depth] && i < x.shape[place % depth]);
    if (!isInside || news.length !== (at.length / depth) * block) return undefined;
    for (let from = 0; from < news.length; from += block) {
      const index = at.slice((from / block) * depth, (from / block + 1) * depth);
      const place = index.reduce((offset, i, axis) => offset * x.shape[axis] + (i < 0 ? i + x.shape[axis] : i), 0);
      for (let i = 0; i < block; i++) all[place * block + i] = news[from + i];
    }
    return made(x.dtype, x.shape, all);
  },
  Transpose: (node, [x]) => {
    const given = ints(node, "perm");
    const perm = given.length > 0 ? given : x.shape.map((_unused, axis) => axis).reverse();
    if (perm.length !== x.shape.length || x.shape.some((_unused, axis) => !perm.includes(axis))) return undefined;
    return picked(x, perm.map((axis) => x.shape[axis]), (index) => x.shape.map((_unused, axis) => index[perm.indexOf(axis)] ?? 0));
  },
  ConstantOfShape: (node, [shape], most) => {
    const value = node.attribute.find((a) => a.name === "value")?.t;
    const wanted = numbersOf(shape);
    if (!isCount(sizeOf(wanted), most)) return undefined;
    const tensor: Tensor = value ? tensorOf(value) : { dtype: "float32", shape: [1], data: Float32Array.of(0) };
    return made(tensor.dtype, wanted, new Array<number>(sizeOf(wanted)).fill(numbersOf(tensor)[0] ?? 0));
  },
  Range: (_, [start, limit, delta], most) => {
    const [from = 0, to = 0, step = 1] = [start, limit, delta].map((each) => (each ? numbersOf(each)[0] : undefined));
    const count = Math.max(0, Math.ceil((to - from) / step));
    return !isCount(count, most) ? undefined : made(start.dtype, [count], Array.from({ length: count }, (_unused, at) => from + at * step));
  },
  ReduceProd: (node, [x]) => (x.shape.length === 1 && int(node, "noop_with_empty_axes", 0) === 0 ? made(x.dtype, int(node, "keepdims", 1) === 1 ? [1] : [], [numbersOf(x).reduce((a, b) => a * b, 1)]) : undefined),
  Neg: (_, [x]) => made(x.dtype, x.shape, numbersOf(x).map((a) => -a)),
  Floor: (_, [x]) => made(x.dtype, x.shape, numbersOf(x).map(Math.floor)),
  Ceil: (_, [x]) => made(x.dtype, x.shape, numbersOf(x).map(Math.ceil)),
  Sqrt: (_, [x]) => made(x.dtype, x.shape, numbersOf(x).map(Math.sqrt)),
  Add: elementwise((a, b) => a + b),
  Sub: elementwise((a, b) => a - b),
  Mul: elementwise((a, b) => a * b),
  // Integers are divided towards zero.
  Div: elementwise((a, b, dtype) => (isInteger(dtype) ? Math.trunc(a / b) : a / b)),
  Pow: elementwise((a, b) => a ** b),
  // The rest has the divisor's sign, unless it is asked for as C has it.
  Mod: (node, inputs, most) => elementwise((a, b) => (int(node, "fmod", 0) === 1 ? a % b : a - b * Math.floor(a / b)))(node, inputs, most),
  Min: ofAll(elementwise((a, b) => Math.min(a, b))),
  Max: ofAll(elementwise((a, b) => Math.max(a, b))),
  Not: (_, [x]) => made("bool", x.shape, numbersOf(x).map((a) => Number(a === 0))),
  Equal: elementwise((a, b) => Number(a === b), "bool"),
  Greater: elementwise((a, b) => Number(a > b), "bool"),
  Less: elementwise((a, b) => Number(a < b), "bool"),
  Where: (_, [condition, a, b], most) => {
    if (!a || !b) return undefined;
    const branches = broadcast(a.shape, b.shape);
    const shape = branches && broadcast(condition.shape, branches);
    if (!shape || !isCount(sizeOf(shape), most)) return undefined;
    const [chosen, x, y] = [spread(condition, shape), spread(a, shape), spread(b, shape)];
    return made(a.dtype, shape, chosen.map((is, at) => (is ? x[at] : y[at])));
  },
};

/** Whether a node of this operator may be folded away. */
export const isFoldable = (operator: string): boolean => operator === "Shape" || operator === "Size" || Object.hasOwn(folds, operator);

/** What a Reshape asks for: 0 keeps the extent at its place, unless it is to mean nothing, -1 takes what is left. */
export function reshaped(node: NodeProto, source: Shape, wanted: readonly number[]): Shape {
  const kept = int(node, "allowzero", 0) === 1 ? wanted : wanted.map((n, axis) => (n === 0 ? source[axis] : n));
  const known = kept.reduce((a, n) => (n === -1 ? a : a * n), 1);
  return kept.map((n) => (n === -1 ? sizeOf(source) / known : n));
}

/** The indices that a slice keeps, as ONNX clamps them. */
function sliced(extent: number, start: number, end: number, step: number): number[] {
  const clamped = (at: number, low: number, high: number): number => Math.min(high, Math.max(low, at < 0 ? at + extent : at));
  const kept: number[] = [];
  if (step > 0) for (let at = clamped(start, 0, extent); at < clamped(end, 0, extent); at += step) kept.push(at);
  else if (step < 0) for (let at = clamped(start, 0, extent - 1); at > clamped(end, -1, extent - 1); at += step) kept.push(at);
  return kept;
}

/** A tensor of another shape, each element of which is one of x. */
function picked(x: Tensor, shape: Shape, sourceOf: (index: readonly number[]) => readonly number[]): Tensor | undefined {
  const numbers = numbersOf(x);
  const offsetOf = (index: readonly number[]): number => index.reduce((offset, at, axis) => offset * x.shape[axis] + at, 0);
  const indexOf = (offset: number): number[] => {
    const index = new Array<number>(shape.length);
    for (let axis = shape.length - 1, rest = offset; axis >= 0; axis--) {
      index[axis] = rest % shape[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    return index;
  };
  return made(x.dtype, shape, Array.from({ length: sizeOf(shape) }, (_, offset) => numbers[offsetOf(sourceOf(indexOf(offset)))] ?? NaN));
}

function elementwise(compute: (a: number, b: number, dtype: DType) => number, answer?: DType): Fold {
  return (_, [a, b], most) => {
    if (!b) return undefined;
    const shape = broadcast(a.shape, b.shape);
    if (!shape || !isCount(sizeOf(shape), most)) return undefined;
    const [x, y] = [spread(a, shape), spread(b, shape)];
    return made(answer ?? a.dtype, shape, x.map((value, at) => compute(value, y[at], a.dtype)));
  };
}

/** Any number of inputs, two and two. */
function ofAll(fold: Fold): Fold {
  return (node, [first, ...others], most) => others.reduce<Tensor | undefined>((all, each) => all && fold(node, [all, each], most), first);
}

/** A tensor's numbers, repeated along the axes that it lacks or has once. */
function spread(tensor: Tensor, shape: Shape): readonly number[] {
  const numbers = numbersOf(tensor);
  if (numbers.length === sizeOf(shape)) return numbers;
  if (numbers.length === 1) return new Array<number>(sizeOf(shape)).fill(numbers[0]);
  let repeated: readonly number[] = numbers;
  const own = [...new Array<number>(shape.length - tensor.shape.length).fill(1), ...tensor.shape];
  // From the last axis on, so that what is repeated lies together.
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (own[axis] === shape[axis]) continue;
    const [from, inner] = [repeated, sizeOf(shape.slice(axis + 1))];
    repeated = Array.from({ length: (from.length / inner) * shape[axis] * inner }, (_, at) => from[Math.floor(at / inner / shape[axis]) * inner + (at % inner)]);
  }
  return repeated;
}

const isCount = (n: number, most: number): boolean => Number.isInteger(n) && n >= 0 && n <= most;

const isInteger = (dtype: DType): boolean => dtype === "int64" || dtype === "int32" || dtype === "uint8" || dtype === "int8";

/** Undefined where integers are asked for and a value is none, as after a division by 0: the engine that runs the node says what it means. */
function made(dtype: DType, shape: Shape, values: readonly number[]): Tensor | undefined {
  if (isInteger(dtype) && !values.every(Number.isFinite)) return undefined;
  const exact = isInteger(dtype) ? values.map(Math.trunc) : dtype === "bool" ? values.map((value) => Number(value !== 0)) : values;
  return tensorOfNumbers(dtype, shape, exact);
}
