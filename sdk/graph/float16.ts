/**
 * IEEE 754 binary16 numbers as raw bits, for weights on disk. Whole arrays are converted at a time, by integer arithmetic on the
 * bits of their float32 forms, because a bundle holds millions of them.
 */
import type { FloatTensor, Tensor } from "./tensor.js";

const infinity16 = 0x7c00;
const quietNan16 = 0x7e00;

/** Bits of the nearest binary16 number for each value, ties to even; beyond the largest (65504) infinity, NaN stays NaN. */
export function toFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const shifted = new Float32Array(1);
  const shiftedBits = new Uint32Array(shifted.buffer);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const sign = (bits[i] >>> 16) & 0x8000;
    const magnitude = bits[i] & 0x7fffffff;
    if (magnitude >= 0x47800000) {
      out[i] = sign | (magnitude > 0x7f800000 ? quietNan16 : infinity16);
    } else if (magnitude < 0x38800000) {
      // Below 2^-14 the result is a multiple of 2^-24, the spacing of float32 from 0.5 on: adding 0.5 rounds exactly so.
      shifted[0] = Math.abs(values[i]) + 0.5;
      out[i] = sign | (shiftedBits[0] - 0x3f000000);
    } else {
      // A carry out of the mantissa raises the exponent, up to infinity, which is the right rounding.
      out[i] = sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
    }
  }
  return out;
}

/** The float32 values of binary16 bits; exact. */
export function fromFloat16(halves: Uint16Array): Float32Array {
  const out = new Float32Array(halves.length);
  const bits = new Uint32Array(out.buffer);
  for (let i = 0; i < out.length; i++) {
    const half = halves[i];
    const sign = (half & 0x8000) << 16;
    const magnitude = half & 0x7fff;
    if (magnitude >= infinity16) bits[i] = sign | 0x7f800000 | ((magnitude & 0x3ff) << 13);
    else if (magnitude >= 0x400) bits[i] = sign | ((magnitude << 13) + 0x38000000);
    else out[i] = (sign === 0 ? magnitude : -magnitude) * 2 ** -24;
  }
  return out;
}

/** A tensor in binary16, rounded to it. */
export const halfOf = ({ shape, data }: Tensor): Tensor<"float16"> => ({ dtype: "float16", shape, data: toFloat16(data as Float32Array) });

/** A tensor of binary16 in float32; exact. */
export const floatOf = ({ shape, data }: Tensor): FloatTensor => ({ dtype: "float32", shape, data: fromFloat16(data as Uint16Array) });
