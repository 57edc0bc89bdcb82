import type { Perception } from "../engine/perception.js";
import { effectiveCount } from "./judge/judge.js";

/** What can be told of one answer without labels. */
export interface LiveSample {
  /** Mean greatest probability, 0 to 1. */
  readonly confidence: number;
  /** Effective number of categories in the mask. */
  readonly variety: number;
  /** Share of pixels that kept their category since the frame before, 0 to 1; absent for a first frame. */
  readonly stability?: number;
}

export interface ProbationLimits {
  /** Frames that new weights must stand. */
  readonly frames: number;
  /** Frames after which gross harm already ends it. */
  readonly leastFrames: number;
  /** How much mean confidence may fall. */
  readonly confidenceLoss: number;
  /** How much mean stability may fall. */
  readonly stabilityLoss: number;
  /** Share of the variety that must stay. */
  readonly leastVariety: number;
}

export const defaultProbationLimits: ProbationLimits = { frames: 90, leastFrames: 20, confidenceLoss: 0.1, stabilityLoss: 0.1, leastVariety: 0.6 };

/** Means over the latest frames. */
export class LiveWindow {
  readonly #samples: LiveSample[] = [];

  constructor(readonly length: number) {}

  get count(): number {
    return this.#samples.length;
  }

  add(sample: LiveSample): void {
    this.#samples.push(sample);
    if (this.#samples.length > this.length) this.#samples.shift();
  }

  clear(): void {
    this.#samples.length = 0;
  }

  /** NaN where nothing was seen. */
  get means(): Required<LiveSample> {
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    return {
      confidence: mean(this.#samples.map(({ confidence }) => confidence)),
      variety: mean(this.#samples.map(({ variety }) => variety)),
      stability: mean(this.#samples.flatMap(({ stability }) => stability ?? [])),
    };
  }
}

export type ProbationOutcome = { readonly passed: true } | { readonly passed: false; readonly reasons: readonly string[] };

/** Watches new weights after a swap, against what the old ones answered just before it. */
export class Probation {
  readonly #after: LiveWindow;

  constructor(
    readonly before: Required<LiveSample>,
    readonly limits: ProbationLimits,
  ) {
    this.#after = new LiveWindow(limits.frames);
  }

  get after(): Required<LiveSample> {
    return this.#after.means;
  }

  get frames(): number {
    return this.#after.count;
  }

  /** Undefined while it goes on. What was not known before cannot have worsened. */
  observe(sample: LiveSample): ProbationOutcome | undefined {
    this.#after.add(sample);
    const { frames, leastFrames, confidenceLoss, stabilityLoss, leastVariety } = this.limits;
    if (this.#after.count < leastFrames) return undefined;
    const { before, after } = this;
    const reasons: string[] = [];
    if (after.confidence < before.confidence - confidenceLoss) reasons.push(`mean confidence fell from ${before.confidence.toFixed(2)} to ${after.confidence.toFixed(2)}`);
    if (after.stability < before.stability - stabilityLoss) reasons.push(`stability from frame to frame fell from ${before.stability.toFixed(2)} to ${after.stability.toFixed(2)}`);
    if (after.variety < before.variety * leastVariety) reasons.push(`categories collapsed: effectively ${after.variety.toFixed(1)} of ${before.variety.toFixed(1)}`);
    if (reasons.length > 0) return { passed: false, reasons };
    return this.#after.count >= frames ? { passed: true } : undefined;
  }
}

/** Turns answers into samples; holds each camera's mask before. */
export class LiveProxies {
  readonly #last = new Map<string, Uint8Array>();

  /** `shares` are those of the mask's categories. */
  sample({ camera, mask, maskScore }: Pick<Perception, "camera" | "mask" | "maskScore">, shares: ReadonlyMap<string, number>): LiveSample {
    let sum = 0;
    for (const score of maskScore) sum += score;
    const before = this.#last.get(camera);
    const last = before?.length === mask.length ? before : undefined;
    let same = 0;
    // Every 13th pixel says as much in a fraction of the time.
    if (last) for (let at = 0; at < mask.length; at += 13) if (mask[at] === last[at]) same++;
    this.#last.set(camera, mask);
    return {
      confidence: sum / maskScore.length / 255,
      variety: effectiveCount(shares),
      ...(last && { stability: same / Math.ceil(mask.length / 13) }),
    };
  }
}
