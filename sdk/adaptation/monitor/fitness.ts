import type { FrameStatistics } from "./statistics.js";

/** Whether a frame may be believed. One that is unfit is answered all the same, marked as not valid, and never learnt from. */
export interface Fitness {
  readonly fit: boolean;
  /** In words; empty where fit. */
  readonly reasons: readonly string[];
}

export interface FitnessLimits {
  /** Luma (0 to 1) that even the brightest hundredth of a black frame stays below. */
  readonly black: number;
  /** Detail of every band of a covered lens stays below this (see `Band`), and so does its contrast below `coveredContrast`. */
  readonly coveredDetail: number;
  readonly coveredContrast: number;
  /** Share of burnt-out points from which a frame is saturated. */
  readonly burnt: number;
  /** A camera that delivers this many frames without a single change is frozen: sensor noise alone changes real ones. */
  readonly frozenFrames: number;
}

export const defaultFitnessLimits: FitnessLimits = { black: 0.04, coveredDetail: 0.02, coveredContrast: 0.06, burnt: 0.6, frozenFrames: 4 };

/** Looks for frames that show nothing. Holds what one camera's last frame looked like. */
export class FitnessCheck {
  #last: FrameStatistics | undefined;
  #unchanged = 0;

  constructor(private readonly limits: FitnessLimits = defaultFitnessLimits) {}

  check(seen: FrameStatistics): Fitness {
    const { black, coveredDetail, coveredContrast, burnt, frozenFrames } = this.limits;
    this.#unchanged = this.#last && isSame(this.#last, seen) ? this.#unchanged + 1 : 0;
    this.#last = seen;
    const reasons: string[] = [];
    if (seen.p99 < black) reasons.push("the frame is black");
    else if (seen.burnt > burnt) reasons.push("the frame is overexposed");
    // Dense fog still shows the road's texture or a gradient from sky to road; a hand, mud or a lens cap does not.
    else if (seen.contrast < coveredContrast && seen.bands.every(({ detail }) => detail < coveredDetail)) reasons.push("the lens is covered");
    if (this.#unchanged + 1 >= frozenFrames) reasons.push("the camera is frozen");
    return { fit: reasons.length === 0, reasons };
  }
}

/** The means of all cells and the sums over all points agree exactly. */
function isSame(a: FrameStatistics, b: FrameStatistics): boolean {
  return a.mean === b.mean && a.contrast === b.contrast && a.warmth === b.warmth && a.saturation === b.saturation && a.thumbnail.every((value, at) => value === b.thumbnail[at]);
}
