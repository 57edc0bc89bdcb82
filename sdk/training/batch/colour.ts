import type { Random } from "../../random.js";

/** Whole numbers of 32 bits are fastest; these are the bits behind the point. */
const curveBits = 4;
const mixtureBits = 12;
const sumBits = curveBits + mixtureBits;
const grainBits = 8;
/** Of `unitGrain`, in its own units. */
export const grainDeviation = 2 ** grainBits;

/** How a frame's colours are changed. Values of 1 (0 for `hueTurns`, `noise`) change nothing. */
export interface Colour {
  readonly gain: readonly [number, number, number];
  readonly gamma: number;
  readonly brightness: number;
  /** Around middle grey. */
  readonly contrast: number;
  readonly saturation: number;
  /** 1 is a full turn of the colour circle. */
  readonly hueTurns: number;
  /** Standard deviation in levels of 255. */
  readonly noise: number;
}

/** Exposure, white balance and sensor noise as cameras differ, and somewhat further: what makes a model of clear days robust is here. */
export function randomColour(random: Random): Colour {
  const times = (most: number): number => Math.exp(random.uniform(-Math.log(most), Math.log(most)));
  return {
    gain: [times(1.15), times(1.15), times(1.15)],
    gamma: times(1.5),
    brightness: times(1.4),
    contrast: times(1.4),
    saturation: random.uniform(0.4, 1.5),
    hueTurns: random.uniform(-0.04, 0.04),
    noise: random.chance(0.3) ? random.uniform(0, 8) : 0,
  };
}

/** Changes the colours of packed RGB in place. `grain` is `unitGrain`'s. */
export function recolour(rgb: Uint8ClampedArray, colour: Colour, grain: Int32Array, random: Random): void {
  const [reds, greens, blues] = [curve(colour, 0), curve(colour, 1), curve(colour, 2)];
  const [rr, rg, rb, gr, gg, gb, br, bg, bb] = mixture(colour.saturation, colour.hueTurns);
  const noise = Math.round(colour.noise * 2 ** (sumBits - grainBits));
  const half = 1 << (sumBits - 1);
  let at = random.below(grain.length - 2);
  for (let index = 0; index < rgb.length; index += 3) {
    const red = reds[rgb[index]];
    const green = greens[rgb[index + 1]];
    const blue = blues[rgb[index + 2]];
    at = at + 5 < grain.length ? at + 3 : at + 5 - grain.length;
    rgb[index] = (rr * red + rg * green + rb * blue + noise * grain[at] + half) >> sumBits;
    rgb[index + 1] = (gr * red + gg * green + gb * blue + noise * grain[at + 1] + half) >> sumBits;
    rgb[index + 2] = (br * red + bg * green + bb * blue + noise * grain[at + 2] + half) >> sumBits;
  }
}

/** Normally distributed, with `grainDeviation`. A prime number of values, so that rows of a frame do not repeat each other. */
export function unitGrain(random: Random): Int32Array {
  return Int32Array.from({ length: 16_381 }, () => Math.round(grainDeviation * random.normal()));
}

/** `[1 2 1] / 4` both ways, in place: a lens slightly out of focus. The outermost pixels stay. */
export function blur(rgb: Uint8ClampedArray, width: number, height: number): void {
  const row = width * 3;
  const above = rgb.slice(0, row);
  const here = new Uint8ClampedArray(row);
  for (let y = 1; y < height - 1; y++) {
    const start = y * row;
    for (let x = 0; x < row; x++) {
      const value = rgb[start + x];
      here[x] = (above[x] + 2 * value + rgb[start + row + x] + 2) >> 2;
      above[x] = value;
    }
    for (let x = 3; x < row - 3; x++) rgb[start + x] = (here[x - 3] + 2 * here[x] + here[x + 3] + 2) >> 2;
  }
}

/** Levels after gain, gamma, brightness and contrast, in units of 1 / 2^curveBits. */
function curve({ gain, gamma, brightness, contrast }: Colour, channel: 0 | 1 | 2): Int32Array {
  return Int32Array.from({ length: 256 }, (_, level) => {
    const exposed = Math.min(1.2, brightness * (gain[channel] * (level / 255)) ** gamma);
    return Math.round(2 ** curveBits * 255 * (0.5 + contrast * (exposed - 0.5)));
  });
}

type Mixture = readonly [number, number, number, number, number, number, number, number, number];

/** Row-major 3 x 3 in units of 1 / 2^mixtureBits: saturation around luma, then a turn around the grey axis. */
function mixture(saturation: number, hueTurns: number): Mixture {
  const luma = [0.299, 0.587, 0.114] as const;
  const [cos, sin] = [Math.cos(2 * Math.PI * hueTurns), Math.sin(2 * Math.PI * hueTurns) / Math.sqrt(3)];
  const third = (1 - cos) / 3;
  const turn = [
    [cos + third, third - sin, third + sin],
    [third + sin, cos + third, third - sin],
    [third - sin, third + sin, cos + third],
  ] as const;
  // Each row of `turn` sums to 1, so grey stays grey and the product with the saturation matrix is this short.
  const cell = (row: 0 | 1 | 2, column: 0 | 1 | 2): number =>
    Math.round(2 ** mixtureBits * (saturation * turn[row][column] + (1 - saturation) * luma[column]));
  return [cell(0, 0), cell(0, 1), cell(0, 2), cell(1, 0), cell(1, 1), cell(1, 2), cell(2, 0), cell(2, 1), cell(2, 2)];
}
