import { normalAxis, sliceRange } from "../../graph/shapes.js";
import { aroundAxis, broadcastReader, fill, stridesOf, type NdArray } from "./array.js";
import type { Kernel, Kernels } from "./kernel.js";

/** The numbers stay where they are; only the shape changes. */
const reshaped: Kernel<"Reshape" | "Squeeze" | "Unsqueeze"> = ([x], _, [{ shape }]) => [{ ...x, shape }];

/** Reads x at an index; 0 <= index < extent is the caller's matter. */
function reader(x: NdArray): (index: readonly number[]) => number {
  const strides = stridesOf(x.shape);
  return (index) => x.data[index.reduce((offset, k, axis) => offset + k * strides[axis], 0)];
}

const inside = (index: readonly number[], x: NdArray): boolean => index.every((k, i) => k >= 0 && k < x.shape[i]);

function split(x: NdArray, axis: number, parts: readonly number[]): NdArray[] {
  const read = reader(x);
  let start = 0;
  return parts.map((part) => {
    const from = start;
    start += part;
    const shape = x.shape.map((n, i) => (i === axis ? part : n));
    return fill(x.dtype, shape, (index) => read(index.map((k, i) => (i === axis ? k + from : k))));
  });
}

function concat(inputs: readonly NdArray[], axis: number, shape: readonly number[]): NdArray {
  const data = new Float64Array(shape.reduce((a, b) => a * b, 1));
  const { outer, extent, inner } = aroundAxis(shape, axis);
  let start = 0;
  for (const x of inputs) {
    const length = x.shape[axis] * inner;
    for (let o = 0; o < outer; o++) data.set(x.data.subarray(o * length, (o + 1) * length), o * extent * inner + start);
    start += length;
  }
  return { dtype: inputs[0].dtype, shape, data };
}

export const movement = {
  Reshape: reshaped,
  Unsqueeze: reshaped,
  Squeeze: reshaped,
  Transpose: ([x], { perm }, [{ shape }]) => {
    const strides = stridesOf(x.shape);
    return [fill(x.dtype, shape, (index) => x.data[perm.reduce((offset, axis, i) => offset + index[i] * strides[axis], 0)])];
  },
  Concat: (inputs, { axis }, [{ shape }]) => [concat(inputs, normalAxis(axis, shape.length), shape)],
  Split: ([x], { axis, split: parts }) => split(x, normalAxis(axis, x.shape.length), parts),
  Slice: ([x], { starts, ends, axes, steps }, [{ shape }]) => {
    const first = x.shape.map(() => 0);
    const step = x.shape.map(() => 1);
    axes.forEach((axis, i) => {
      const at = normalAxis(axis, x.shape.length);
      first[at] = sliceRange(x.shape[at], starts[i], ends[i], steps[i]).start;
      step[at] = steps[i];
    });
    const read = reader(x);
    return [fill(x.dtype, shape, (index) => read(index.map((k, i) => first[i] + k * step[i])))];
  },
  Pad: ([x], { pads, value }, [{ shape }]) => {
    const read = reader(x);
    return [
      fill(x.dtype, shape, (index) => {
        const from = index.map((k, i) => k - pads[i]);
        return inside(from, x) ? read(from) : value;
      }),
    ];
  },
  Expand: ([x], _, [{ shape }]) => [fill(x.dtype, shape, broadcastReader(x, shape.length))],
  Tile: ([x], _, [{ shape }]) => {
    const read = reader(x);
    return [fill(x.dtype, shape, (index) => read(index.map((k, i) => k % x.shape[i])))];
  },
  DepthToSpace: ([x], { blocksize: b, mode }, [{ shape }]) => {
    const read = reader(x);
    const depth = shape[1];
    return [
      fill(x.dtype, shape, ([n, c, h, w]) => {
        const place = (h % b) * b + (w % b);
        const channel = mode === "DCR" ? place * depth + c : c * b * b + place;
        return read([n, channel, Math.floor(h / b), Math.floor(w / b)]);
      }),
    ];
  },
  SpaceToDepth: ([x], { blocksize: b }, [{ shape }]) => {
    const read = reader(x);
    const depth = x.shape[1];
    return [
      fill(x.dtype, shape, ([n, c, h, w]) => {
        const place = Math.floor(c / depth);
        return read([n, c % depth, h * b + Math.floor(place / b), w * b + (place % b)]);
      }),
    ];
  },
} satisfies Kernels;
