import type { ReduceAttributes } from "../../graph/attributes.js";
import { normalAxis, reducedShape, type TensorType } from "../../graph/shapes.js";
import { sizeOf } from "../../graph/tensor.js";
import { aroundAxis, isFloat, stridesOf, type NdArray } from "./array.js";
import type { Kernels } from "./kernel.js";

interface Reduction {
  readonly start: number;
  readonly join: (so: number, x: number) => number;
  readonly finish?: (all: number, count: number) => number;
}

const reduce =
  ({ start, join, finish }: Reduction) =>
  ([x]: readonly NdArray[], { axes }: ReduceAttributes, [{ dtype, shape }]: readonly TensorType[]): NdArray[] => {
    const kept = reducedShape(x.shape, axes, true);
    const to = stridesOf(kept).map((step, i) => (kept[i] === 1 ? 0 : step));
    const from = stridesOf(x.shape);
    const data = new Float64Array(sizeOf(shape)).fill(start);
    x.data.forEach((v, offset) => {
      let at = 0;
      for (let i = 0; i < from.length; i++) at += to[i] * (Math.floor(offset / from[i]) % x.shape[i]);
      data[at] = join(data[at], v);
    });
    const count = x.data.length / data.length;
    return [{ dtype, shape, data: finish ? data.map((v) => finish(v, count)) : data }];
  };

/** Calls `each` with every line along an axis and puts what it answers in the line's place. */
function alongAxis(x: NdArray, axis: number, each: (line: Float64Array) => Float64Array): NdArray {
  const { outer, extent, inner } = aroundAxis(x.shape, normalAxis(axis, x.shape.length));
  const data = new Float64Array(x.data.length);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      const place = (k: number): number => (o * extent + k) * inner + i;
      const line = Float64Array.from({ length: extent }, (_, k) => x.data[place(k)]);
      each(line).forEach((v, k) => (data[place(k)] = v));
    }
  return { ...x, data };
}

/** log(sum of e^x), with the largest taken out so that nothing overflows. */
function logSumExp(line: Float64Array): number {
  const largest = line.reduce((a, b) => Math.max(a, b), -Infinity);
  return largest + Math.log(line.reduce((sum, v) => sum + Math.exp(v - largest), 0));
}

/** The place of the first element that no other beats. */
const selection =
  (beats: (a: number, b: number) => boolean) =>
  ([x]: readonly NdArray[], { axis }: { readonly axis: number }, [{ dtype, shape }]: readonly TensorType[]): NdArray[] => {
    const { outer, extent, inner } = aroundAxis(x.shape, normalAxis(axis, x.shape.length));
    const data = new Float64Array(outer * inner);
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < inner; i++) {
        let best = 0;
        for (let k = 1; k < extent; k++)
          if (beats(x.data[(o * extent + k) * inner + i], x.data[(o * extent + best) * inner + i])) best = k;
        data[o * inner + i] = best;
      }
    return [{ dtype, shape, data }];
  };

const mean = reduce({ start: 0, join: (so, x) => so + x, finish: (all, count) => all / count });

export const reduction = {
  ReduceSum: reduce({ start: 0, join: (so, x) => so + x }),
  ReduceMean: (inputs, attributes, types) =>
    mean(inputs, attributes, types).map((y) => (isFloat(y.dtype) ? y : { ...y, data: y.data.map(Math.trunc) })),
  ReduceMax: reduce({ start: -Infinity, join: Math.max }),
  ReduceMin: reduce({ start: Infinity, join: Math.min }),
  ReduceSumSquare: reduce({ start: 0, join: (so, x) => so + x * x }),
  ArgMax: selection((a, b) => a > b),
  ArgMin: selection((a, b) => a < b),
  Softmax: ([x], { axis }) => [
    alongAxis(x, axis, (line) => {
      const whole = logSumExp(line);
      return line.map((v) => Math.exp(v - whole));
    }),
  ],
  LogSoftmax: ([x], { axis }) => [
    alongAxis(x, axis, (line) => {
      const whole = logSumExp(line);
      return line.map((v) => v - whole);
    }),
  ],
} satisfies Kernels;
