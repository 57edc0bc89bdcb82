import { NightshiftError } from "../../../sdk/errors.js";
import type { Box } from "../../../sdk/frame.js";
import { visibleBoxes } from "./boxes.js";
import { checkCondition, type Condition, type ConditionWeights } from "./condition.js";
import { Developer } from "./develop.js";
import { Lighting } from "./light.js";
import { makeMaterials, type Materials } from "./materials.js";
import { Random } from "./prng.js";
import { Raster } from "./raster.js";
import { Scene } from "./scene.js";
import { Schedule, type ScheduleEntry } from "./schedule.js";
import { Street } from "./street.js";
import type { View } from "./view.js";

export interface DriveOptions {
  /** Whole number: one seed, one street, one weather. */
  readonly seed: number;
  /** Pixels; 640 by default. */
  readonly width?: number;
  /** Pixels; 360 by default. */
  readonly height?: number;
  /** Frames a second of the film, which sets how far one moves between frames; 15 by default. */
  readonly fps?: number;
  /** How long the drive is; without end by default. */
  readonly frames?: number;
  /** The weather over the frames; day, then dusk, then night by default. */
  readonly schedule?: readonly ScheduleEntry[];
  /** One weather for the whole drive, instead of a schedule. */
  readonly condition?: Condition;
}

export interface RenderedFrame {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** `height * width * 3` bytes. */
  readonly rgb: Uint8Array;
  /** `height * width` indices into `driveNames`. */
  readonly mask: Uint8Array;
  readonly boxes: readonly Box[];
  /** `height * width`: metres along the viewing axis, infinite in the sky. */
  readonly depth: Float32Array;
  /** `height * width`: the object that is visible, counted from 1; 0 where there is none. */
  readonly objects: Uint16Array;
  readonly weights: ConditionWeights;
}

/** The weather of a drive that states none: clear at first, night after half a minute. */
export const defaultSchedule: readonly ScheduleEntry[] = [
  { untilFrame: 150, condition: "day" },
  { untilFrame: 210, condition: "dusk" },
  { untilFrame: 100000, condition: "night" },
];

/** A drive along a street. Frame `index` depends on the options and the index only, on every machine. */
export class Drive {
  readonly width: number;
  readonly height: number;
  readonly #street: Street;
  readonly #lighting: Lighting;
  readonly #schedule: Schedule;
  readonly #raster: Raster;
  readonly #scene: Scene;
  readonly #developer: Developer;
  readonly #camera: { readonly up: number; readonly wide: number; readonly horizon: number; readonly aside: number; readonly shake: number };
  readonly #start: number;
  readonly #speed: number;
  readonly #fps: number;

  /** Throws `E_CONFIG` where a size, rate, condition or schedule is not valid. */
  constructor(options: DriveOptions, materials: Materials = makeMaterials(options.seed)) {
    this.#schedule = checkOptions(options);
    this.width = options.width ?? 640;
    this.height = options.height ?? 360;
    this.#fps = options.fps ?? 15;
    const seed = options.seed | 0;
    const random = new Random(seed, 0xd21e);
    this.#street = new Street(seed);
    this.#lighting = new Lighting(seed);
    this.#speed = random.range(5, 9) * (this.#street.kind === "road" ? 1.6 : 1);
    this.#start = random.range(500, 4000);
    this.#camera = { up: random.range(1.25, 1.85), wide: random.range(1.05, 1.45), horizon: random.range(0.4, 0.54), aside: random.range(-0.3, 0.3), shake: random.range(0.2, 1.2) };
    this.#raster = new Raster(this.width, this.height);
    this.#scene = new Scene(this.#street, materials, this.#speed);
    this.#developer = new Developer(this.#raster, this.#street);
  }

  /** Throws `E_CONFIG` unless the index is a whole number from 0 on. */
  render(index: number): RenderedFrame {
    const weights = this.#schedule.at(index);
    const { rgb, labels } = this.#draw(index, weights);
    const { surface } = this.#raster;
    return { width: this.width, height: this.height, rgb, mask: surface.mask(), boxes: visibleBoxes(surface, labels), depth: surface.depth(), objects: surface.object.slice(), weights };
  }

  /** The picture alone, for cameras: `height * width * 3` bytes. Throws as `render` does. */
  renderPicture(index: number): Uint8Array {
    return this.#draw(index, this.#schedule.at(index)).rgb;
  }

  #draw(index: number, weights: ConditionWeights) {
    whole("frame", index, 0, Number.MAX_SAFE_INTEGER);
    const seconds = index / this.#fps;
    const light = this.#lighting.at(weights);
    this.#raster.begin(this.#view(seconds), this.#lighting.direction);
    const labels = this.#scene.draw(this.#raster, seconds, index, light.lamps);
    const rgb = new Uint8Array(this.width * this.height * 3);
    this.#developer.develop(light, index, rgb);
    return { rgb, labels };
  }

  /** The camera sways a little, as in a car. */
  #view(seconds: number): View {
    const street = this.#street, camera = this.#camera;
    const z = this.#start + this.#speed * seconds;
    const sway = (rate: number, phase: number) => Math.sin(seconds * rate + phase) * camera.shake;
    const yaw = street.heading(z + 6) + sway(0.7, 1) * 0.02;
    const lateral = street.lane(1, 0) + camera.aside + sway(0.4, 2) * 0.15;
    const focal = (this.width * 0.5) / (camera.wide * 0.5);
    return {
      x: street.middle(z) + lateral,
      y: street.height(z) + camera.up + sway(5.1, 0) * 0.008,
      z,
      cos: Math.cos(yaw),
      sin: Math.sin(yaw),
      focal,
      centreX: this.width / 2,
      horizonY: this.height * camera.horizon + focal * (sway(3.3, 0.5) * 0.004 + Math.atan2(street.height(z + 8) - street.height(z), 8)),
    };
  }
}

/** Returns the weather of a drive, or throws `E_CONFIG` where a size, rate, condition or schedule is not valid. */
export function checkOptions(options: DriveOptions): Schedule {
  whole("width", options.width ?? 640, 16, 4096);
  whole("height", options.height ?? 360, 16, 4096);
  whole("seed", options.seed, -0x80000000, 0xffffffff);
  whole("frames", options.frames ?? 1, 1, Number.MAX_SAFE_INTEGER);
  const fps = options.fps ?? 15;
  if (!(fps > 0 && fps <= 1000)) throw invalid("fps above 0, at most 1000", String(fps));
  const { condition } = options;
  return new Schedule(condition !== undefined ? [{ untilFrame: 1, condition: checkCondition(condition) }] : (options.schedule ?? defaultSchedule));
}

function whole(what: string, value: number, low: number, high: number): number {
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw invalid(`${what} to be a whole number from ${low} to ${high}`, String(value));
}

const invalid = (expected: string, received: string) => new NightshiftError("E_CONFIG", { expected, received, remedy: "Correct the options of the drive." });
