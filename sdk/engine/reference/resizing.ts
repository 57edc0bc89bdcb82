import type { Attributes } from "../../graph/attributes.js";
import { sizeOf } from "../../graph/tensor.js";
import { aroundAxis, isFloat, refuse, type NdArray } from "./array.js";
import type { Kernels } from "./kernel.js";

interface Tap {
  readonly from: number;
  readonly weight: number;
}

/** What one output element along an axis is made of. */
function taps(to: number, from: number, at: number, { mode, antialias }: Attributes["Resize"]): readonly Tap[] {
  // asymmetric, floor
  if (mode === "nearest") return [{ from: Math.floor((at * from) / to), weight: 1 }];
  // half_pixel
  const centre = ((at + 0.5) * from) / to - 0.5;
  if (antialias && to < from) {
    // A triangle as wide as the reduction; what of it lies outside is left out and the rest adds up to one.
    const reach = from / to;
    const inside = Array.from({ length: from }, (_, k) => ({ from: k, weight: Math.max(0, 1 - Math.abs(k - centre) / reach) }));
    const sum = inside.reduce((a, { weight }) => a + weight, 0);
    return inside.filter(({ weight }) => weight > 0).map((tap) => ({ ...tap, weight: tap.weight / sum }));
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
  Resize: ([x], attributes) => {
    if (attributes.mode === "linear" && !isFloat(x.dtype))
      refuse("Resize linear of floats", x.dtype, "Cast to float32 first; engines round integers differently.");
    return [attributes.sizes.reduce((so, to, axis) => resizeAxis(so, axis, to, attributes), x)];
  },
} satisfies Kernels;
