import type { Attributes } from "../../graph/attributes.js";
import { nearestPlace } from "../../graph/shapes.js";
import { sizeOf } from "../../graph/tensor.js";
import { aroundAxis, isFloat, type NdArray } from "./array.js";
import type { Kernels } from "./kernel.js";

interface Tap {
  readonly from: number;
  readonly weight: number;
}

/** What one output element along an axis is made of. */
function taps(to: number, from: number, at: number, { mode, alignment, antialias }: Attributes["Resize"]): readonly Tap[] {
  // asymmetric, floor
  if (mode === "nearest") return [{ from: nearestPlace(at, from, to), weight: 1 }];
  const centre = { half_pixel: ((at + 0.5) * from) / to - 0.5, asymmetric: (at * from) / to, align_corners: to > 1 ? (at * (from - 1)) / (to - 1) : 0 }[alignment];
  if (antialias && to < from) {
    // A triangle as wide as the reduction. Beyond the border the outermost element is repeated.
    const reach = from / to;
    const all: Tap[] = [];
    for (let k = Math.ceil(centre - reach); k <= centre + reach; k++)
      all.push({ from: Math.min(from - 1, Math.max(0, k)), weight: 1 - Math.abs(k - centre) / reach });
    const sum = all.reduce((so, { weight }) => so + weight, 0);
    return all.map((tap) => ({ ...tap, weight: tap.weight / sum }));
  }
  const clamped = Math.min(from - 1, Math.max(0, centre));
  const low = Math.min(Math.floor(clamped), from - 1);
  const high = Math.min(low + 1, from - 1);
  return [
    { from: low, weight: 1 - (clamped - low) },
    { from: high, weight: clamped - low },
  ];
}

/** Resizes one axis; resizing all axes in turn is resizing the whole, for the weights are products. */
function resizeAxis(x: NdArray, axis: number, to: number, attributes: Attributes["Resize"]): NdArray {
  const { outer, extent, inner } = aroundAxis(x.shape, axis);
  if (extent === to) return x;
  const shape = x.shape.map((n, i) => (i === axis ? to : n));
  const data = new Float64Array(sizeOf(shape));
  for (let k = 0; k < to; k++)
    for (const { from, weight } of taps(to, extent, k, attributes))
      for (let o = 0; o < outer; o++)
        for (let i = 0; i < inner; i++) data[(o * to + k) * inner + i] += weight * x.data[(o * extent + from) * inner + i];
  return { ...x, shape, data };
}

export const resizing = {
  // Integers are rounded once, at the end; other engines may round after each axis, or down.
  Resize: ([x], attributes) => {
    const resized = attributes.sizes.reduce((so, to, axis) => resizeAxis(so, axis, to, attributes), x);
    return [isFloat(x.dtype) ? resized : { ...resized, data: resized.data.map(Math.round) }];
  },
} satisfies Kernels;
