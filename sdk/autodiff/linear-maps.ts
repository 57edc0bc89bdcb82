/** Adjoints of the operators that only move or mix numbers linearly. */
import type { Attributes } from "../graph/attributes.js";
import type { Value } from "../graph/graph.js";
import { matMul, pad, reshape, slice, transpose } from "../graph/ops.js";
import { nearestPlace, normalAxis, sliceRange } from "../graph/shapes.js";
import type { Shape } from "../graph/tensor.js";

export const zeros = (like: Value, shape: Shape): Value =>
  like.graph.node("Expand", [like.graph.scalar(0)], { shape })[0];

/** Puts the gradient of a slice back where the slice was taken, zeros elsewhere. */
export function unslice(dy: Value, shape: Shape, { starts, ends, axes, steps }: Attributes["Slice"]): Value {
  let result = dy;
  axes.forEach((axis, i) => {
    const at = normalAxis(axis, shape.length);
    const { start, count } = sliceRange(shape[at], starts[i], ends[i], steps[i]);
    const step = Math.abs(steps[i]);
    const lowest = steps[i] > 0 ? start : start + (count - 1) * steps[i];
    if (steps[i] < 0 && count > 1) result = slice(result, at, -1, -count - 1, -1);
    if (step > 1 && count > 1) {
      const apart = [...result.shape.slice(0, at + 1), 1, ...result.shape.slice(at + 1)];
      const after = apart.map((_, j) => (j === at + 1 ? step - 1 : 0));
      const spread = pad(reshape(result, apart), [...apart.map(() => 0), ...after]);
      const joined = result.shape.map((n, j) => (j === at ? n * step : n));
      result = slice(reshape(spread, joined), at, 0, (count - 1) * step + 1);
    }
    const before = result.shape.map((_, j) => (j === at ? lowest : 0));
    const behind = result.shape.map((n, j) => (j === at ? shape[at] - lowest - n : 0));
    result = pad(result, [...before, ...behind]);
  });
  return result;
}

/** The matrix [to, from] of a one-dimensional Resize, as ONNX defines it. */
export function resizeMatrix(from: number, to: number, { mode, alignment, antialias }: Omit<Attributes["Resize"], "sizes">): Float32Array {
  const matrix = new Float32Array(to * from);
  const scale = to / from;
  for (let i = 0; i < to; i++) {
    if (mode === "nearest") {
      matrix[i * from + nearestPlace(i, from, to)] = 1;
      continue;
    }
    const centre = alignment === "half_pixel" ? (i + 0.5) / scale - 0.5 : alignment === "asymmetric" ? i / scale : to > 1 ? (i * (from - 1)) / (to - 1) : 0;
    const reach = antialias && scale < 1 ? 1 / scale : 1;
    const weights = new Map<number, number>();
    for (let j = Math.ceil(centre - reach); j <= Math.floor(centre + reach); j++) {
      const weight = Math.max(0, 1 - Math.abs(j - centre) / reach);
      // Beyond the border its outermost element is repeated.
      const inside = Math.min(from - 1, Math.max(0, j));
      weights.set(inside, (weights.get(inside) ?? 0) + weight);
    }
    let sum = 0;
    for (const weight of weights.values()) sum += weight;
    for (const [j, weight] of weights) matrix[i * from + j] = weight / sum;
  }
  return matrix;
}

/** dX = R_H^T dY R_W for the matrices of the two resized axes, which must be the last two. */
export function unresize(x: Value, dy: Value, { sizes, ...form }: Attributes["Resize"]): Value {
  const { graph } = x;
  const [h, w] = x.shape.slice(-2);
  const [ho, wo] = sizes.slice(-2);
  let result = dy;
  if (wo !== w)
    result = matMul(result, graph.constant({ dtype: "float32", shape: [wo, w], data: resizeMatrix(w, wo, form) }));
  if (ho !== h) {
    const rows = graph.constant({ dtype: "float32", shape: [ho, h], data: resizeMatrix(h, ho, form) });
    result = matMul(transpose(rows, [1, 0]), result);
  }
  return result;
}
