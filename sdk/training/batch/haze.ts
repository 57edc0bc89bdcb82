import type { Random } from "../../random.js";
import { roadDistance, rowPlace, type View } from "./view.js";

/** Fog over a street, by Koschmieder's law: what is seen through it is `c t + airlight (1 - t)` with `t = exp(-density * distance)`, distances in units of that of the frame's lowest row. */
export interface Haze {
  /** Levels of red, green and blue, of 255. */
  readonly airlight: readonly [number, number, number];
  readonly density: number;
  /** Where the road meets the sky: 0 at the frame's upper edge, 1 at its lower. */
  readonly horizon: number;
  /** Of all that stands above the horizon, and of the road at most. */
  readonly farthest: number;
}

/** From a veil to what lets a fifteenth of the farthest through, in the light of a morning or of noon. */
export function randomHaze(random: Random): Haze {
  const grey = random.uniform(110, 235);
  const farthest = random.logUniform(5, 25);
  return {
    airlight: [grey * random.uniform(0.93, 1.03), grey, grey * random.uniform(0.97, 1.07)],
    density: random.logUniform(0.3, 2.7) / farthest,
    horizon: random.uniform(0.35, 0.55),
    farthest,
  };
}

/**
 * Hangs fog over a view of a clear frame, packed RGB, in place. Distances are not known, so they are those of a flat road: what stands above the horizon is as far as it goes, and
 * what stands on the road as far as the road behind it.
 */
export function hang(rgb: Uint8ClampedArray, view: View, { airlight, density, horizon, farthest }: Haze): void {
  const { width, height } = view;
  for (let row = 0; row < height; row++) {
    const distance = Math.min(farthest, roadDistance(rowPlace(view, row), horizon));
    const clear = Math.exp(-density * distance);
    const veil = airlight.map((level) => level * (1 - clear));
    for (let at = row * width * 3; at < (row + 1) * width * 3; at += 3) for (let channel = 0; channel < 3; channel++) rgb[at + channel] = rgb[at + channel] * clear + veil[channel];
  }
}
