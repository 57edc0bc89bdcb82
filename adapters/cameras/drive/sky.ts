import type { Light } from "./light.js";
import { Noise } from "./noise.js";
import type { View } from "./view.js";

const bits = 7, size = 1 << bits;

/** Colours of the sky, row by row. */
export class Sky {
  readonly #clouds = new Float32Array(size * size);
  /** Linear colours of one row: three values a pixel. */
  readonly row: Float32Array;

  constructor(
    seed: number,
    private readonly width: number,
  ) {
    const noise = new Noise(seed ^ 0x5c1);
    for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) this.#clouds[(y << bits) | x] = noise.cloudy(x / 16, y / 16, 8);
    this.row = new Float32Array(width * 3);
  }

  /** Fills `row` for one row of the picture, `drift` in cloud texels. */
  fillRow(y: number, view: View, light: Light, drift: number): void {
    const { width, row } = this;
    const up = Math.max(0, (view.horizonY - y) / view.focal);
    const t = Math.min(1, up * 1.6), mix = Math.sqrt(t);
    const { horizon, zenith, cloud } = light;
    const r = horizon[0] + (zenith[0] - horizon[0]) * mix, g = horizon[1] + (zenith[1] - horizon[1]) * mix, b = horizon[2] + (zenith[2] - horizon[2]) * mix;
    const far = 26 / (up + 0.09);
    const v = far + drift, fade = Math.min(1, up * 7);
    const iv = Math.floor(v), fv = v - iv;
    const row0 = (iv & (size - 1)) << bits, row1 = ((iv + 1) & (size - 1)) << bits;
    const step = far / view.focal, clear = 0.78 - light.cover * 0.55;
    let u = (0.5 - view.centreX) * step + Math.atan2(view.sin, view.cos) * 40;
    for (let x = 0, at = 0; x < width; x++, at += 3, u += step) {
      const iu = Math.floor(u), fu = u - iu, a = iu & (size - 1), c = (iu + 1) & (size - 1);
      const top = this.#clouds[row0 | a] * (1 - fu) + this.#clouds[row0 | c] * fu, low = this.#clouds[row1 | a] * (1 - fu) + this.#clouds[row1 | c] * fu;
      let k = (top * (1 - fv) + low * fv - clear) * 3.2;
      k = k <= 0 ? 0 : k >= 1 ? fade : k * fade;
      row[at] = r + (cloud[0] - r) * k;
      row[at + 1] = g + (cloud[1] - g) * k;
      row[at + 2] = b + (cloud[2] - b) * k;
    }
  }
}
