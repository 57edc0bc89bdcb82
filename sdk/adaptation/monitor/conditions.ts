import type { ConditionName } from "../../stream/events.js";
import type { VehicleState } from "../../stream/vehicle.js";
import { detailFloor, type FrameStatistics } from "./statistics.js";

/** What is told apart; `unknown` is what remains when none is likely enough. */
export type Weather = Exclude<ConditionName, "unknown">;

/** How likely each is, 0 to 1, together 1. */
export type Likelihoods = Readonly<Record<Weather, number>>;

export interface ConditionThresholds {
  /** Signs of night, each adding to the log odds: how light it is above the darkest parts, and how light the sky is among the rest. */
  readonly light: Threshold;
  readonly sky: Threshold;
  /** `brightnessOf` at which dusk and clear day are equally likely. */
  readonly brightness: Threshold;
  /** Signs of fog, likewise: the dark channel, and what fog takes away. */
  readonly haze: Threshold;
  readonly range: Threshold;
  readonly detail: Threshold;
  readonly saturation: Threshold;
}

/** Where a sign says nothing, and the distance from there that makes a condition e times likelier or less likely. */
export interface Threshold {
  readonly at: number;
  readonly width: number;
}

/** Chosen on rendered drives and on real clear days alone; no real dusk, night or fog was looked at. */
export const defaultConditionThresholds: ConditionThresholds = {
  light: { at: 0.105, width: 0.02 },
  sky: { at: 0.225, width: 0.03 },
  brightness: { at: 0.49, width: 0.025 },
  haze: { at: 0.42, width: 0.1 },
  range: { at: 0.57, width: 0.06 },
  detail: { at: 0.105, width: 0.03 },
  saturation: { at: 0.06, width: 0.03 },
};

/** What else is known beside the picture. */
export interface Context {
  /** Mean greatest probability of the network's mask, 0 to 1. */
  readonly confidence?: number;
  readonly vehicle?: VehicleState;
}

/** How bright the scene is with its brightest parts, 0 to 1: by day something is always near white. */
export const brightnessOf = ({ median, bands, p95 }: FrameStatistics): number => (median + bands[0].luma + p95) / 3;

/** What one frame, by itself, looks like. */
export function likelihoods(seen: FrameStatistics, { vehicle = {} }: Context = {}, thresholds: ConditionThresholds = defaultConditionThresholds): Likelihoods {
  // Drivers and light sensors switch lamps on when it grows dark, fog lamps when it is foggy: worth one step of evidence each.
  const lamps = vehicle.lamps === "low_beam" || vehicle.lamps === "high_beam" ? 1 : 0;
  const wipers = vehicle.wipers === "on" ? 0.5 : 0;
  const aboveNight = sigmoid(dayEvidence(seen, thresholds));
  const aboveDusk = Math.min(aboveNight, sigmoid(beyond(brightnessOf(seen), thresholds.brightness) - lamps - wipers));
  // Fog scatters light; what is dark is not seen as fog.
  const fog = aboveNight * sigmoid(fogEvidence(seen, thresholds) + (vehicle.fogLamps ? 1 : 0));
  return { fog, night: (1 - fog) * (1 - aboveNight), dusk: (1 - fog) * (aboveNight - aboveDusk), clear: (1 - fog) * aboveDusk };
}

/**
 * Log odds of anything but night. Both signs are measured from the darkest parts up: many cameras and their encoders lift black, by which a night's sky can
 * be as bright as a day's road. What remains true is that at night the sky is among the darkest parts, by day among the brightest.
 */
export function dayEvidence(seen: FrameStatistics, { light, sky }: ConditionThresholds): number {
  const { median, bands, p05 } = seen;
  return beyond((median + bands[0].luma) / 2 - p05, light) + beyond((bands[0].luma - p05) / rangeOf(seen), sky);
}

/** Log odds of fog. */
export function fogEvidence(seen: FrameStatistics, { haze, range, detail, saturation }: ConditionThresholds): number {
  const ahead = seen.bands[1];
  const step = (ahead.detail * (ahead.luma + detailFloor)) / rangeOf(seen);
  return beyond(seen.haze, haze) - beyond(rangeOf(seen), range) - beyond(step, detail) - beyond(seen.saturation, saturation);
}

/** From the darkest parts to the brightest; never quite 0, so that it divides. */
const rangeOf = ({ p05, p99 }: FrameStatistics): number => Math.max(0.02, p99 - p05);

const beyond = (value: number, { at, width }: Threshold): number => (value - at) / width;

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
