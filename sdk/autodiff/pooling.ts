import type { PoolAttributes } from "../graph/attributes.js";
import type { Value } from "../graph/graph.js";
import { add, div, equal, indicator, mul, pad, resize, slice } from "../graph/ops.js";
import { unslice } from "./linear-maps.js";

/** Each pixel of a window of k pixels gets g / k. A centred window at stride 1 is its own adjoint. */
export function averagePoolGradient(x: Value, dy: Value, attributes: PoolAttributes): Value {
  const { kernel, strides, pads } = attributes;
  const centred = [0, 1, 2, 3].every((i) => 2 * pads[i] === kernel[i % 2] - 1);
  if (strides.every((s) => s === 1) && centred) return x.graph.node("AveragePool", [dy], attributes)[0];
  const [, c, h, w] = x.shape;
  const tiling = kernel.every((k, i) => k === strides[i]) && pads.every((p) => p === 0) && h === dy.shape[2] * kernel[0] && w === dy.shape[3] * kernel[1];
  const share = 1 / (kernel[0] * kernel[1]);
  if (tiling) return mul(resize(dy, x.shape, "nearest"), share);
  const ones = x.graph.constant({ dtype: "float32", shape: [c, 1, ...kernel], data: new Float32Array(c * kernel[0] * kernel[1]).fill(share) });
  const missing = (i: 0 | 1): number => x.shape[2 + i] - (strides[i] * (dy.shape[2 + i] - 1) + kernel[i] - pads[i] - pads[i + 2]);
  return x.graph.node("ConvTranspose", [dy, ones], { strides, pads, dilations: [1, 1], group: c, outputPadding: [missing(0), missing(1)] })[0];
}

/** g goes to the pixel that was the largest of its window, tap by tap. Ties share it: a flat or saturated picture, and one that was enlarged, is full of them. */
export function maxPoolGradient(x: Value, y: Value, dy: Value, { kernel, strides, pads }: PoolAttributes): Value {
  const [, , ho, wo] = y.shape;
  const padded = pad(x, [0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]], -3.4e38);
  const taps = Array.from({ length: kernel[0] * kernel[1] }, (_, at) => {
    const [i, j] = [Math.floor(at / kernel[1]), at % kernel[1]];
    const range = { starts: [i, j], ends: [i + strides[0] * (ho - 1) + 1, j + strides[1] * (wo - 1) + 1], axes: [2, 3], steps: [...strides] };
    return { range, hit: indicator(equal(x.graph.node("Slice", [padded], range)[0], y)) };
  });
  const share = div(dy, taps.map(({ hit }) => hit).reduce((a, b) => add(a, b)));
  const whole = taps.map(({ range, hit }) => unslice(mul(share, hit), padded.shape, range)).reduce((a, b) => add(a, b));
  return slice(slice(whole, 2, pads[0], pads[0] + x.shape[2]), 3, pads[1], pads[1] + x.shape[3]);
}
