/** Inputs of test cases: seeded, asymmetric, and away from kinks and ties. */
import type { Shape, Tensor } from "../../sdk/graph/tensor.js";
import { sizeOf } from "../../sdk/graph/tensor.js";

/** Mulberry32: numbers in [0, 1), the same for a seed on every machine. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Float64 numbers that all differ, about -1.5 to 1.5 and none near 0; another seed gives a grid that shares no number with
 * the first, so that comparing two inputs finds no ties.
 */
export function distinct(shape: Shape, seed = 1, scale = 3): Tensor<"float64"> {
  const n = sizeOf(shape);
  const next = random(seed);
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  const shift = 0.5 + 0.07 * seed;
  return { dtype: "float64", shape, data: Float64Array.from(order, (k) => ((k + shift) / n - 0.5) * scale + 0.001 * seed) };
}

/** Numbers from 0.4 to 2.4. */
export function positive(shape: Shape, seed = 1): Tensor<"float64"> {
  const next = random(seed);
  return { dtype: "float64", shape, data: Float64Array.from({ length: sizeOf(shape) }, () => 0.4 + 2 * next()) };
}

export const floats = (shape: Shape, values: readonly number[]): Tensor<"float64"> => ({ dtype: "float64", shape, data: Float64Array.from(values) });
export const bools = (shape: Shape, values: readonly number[]): Tensor<"bool"> => ({ dtype: "bool", shape, data: Uint8Array.from(values) });
export const int32s = (shape: Shape, values: readonly number[]): Tensor<"int32"> => ({ dtype: "int32", shape, data: Int32Array.from(values) });
export const int8s = (shape: Shape, values: readonly number[]): Tensor<"int8"> => ({ dtype: "int8", shape, data: Int8Array.from(values) });
export const uint8s = (shape: Shape, values: readonly number[]): Tensor<"uint8"> => ({ dtype: "uint8", shape, data: Uint8Array.from(values) });
export const int64s = (shape: Shape, values: readonly number[]): Tensor<"int64"> => ({ dtype: "int64", shape, data: BigInt64Array.from(values, BigInt) });
