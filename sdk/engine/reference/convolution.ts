import { sizeOf } from "../../graph/tensor.js";
import { fill, stridesOf, type NdArray } from "./array.js";
import type { Kernels } from "./kernel.js";

/** The pixel at (n, c, y, x), or 0 outside of the image. */
function pixels({ shape: [, channels, height, width], data }: NdArray): (n: number, c: number, y: number, x: number) => number {
  return (n, c, y, x) => (y < 0 || y >= height || x < 0 || x >= width ? 0 : data[((n * channels + c) * height + y) * width + x]);
}

export const convolution = {
  Conv: ([x, w, bias], { strides, pads, dilations, group }, [{ dtype, shape }]) => {
    const [filters, depth, kernelHeight, kernelWidth] = w.shape;
    const [at, weight] = [pixels(x), pixels(w)];
    return [
      fill(dtype, shape, ([n, m, oy, ox]) => {
        const first = Math.floor(m / (filters / group)) * depth;
        let sum = bias ? bias.data[m] : 0;
        for (let c = 0; c < depth; c++)
          for (let ky = 0; ky < kernelHeight; ky++)
            for (let kx = 0; kx < kernelWidth; kx++) {
              const y = oy * strides[0] - pads[0] + ky * dilations[0];
              const column = ox * strides[1] - pads[1] + kx * dilations[1];
              sum += at(n, first + c, y, column) * weight(m, c, ky, kx);
            }
        return sum;
      }),
    ];
  },
  // Every pixel of x adds its kernel, times its value, to y.
  ConvTranspose: ([x, w, bias], { strides, pads, dilations, group }, [{ dtype, shape }]) => {
    const [images, channels, height, width] = x.shape;
    const [, perGroup, kernelHeight, kernelWidth] = w.shape;
    const [, filters, outHeight, outWidth] = shape;
    const step = stridesOf(shape);
    const [at, weight] = [pixels(x), pixels(w)];
    const data = new Float64Array(sizeOf(shape));
    if (bias) for (let i = 0; i < data.length; i++) data[i] = bias.data[Math.floor(i / step[1]) % filters];
    for (let n = 0; n < images; n++)
      for (let c = 0; c < channels; c++)
        for (let iy = 0; iy < height; iy++)
          for (let ix = 0; ix < width; ix++)
            for (let m = 0; m < perGroup; m++)
              for (let ky = 0; ky < kernelHeight; ky++)
                for (let kx = 0; kx < kernelWidth; kx++) {
                  const y = iy * strides[0] - pads[0] + ky * dilations[0];
                  const column = ix * strides[1] - pads[1] + kx * dilations[1];
                  if (y < 0 || y >= outHeight || column < 0 || column >= outWidth) continue;
                  const filter = Math.floor(c / (channels / group)) * perGroup + m;
                  data[n * step[0] + filter * step[1] + y * step[2] + column] += at(n, c, iy, ix) * weight(c, m, ky, kx);
                }
    return [{ dtype, shape, data }];
  },
} satisfies Kernels;
