import type { Random } from "../../random.js";
import { grainDeviation } from "./colour.js";
import { columnPlace, roadDistance, rowPlace, type View } from "./view.js";

type Colours = readonly [number, number, number];

/** A lamp: what it lights, and itself with its halo, both Gaussian. Its place is 0 to 1 from the frame's left and upper edges. */
interface Lamp {
  readonly x: number;
  readonly y: number;
  readonly light: Colours;
  /** Standard deviations of the pool of light, which lies as far below the lamp, and of the halo: in units of the frame's height. */
  readonly pool: number;
  readonly halo: number;
}

/** A street after sunset. Light is in units of that which the sky still gives to what stands below it. */
export interface Darkness {
  readonly ambient: Colours;
  /** How much of the day's sky is left, at the horizon; at the frame's upper edge `exp(-skyFall)` of that. */
  readonly sky: Colours;
  readonly skyFall: number;
  /** Of the vehicle's own headlamps on the road at the frame's lower edge; it falls with the distance squared, and what stands above the horizon has none. */
  readonly headlamps: number;
  /** Where the road meets the sky: 0 at the frame's upper edge, 1 at its lower. */
  readonly horizon: number;
  readonly lamps: readonly Lamp[];
  /** What the camera's exposure makes of the frame's mean light: levels of 255. */
  readonly mean: number;
  /** What a lens scatters over all of the frame: levels of 255. */
  readonly veil: number;
  /** Standard deviation in levels of 255. */
  readonly noise: number;
}

/** From dusk, under a sky as bright as by day, to a road that nothing but headlamps or street lamps light. */
export function randomDarkness(random: Random): Darkness {
  const times = (scale: number, red: number, blue: number): Colours => [scale * red, scale, scale * blue];
  const sky = random.logUniform(0.003, 1);
  const horizon = random.uniform(0.35, 0.55);
  return {
    ambient: times(1, random.uniform(0.8, 1.4), random.uniform(0.3, 1.4)),
    sky: times(sky, random.uniform(0.7, 1.5), random.uniform(0.6, 1.5)),
    skyFall: random.uniform(0, 2),
    headlamps: random.chance(0.6) ? random.logUniform(0.5, 20) : 0,
    horizon,
    lamps: Array.from({ length: random.below(7) }, () => ({
      x: random.uniform(),
      y: random.uniform(0.1, horizon + 0.15),
      light: times(random.logUniform(0.3, 6), random.uniform(0.9, 1.8), random.uniform(0.2, 1.1)),
      pool: random.logUniform(0.05, 0.3),
      halo: random.logUniform(0.004, 0.03),
    })),
    mean: random.logUniform(15, 100),
    veil: random.logUniform(1, 60),
    noise: random.uniform(0, 9),
  };
}

/** Of a lamp, beside what it lights. */
const haloBrightness = 30;
/** Pixels. */
const reaches = [4, 9, 16];
const gamma = 2.2;
const linear = Float32Array.from({ length: 256 }, (_, level) => (level / 255) ** gamma);
const lightSteps = 4096;
const encoded = Float32Array.from({ length: lightSteps + 1 }, (_, step) => 255 * (step / lightSteps) ** (1 / gamma));

/**
 * Lets the sun set over a view of a clear frame, packed RGB, in place. What a pixel reflects is taken to be its level by day; `isSky` has 1 for each pixel that the labels call
 * sky. Distances are those of a flat road, as in `hang`. `grain` is `unitGrain`'s.
 */
export function darken(rgb: Uint8ClampedArray, view: View, isSky: Uint8Array, darkness: Darkness, grain: Int32Array, random: Random): void {
  const { mean, veil, noise } = darkness;
  const light = lightOf(rgb, view, isSky, darkness);
  const exposure = (mean / 255) ** gamma / Math.max(light.reduce((sum, value) => sum + value, 0) / light.length, 1e-6);
  const grainScale = noise / grainDeviation;
  let at = random.below(grain.length);
  light.forEach((value, index) => {
    at = at + 1 < grain.length ? at + 1 : 0;
    const level = encoded[Math.min(lightSteps, Math.round(lightSteps * exposure * value))];
    rgb[index] = veil + (1 - veil / 255) * level + grainScale * grain[at];
  });
}

/** Linear light before exposure. */
function lightOf(rgb: Uint8ClampedArray, view: View, isSky: Uint8Array, { ambient, sky, skyFall, headlamps, horizon, lamps }: Darkness): Float32Array {
  const { width, height } = view;
  const skyShare = shareOfSky(rgb, view, isSky);
  const columns = lamps.map((lamp) => bells(width, (column) => ((columnPlace(view, column) - lamp.x) * width) / height, lamp, 0));
  const rows = lamps.map((lamp) => bells(height, (row) => rowPlace(view, row) - lamp.y, lamp, lamp.pool));
  const light = new Float32Array(width * height * 3);
  const [fallen, glare] = [new Float32Array(3), new Float32Array(3)];
  for (let row = 0; row < height; row++) {
    const place = rowPlace(view, row);
    const left = Math.exp(-skyFall * Math.max(0, 1 - place / horizon));
    const ahead = headlamps / roadDistance(place, horizon) ** 2;
    for (let column = 0; column < width; column++) {
      const beam = ahead * Math.exp(-6 * (columnPlace(view, column) - 0.5) ** 2);
      for (let channel = 0; channel < 3; channel++) fallen[channel] = ambient[channel] + beam;
      glare.fill(0);
      lamps.forEach((lamp, index) => {
        const pool = columns[index].pool[column] * rows[index].pool[row];
        const halo = haloBrightness * columns[index].halo[column] * rows[index].halo[row];
        for (let channel = 0; channel < 3; channel++) {
          fallen[channel] += lamp.light[channel] * pool;
          glare[channel] += lamp.light[channel] * halo;
        }
      });
      const pixel = row * width + column;
      const share = skyShare[pixel];
      for (let channel = 0; channel < 3; channel++)
        light[pixel * 3 + channel] = linear[rgb[pixel * 3 + channel]] * (share * sky[channel] * left + (1 - share) * fallen[channel]) + glare[channel];
    }
  }
  return light;
}

/** Labels are coarser than twigs: what is as bright as the sky, and stands beside it, is sky as well. */
function shareOfSky(rgb: Uint8ClampedArray, { width, height }: View, isSky: Uint8Array): Float32Array {
  const green = (pixel: number): number => linear[rgb[pixel * 3 + 1]];
  const share = Float32Array.from(isSky);
  const count = share.reduce((sum, is) => sum + is, 0);
  if (count === 0) return share;
  const bright = share.reduce((sum, is, pixel) => sum + is * green(pixel), 0) / count;
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const pixel = row * width + column;
      const likeSky = Math.min(1, 2 * (green(pixel) / bright) - 0.8);
      if (isSky[pixel] === 1 || likeSky <= 0) continue;
      const beside = reaches.some((reach) => (row >= reach && isSky[pixel - reach * width] === 1) || (column >= reach && isSky[pixel - reach] === 1) || (column + reach < width && isSky[pixel + reach] === 1));
      if (beside) share[pixel] = likeSky;
    }
  return share;
}

/** Along one side of the view: of a lamp's pool, whose middle lies `below` it, and of its halo. */
function bells(length: number, from: (at: number) => number, { pool, halo }: Lamp, below: number): { readonly pool: Float32Array; readonly halo: Float32Array } {
  const bell = (middle: number, deviation: number): Float32Array => Float32Array.from({ length }, (_, at) => Math.exp(-0.5 * ((from(at) - middle) / deviation) ** 2));
  return { pool: bell(below, pool), halo: bell(0, halo) };
}
