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
  /** `noise` of a frame from which it is that of a broken sensor, or meant to mislead; of 290 real frames of days, dusks, fogs and nights the noisiest has 0.008. */
  readonly noise: number;
  /** A camera that delivers this many frames without a single change is frozen: sensor noise alone changes real ones. */
  readonly frozenFrames: number;
  /** Light that rises and falls by this much of full scale from frame to frame, so many times in a row, flickers. */
  readonly flicker: number;
  readonly flickerFrames: number;
}

export const defaultFitnessLimits: FitnessLimits = { black: 0.04, coveredDetail: 0.02, coveredContrast: 0.06, burnt: 0.6, noise: 0.025, frozenFrames: 4, flicker: 0.15, flickerFrames: 3 };

/** Looks for frames that show nothing. Holds what one camera's last frame looked like. */
export class FitnessCheck {
  #last: FrameStatistics | undefined;
  #lastTimeNs: bigint | undefined;
  #unchanged = 0;
  /** The last change of light, and how often in a row a large one was followed by its opposite. */
  #change = 0;
  #reversals = 0;

  constructor(private readonly limits: FitnessLimits = defaultFitnessLimits) {}

  check(seen: FrameStatistics, captureTimeNs: bigint): Fitness {
    const { black, coveredDetail, coveredContrast, burnt, noise, frozenFrames, flickerFrames } = this.limits;
    this.#unchanged = this.#last && isSame(this.#last, seen) ? this.#unchanged + 1 : 0;
    this.#noteChange(seen.mean - (this.#last?.mean ?? seen.mean));
    const wentBack = this.#lastTimeNs !== undefined && captureTimeNs <= this.#lastTimeNs;
    this.#last = seen;
    this.#lastTimeNs = captureTimeNs;
    const reasons: string[] = [];
    if (seen.p99 < black) reasons.push("the frame is black");
    else if (seen.burnt > burnt) reasons.push("the frame is overexposed");
    // Dense fog still shows the road's texture or a gradient from sky to road; a hand, mud or a lens cap does not.
    else if (seen.contrast < coveredContrast && seen.bands.every(({ detail }) => detail < coveredDetail)) reasons.push("the lens is covered");
    if (seen.noise > noise) reasons.push("the picture is noise");
    if (this.#unchanged + 1 >= frozenFrames) reasons.push("the camera is frozen");
    if (this.#reversals >= flickerFrames) reasons.push("the light flickers");
    if (wentBack) reasons.push("its capture time is not after that of the frame before");
    return { fit: reasons.length === 0, reasons };
  }

  #noteChange(change: number): void {
    const isReversal = Math.abs(change) > this.limits.flicker && Math.abs(this.#change) > this.limits.flicker && change * this.#change < 0;
    this.#reversals = isReversal ? this.#reversals + 1 : 0;
    this.#change = change;
  }
}

/** The means of all cells and the sums over all points agree exactly. */
function isSame(a: FrameStatistics, b: FrameStatistics): boolean {
  return a.mean === b.mean && a.contrast === b.contrast && a.warmth === b.warmth && a.saturation === b.saturation && a.thumbnail.every((value, at) => value === b.thumbnail[at]);
}
