import type { ConditionName } from "../../stream/events.js";
import type { VehicleState } from "../../stream/vehicle.js";
import type { FrameStatistics } from "./statistics.js";

/** What is told apart; `unknown` is what remains when none is likely enough. */
export type Weather = Exclude<ConditionName, "unknown">;

/** How likely each is, 0 to 1, together 1. */
export type Likelihoods = Readonly<Record<Weather, number>>;

export interface ConditionThresholds {
  /** Light (see `lightOf`) at which night and dusk, and dusk and clear day, are equally likely. */
  readonly nightBelow: number;
  readonly clearAbove: number;
  /** Light over which one turns into the other. */
  readonly lightWidth: number;
  /** Haze, detail and contrast at which a frame is as likely foggy as not, each with the change that counts as much as one of another's. */
  readonly fogHaze: number;
  readonly fogHazeWidth: number;
  readonly fogDetail: number;
  readonly fogDetailWidth: number;
  readonly fogContrast: number;
  readonly fogContrastWidth: number;
}

/** Chosen on rendered drives and on clear real days alone. */
export const defaultConditionThresholds: ConditionThresholds = {
  nightBelow: 0.13,
  clearAbove: 0.3,
  lightWidth: 0.03,
  fogHaze: 0.35,
  fogHazeWidth: 0.08,
  fogDetail: 0.2,
  fogDetailWidth: 0.06,
  fogContrast: 0.17,
  fogContrastWidth: 0.04,
};

/** What else is known beside the picture. */
export interface Context {
  /** Mean greatest probability of the network's mask, 0 to 1. */
  readonly confidence?: number;
  readonly vehicle?: VehicleState;
}

/** How light it is outside, 0 to 1: what the sky and the typical point show. Lamps and their glow are few points, and cameras expose for the whole. */
export const lightOf = ({ median, bands }: FrameStatistics): number => (median + bands[0].luma) / 2;

/** What one frame, by itself, looks like. */
export function likelihoods(seen: FrameStatistics, { vehicle = {} }: Context = {}, thresholds: ConditionThresholds = defaultConditionThresholds): Likelihoods {
  const { nightBelow, clearAbove, lightWidth } = thresholds;
  const light = lightOf(seen);
  // Drivers and light sensors switch lamps on when it grows dark, fog lamps when it is foggy: worth about one step of evidence each.
  const lamps = vehicle.lamps === "low_beam" || vehicle.lamps === "high_beam" ? lightWidth : 0;
  const aboveNight = sigmoid((light - nightBelow) / lightWidth);
  const aboveDusk = sigmoid((light - lamps - clearAbove) / lightWidth);
  const fog = sigmoid(fogEvidence(seen, thresholds) + (vehicle.fogLamps ? 1 : 0));
  // Fog scatters light; what is dark is not seen as fog.
  const foggy = fog * aboveNight;
  const rest = 1 - foggy;
  return { fog: foggy, night: rest * (1 - aboveNight), dusk: rest * (aboveNight - Math.min(aboveNight, aboveDusk)), clear: rest * Math.min(aboveNight, aboveDusk) };
}

/** Log odds of fog. */
export function fogEvidence({ haze, bands, contrast }: FrameStatistics, t: ConditionThresholds): number {
  return (haze - t.fogHaze) / t.fogHazeWidth + (t.fogDetail - bands[1].detail) / t.fogDetailWidth + (t.fogContrast - contrast) / t.fogContrastWidth;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
