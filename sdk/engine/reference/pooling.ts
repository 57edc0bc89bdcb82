import type { PoolAttributes } from "../../graph/attributes.js";
import type { TensorType } from "../../graph/shapes.js";
import { fill, type NdArray } from "./array.js";
import type { Kernels } from "./kernel.js";

/** Joins the pixels of each window that lie inside the image. */
function pool(x: NdArray, { kernel, strides, pads }: PoolAttributes, { dtype, shape }: TensorType, start: number, join: (so: number, v: number) => number): NdArray {
  const [, channels, height, width] = x.shape;
  return fill(dtype, shape, ([n, c, oy, ox]) => {
    let joined = start;
    for (let ky = 0; ky < kernel[0]; ky++)
      for (let kx = 0; kx < kernel[1]; kx++) {
        const y = oy * strides[0] - pads[0] + ky;
        const column = ox * strides[1] - pads[1] + kx;
        if (y >= 0 && y < height && column >= 0 && column < width)
          joined = join(joined, x.data[((n * channels + c) * height + y) * width + column]);
      }
    return joined;
  });
}

const add = (so: number, v: number): number => so + v;

export const pooling = {
  // Padding counts as zeros: a window is always divided by its whole size.
  AveragePool: ([x], attributes, [type]) => {
    const sums = pool(x, attributes, type, 0, add);
    return [{ ...sums, data: sums.data.map((v) => v / (attributes.kernel[0] * attributes.kernel[1])) }];
  },
  MaxPool: ([x], attributes, [type]) => [pool(x, attributes, type, -Infinity, Math.max)],
  GlobalAveragePool: ([x], _, [type]) => {
    const [, , height, width] = x.shape;
    const whole: PoolAttributes = { kernel: [height, width], strides: [1, 1], pads: [0, 0, 0, 0] };
    const sums = pool(x, whole, type, 0, add);
    return [{ ...sums, data: sums.data.map((v) => v / (height * width)) }];
  },
} satisfies Kernels;
