/**
 * Token mixing by a fixed bank of small filters, one a channel: the identity, a blur, first derivatives in four directions
 * and the second derivative. The 1x1 convolutions around it learn how to combine them. Nothing in the bank trains, so its
 * backward pass is one depthwise convolution and the costly depthwise weight gradient does not exist.
 */
import type { Value } from "../graph/graph.js";
import { conv } from "../graph/ops.js";

const bank: readonly (readonly number[])[] = [
  [0, 0, 0, 0, 1, 0, 0, 0, 0],
  [1, 2, 1, 2, 4, 2, 1, 2, 1].map((v) => v / 16),
  [-1, 0, 1, -2, 0, 2, -1, 0, 1].map((v) => v / 4),
  [-1, -2, -1, 0, 0, 0, 1, 2, 1].map((v) => v / 4),
  [1, 1, 1, 1, 1, 1, 1, 1, 1].map((v) => v / 9),
  [0, 1, 2, -1, 0, 1, -2, -1, 0].map((v) => v / 4),
  [2, 1, 0, 1, 0, -1, 0, -1, -2].map((v) => v / 4),
  [-1, -1, -1, -1, 8, -1, -1, -1, -1].map((v) => v / 8),
];

/** `x` [N, C, H, W] to the same shape; channel c passes filter c mod 8, its taps `dilation` pixels apart. */
export function filterBank(x: Value, dilation: number): Value {
  const channels = x.shape[1];
  const data = new Float32Array(channels * 9);
  for (let c = 0; c < channels; c++) data.set(bank[c % bank.length], c * 9);
  const kernels = x.graph.constant({ dtype: "float32", shape: [channels, 1, 3, 3], data });
  return conv(x, kernels, undefined, { padding: dilation, dilation, group: channels });
}
