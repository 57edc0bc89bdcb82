import { Random } from "./prng.js";

export type Rgb = readonly [number, number, number];

/** The colours of a drive, 0 to 255. */
export interface Palette {
  readonly asphalt: Rgb;
  readonly paving: Rgb;
  readonly kerb: Rgb;
  readonly grass: Rgb;
  readonly bark: Rgb;
  readonly roof: Rgb;
  readonly pole: Rgb;
  readonly marking: Rgb;
  readonly fence: Rgb;
  readonly leaves: readonly [Rgb, ...Rgb[]];
  /** Share of trees without leaves. */
  readonly bare: number;
}

export function makePalette(seed: number): Palette {
  const random = new Random(seed, 0xc0105);
  const grey = (low: number, high: number, tint = 8): Rgb => {
    const v = random.range(low, high);
    return [v + random.range(-tint, tint), v + random.range(-tint / 2, tint / 2), v + random.range(-tint, tint)];
  };
  const leaf = (): Rgb => [random.range(55, 120), random.range(85, 135), random.range(30, 65)];
  return {
    asphalt: grey(82, 132),
    paving: grey(105, 180, 14),
    kerb: grey(130, 190),
    grass: [random.range(80, 130), random.range(115, 150), random.range(45, 75)],
    bark: [random.range(70, 120), random.range(60, 100), random.range(50, 85)],
    roof: random.pick<Rgb>([[150, 80, 60], [90, 90, 98], [110, 95, 85], [70, 72, 80]]),
    pole: random.pick<Rgb>([[70, 75, 78], [130, 135, 138], [40, 45, 42], [165, 165, 160]]),
    marking: random.chance(0.2) ? [235, 205, 90] : [240, 240, 238],
    fence: random.pick<Rgb>([[40, 42, 45], [120, 90, 65], [180, 180, 180], [60, 80, 60]]),
    leaves: [leaf(), leaf(), leaf(), [random.range(110, 160), random.range(80, 120), 40]],
    bare: random.pick([0, 0.2, 0.6, 0.9]),
  };
}

/** Car paint as one meets it: mostly grey, black, white and blue. */
export function carColour(random: Random): Rgb {
  const v = random.next();
  if (v < 0.24) return [random.range(160, 215), random.range(160, 215), random.range(165, 220)];
  if (v < 0.42) return [random.range(18, 45), random.range(18, 45), random.range(20, 48)];
  if (v < 0.55) return [random.range(215, 245), random.range(215, 245), random.range(215, 245)];
  if (v < 0.7) return [random.range(20, 60), random.range(35, 80), random.range(80, 150)];
  if (v < 0.84) return [random.range(120, 190), random.range(15, 40), random.range(15, 40)];
  return [random.range(20, 230), random.range(30, 210), random.range(20, 200)];
}
