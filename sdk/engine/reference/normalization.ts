import { normalAxis } from "../../graph/shapes.js";
import { sizeOf } from "../../graph/tensor.js";
import { refuse, stridesOf, type NdArray } from "./array.js";
import { roundHalfToEven } from "./functions.js";
import type { Kernels } from "./kernel.js";

const map = (x: NdArray, f: (v: number, offset: number) => number): NdArray => ({ ...x, data: x.data.map((v, offset) => f(v, offset)) });

export const normalization = {
  BatchNormalization: ([x, scale, bias, mean, variance], { epsilon }) => {
    const step = stridesOf(x.shape)[1];
    return [
      map(x, (v, offset) => {
        const c = Math.floor(offset / step) % x.shape[1];
        return (scale.data[c] * (v - mean.data[c])) / Math.sqrt(variance.data[c] + epsilon) + bias.data[c];
      }),
    ];
  },
  LayerNormalization: ([x, scale, bias], { axis, epsilon }) => {
    const count = sizeOf(x.shape.slice(normalAxis(axis, x.shape.length)));
    const data = new Float64Array(x.data.length);
    for (let start = 0; start < data.length; start += count) {
      const part = x.data.subarray(start, start + count);
      const mean = part.reduce((a, v) => a + v, 0) / count;
      const variance = part.reduce((a, v) => a + (v - mean) ** 2, 0) / count;
      part.forEach((v, k) => {
        data[start + k] = ((v - mean) / Math.sqrt(variance + epsilon)) * scale.data[k] + (bias ? bias.data[k] : 0);
      });
    }
    return [{ ...x, data }];
  },
  QuantizeLinear: ([x, scale, zero], { axis }, [{ dtype }]) => {
    const slice = sliceOf(x, scale, axis);
    const [least, most] = dtype === "int8" ? [-128, 127] : [0, 255];
    const quantised = map(x, (v, offset) => {
      const k = slice(offset);
      return Math.min(most, Math.max(least, roundHalfToEven(v / scale.data[k]) + (zero ? zero.data[k] : 0)));
    });
    return [{ ...quantised, dtype }];
  },
  DequantizeLinear: ([x, scale, zero], { axis }, [{ dtype }]) => {
    const slice = sliceOf(x, scale, axis);
    const dequantized = map(x, (v, offset) => {
      const k = slice(offset);
      return (v - (zero ? zero.data[k] : 0)) * scale.data[k];
    });
    return [{ ...dequantized, dtype }];
  },
} satisfies Kernels;

/** Which of the scales belongs to the element at an offset. */
function sliceOf(x: NdArray, scale: NdArray, axis: number): (offset: number) => number {
  if (scale.shape.length > 1) refuse("a scale for the tensor or for each slice along an axis", `[${scale.shape.join(", ")}]`);
  if (scale.data.length === 1) return () => 0;
  const at = normalAxis(axis, x.shape.length);
  const step = stridesOf(x.shape)[at] ?? 1;
  return (offset) => Math.floor(offset / step) % x.shape[at];
}
