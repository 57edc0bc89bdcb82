import { type ConditionWeights, conditions } from "./condition.js";
import type { Rgb } from "./palette.js";
import { Random } from "./prng.js";
import type { Sun } from "./view.js";

/** The light of a frame. Colours are linear, 1 is white paper in full light at exposure 1. */
export interface Light {
  readonly sun: Rgb;
  readonly sky: Rgb;
  readonly zenith: Rgb;
  readonly horizon: Rgb;
  readonly cloud: Rgb;
  /** 0 to 1: how much of the sky is cloud. */
  readonly cover: number;
  /** 1 / metres. */
  readonly fog: number;
  readonly airlight: Rgb;
  /** Head lights of the own vehicle. */
  readonly beam: number;
  /** Street lamps, lit windows, halos: 0 by day, 1 at night. */
  readonly lamps: number;
  /** Brightness under a street lamp. */
  readonly lampPower: number;
  readonly exposure: number;
  /** What is added to all (veil, stray light), after exposure. */
  readonly veil: number;
  readonly saturation: number;
  readonly cast: Rgb;
  /** Sensor noise, in steps of 255 after development. */
  readonly noise: number;
}

type Colour = "sun" | "sky" | "zenith" | "horizon" | "cloud" | "airlight" | "cast";

/** The light of each condition under one seed's weather. */
export class Lighting {
  readonly direction: Sun;
  readonly #lights: Record<(typeof conditions)[number], Light>;

  constructor(seed: number) {
    const random = new Random(seed, 0x11947);
    const azimuth = random.range(0, 2 * Math.PI), elevation = random.range(0.3, 1.05);
    this.direction = { x: Math.sin(azimuth) * Math.cos(elevation), y: Math.sin(elevation), z: Math.cos(azimuth) * Math.cos(elevation) };
    const clear = random.chance(0.35) ? random.range(0, 0.25) : random.range(0.4, 1);
    const bright = random.range(0.85, 1.25), white = random.range(1, 1.6);
    const cast = (strength: number): Rgb => [1 + random.range(-strength, strength), 1, 1 + random.range(-strength, strength)];
    const day: Light = {
      sun: [1.15 * clear, 1.05 * clear, 0.92 * clear],
      sky: [0.42 + 0.22 * (1 - clear), 0.46 + 0.2 * (1 - clear), 0.52 + 0.16 * (1 - clear)],
      zenith: random.chance(0.5) ? [0.2 * white, 0.4 * white, 0.75 * white] : [0.55 * white, 0.75 * white, 0.95 * white],
      horizon: [0.85 * white, 0.93 * white, 1 * white],
      cloud: [0.9 * white, 0.92 * white, 0.95 * white],
      cover: random.range(0, 1),
      fog: random.range(0.0004, 0.002),
      airlight: [0.75, 0.82, 0.9],
      beam: 0,
      lamps: 0,
      lampPower: 0,
      exposure: bright,
      veil: random.range(0, 0.015),
      saturation: random.range(0.65, 1.1),
      cast: cast(0.06),
      noise: random.range(0.5, 2.5),
    };
    const red = random.range(0.6, 1.2), late = random.range(0.55, 1.25), gloom = random.range(0.35, 1.1);
    const dusk: Light = {
      sun: [0.14 * clear * red, 0.07 * clear, 0.03 * clear],
      sky: [0.078 * gloom, 0.082 * gloom, 0.108 * gloom],
      zenith: [0.2 * late, 0.29 * late, 0.44 * late],
      horizon: [0.6 * red * late, 0.5 * late, 0.4 * late],
      cloud: [0.42 * red * late, 0.34 * late, 0.33 * late],
      cover: day.cover,
      fog: 0.0012,
      airlight: [0.3 * red, 0.24, 0.22],
      beam: 0.1,
      lamps: 0.55,
      lampPower: random.range(0, 0.12),
      exposure: random.range(0.75, 1.3),
      veil: 0.004,
      saturation: random.range(0.6, 0.95),
      cast: cast(0.08),
      noise: random.range(2.5, 5),
    };
    const town = random.range(0.4, 1.5);
    const night: Light = {
      sun: [0, 0, 0],
      sky: [0.006, 0.0065, 0.0085],
      zenith: [0.004 * town, 0.0055 * town, 0.011 * town],
      horizon: [0.02 * town, 0.017 * town, 0.015 * town],
      cloud: [0.014 * town, 0.012 * town, 0.012 * town],
      cover: day.cover,
      fog: 0.0015,
      airlight: [0.02 * town, 0.017 * town, 0.015 * town],
      beam: random.range(0.12, 0.6),
      lamps: 1,
      lampPower: random.range(0.04, 0.4),
      exposure: random.range(0.5, 1.25),
      veil: random.range(0.0005, 0.005),
      saturation: random.range(0.6, 0.9),
      cast: [random.range(1, 1.15), 1, random.range(0.8, 1)],
      noise: random.range(4, 9),
    };
    const thick = random.range(0.018, 0.055), pale = random.range(0.5, 0.75);
    const fog: Light = {
      sun: [0.06, 0.06, 0.06],
      sky: [0.52, 0.53, 0.55],
      zenith: [pale * 1.02, pale * 1.02, pale * 1.03],
      horizon: [pale, pale, pale],
      cloud: [pale, pale, pale],
      cover: 0,
      fog: thick,
      airlight: [pale * random.range(0.97, 1.03), pale, pale * random.range(0.97, 1.06)],
      beam: 0,
      lamps: 0.25,
      lampPower: 0,
      exposure: random.range(0.85, 1.15),
      veil: 0.02,
      saturation: random.range(0.5, 0.85),
      cast: cast(0.05),
      noise: random.range(1, 3),
    };
    this.#lights = { day, dusk, night, fog };
  }

  /** Exposure and noise follow as a camera's would: evenly on the way from one light to the other. */
  at(weights: ConditionWeights): Light {
    const colour = (key: Colour): Rgb => {
      const sum: [number, number, number] = [0, 0, 0];
      for (const each of conditions) for (const k of [0, 1, 2] as const) sum[k] += weights[each] * this.#lights[each][key][k];
      return sum;
    };
    const amount = (key: Exclude<keyof Light, Colour>): number => conditions.reduce((sum, each) => sum + weights[each] * this.#lights[each][key], 0);
    return {
      sun: colour("sun"), sky: colour("sky"), zenith: colour("zenith"), horizon: colour("horizon"), cloud: colour("cloud"), airlight: colour("airlight"), cast: colour("cast"),
      cover: amount("cover"), fog: amount("fog"), beam: amount("beam"), lamps: amount("lamps"), lampPower: amount("lampPower"), exposure: amount("exposure"), veil: amount("veil"), saturation: amount("saturation"), noise: amount("noise"),
    };
  }
}
