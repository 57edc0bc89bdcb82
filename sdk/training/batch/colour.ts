import type { Random } from "./random.js";

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

/** Changes the colours of packed RGB in place. */
export function recolour(rgb: Uint8ClampedArray, colour: Colour, random: Random): void {
  const [reds, greens, blues] = colour.gain.map((gain) => curve(colour, gain)) as [Float32Array, Float32Array, Float32Array];
  const [rr, rg, rb, gr, gg, gb, br, bg, bb] = mixture(colour.saturation, colour.hueTurns);
  const grain = noiseTable(colour.noise, random);
  const period = grain.length - 2;
  let at = random.below(period);
  for (let index = 0; index < rgb.length; index += 3) {
    const red = reds[rgb[index]!]!;
    const green = greens[rgb[index + 1]!]!;
    const blue = blues[rgb[index + 2]!]!;
    at = (at + 3) % period;
    rgb[index] = rr * red + rg * green + rb * blue + grain[at]!;
    rgb[index + 1] = gr * red + gg * green + gb * blue + grain[at + 1]!;
    rgb[index + 2] = br * red + bg * green + bb * blue + grain[at + 2]!;
  }
}

/** `[1 2 1] / 4` both ways, in place: a lens slightly out of focus. The outermost pixels stay. */
export function blur(rgb: Uint8ClampedArray, width: number, height: number): void {
  const row = width * 3;
  const above = new Uint8ClampedArray(row);
  const here = new Uint8ClampedArray(row);
  above.set(rgb.subarray(0, row));
  for (let y = 1; y < height - 1; y++) {
    const start = y * row;
    here.set(rgb.subarray(start, start + row));
    for (let x = 0; x < row; x++) rgb[start + x] = (above[x]! + 2 * here[x]! + rgb[start + row + x]!) / 4;
    above.set(here);
    here.set(rgb.subarray(start, start + row));
    for (let x = 3; x < row - 3; x++) rgb[start + x] = (here[x - 3]! + 2 * here[x]! + here[x + 3]!) / 4;
  }
}

function curve({ gamma, brightness, contrast }: Colour, gain: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, level) => {
    const exposed = Math.min(1.2, brightness * (gain * (level / 255)) ** gamma);
    return 255 * (0.5 + contrast * (exposed - 0.5));
  });
}

/** Row-major 3 x 3: saturation around luma, then a turn around the grey axis. */
function mixture(saturation: number, hueTurns: number): readonly [number, number, number, number, number, number, number, number, number] {
  const luma = [0.299, 0.587, 0.114] as const;
  const [cos, sin] = [Math.cos(2 * Math.PI * hueTurns), Math.sin(2 * Math.PI * hueTurns) / Math.sqrt(3)];
  const third = (1 - cos) / 3;
  const turn = [
    [cos + third, third - sin, third + sin],
    [third + sin, cos + third, third - sin],
    [third - sin, third + sin, cos + third],
  ] as const;
  // Each row of `turn` sums to 1, so grey stays grey and the product with the saturation matrix is this short.
  const cell = (row: 0 | 1 | 2, column: 0 | 1 | 2): number => saturation * turn[row][column] + (1 - saturation) * luma[column];
  return [cell(0, 0), cell(0, 1), cell(0, 2), cell(1, 0), cell(1, 1), cell(1, 2), cell(2, 0), cell(2, 1), cell(2, 2)];
}

/** Two values longer than its period, a prime number, so that rows of a frame do not repeat each other. */
function noiseTable(deviation: number, random: Random): Float32Array {
  if (deviation === 0) return new Float32Array(3);
  return Float32Array.from({ length: 16_383 }, () => deviation * random.normal());
}
