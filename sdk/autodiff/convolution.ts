/** Gradients of convolutions, written as the operators that run fastest: matrix products and convolutions. */
import type { ConvAttributes } from "../graph/attributes.js";
import type { Value } from "../graph/graph.js";
import { concat, matMul, pad, reshape, slice, sum, transpose, transposeLast } from "../graph/ops.js";

const spatialPads = (top: number, left: number, bottom: number, right: number): number[] => [0, 0, top, left, 0, 0, bottom, right];

/** W [M, C/g, kH, kW] with the roles of its channels exchanged, [C, M/g, kH, kW], and turned by half a turn. */
function adjointKernel(w: Value, group: number): Value {
  const [m, cg, kh, kw] = w.shape;
  let kernel = w;
  if (kh > 1) kernel = slice(kernel, 2, -1, -kh - 1, -1);
  if (kw > 1) kernel = slice(kernel, 3, -1, -kw - 1, -1);
  if (group === 1) return transpose(kernel, [1, 0, 2, 3]);
  const grouped = reshape(kernel, [group, m / group, cg, kh, kw]);
  return reshape(transpose(grouped, [0, 2, 1, 3, 4]), [group * cg, m / group, kh, kw]);
}

/** dX = W^T dY: a convolution with the adjoint kernel at stride 1, else a transposed convolution. */
export function convInputGradient(x: Value, w: Value, dy: Value, attributes: ConvAttributes): Value {
  const { strides, pads, dilations, group } = attributes;
  const reach = [dilations[0] * (w.shape[2] - 1), dilations[1] * (w.shape[3] - 1)];
  const flipped = pads.map((p, i) => reach[i % 2] - p) as [number, number, number, number];
  if (strides.every((s) => s === 1) && flipped.every((p) => p >= 0))
    return x.graph.node("Conv", [dy, adjointKernel(w, group)], { strides, pads: flipped, dilations, group })[0];
  const missing = (i: 0 | 1): number => x.shape[2 + i] - (strides[i] * (dy.shape[2 + i] - 1) + reach[i] + 1 - pads[i] - pads[i + 2]);
  return x.graph.node("ConvTranspose", [dy, w], { ...attributes, outputPadding: [missing(0), missing(1)] })[0];
}

/**
 * dW[m, c, i, j] = sum over n, p of dY[n, m, p] X[n, c, s p + d (i, j)], as one matrix product.
 * Never as a convolution with the operands exchanged, which is far slower.
 */
export function convWeightGradient(x: Value, kernel: readonly [number, number], dy: Value, attributes: ConvAttributes): Value {
  const { strides, pads, dilations, group } = attributes;
  const [kh, kw] = kernel;
  const [n, c] = x.shape;
  const [, m, ho, wo] = dy.shape;
  const unit = strides.every((s) => s === 1);
  if (kh === 1 && kw === 1 && unit && group === 1 && pads.every((p) => p === 0)) {
    const product = matMul(reshape(dy, [n, m, ho * wo]), transposeLast(reshape(x, [n, c, ho * wo])));
    return reshape(sum(product, [0]), [m, c, 1, 1]);
  }
  const padded = pad(x, spatialPads(pads[0], pads[1], pads[2], pads[3]));
  if (unit && group === 1) {
    // X shifted by column and dY shifted by row: their product holds all taps, with kH + kW copies instead of kH kW.
    const hp = ho + dilations[0] * (kh - 1);
    const fitting = slice(padded, 2, 0, hp);
    const columns = Array.from({ length: kw }, (_, j) => slice(fitting, 3, j * dilations[1], j * dilations[1] + wo));
    const rows = Array.from({ length: kh }, (_, i) => pad(dy, spatialPads(i * dilations[0], 0, (kh - 1 - i) * dilations[0], 0)));
    const product = matMul(reshape(concat(rows, 1), [n, kh * m, hp * wo]), transposeLast(reshape(concat(columns, 1), [n, kw * c, hp * wo])));
    return transpose(reshape(sum(product, [0]), [kh, m, kw, c]), [1, 3, 0, 2]);
  }
  const taps: Value[] = [];
  for (let i = 0; i < kh; i++)
    for (let j = 0; j < kw; j++) {
      const rows = slice(padded, 2, i * dilations[0], i * dilations[0] + strides[0] * (ho - 1) + 1, strides[0]);
      const tap = slice(rows, 3, j * dilations[1], j * dilations[1] + strides[1] * (wo - 1) + 1, strides[1]);
      taps.push(reshape(tap, [n, group, c / group, ho * wo]));
    }
  const product = matMul(reshape(dy, [n, group, m / group, ho * wo]), transposeLast(concat(taps, 2)));
  const byTap = reshape(sum(product, [0]), [m, kh * kw, c / group]);
  return reshape(transpose(byTap, [0, 2, 1]), [m, c / group, kh, kw]);
}
