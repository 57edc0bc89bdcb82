import type { Weights } from "../../graph/tensor.js";
import { type JudgeBounds, judge, type Measurements } from "../judge/index.js";

/** What of a training is offered to the judge. */
export interface Offer {
  /** Of the way from the weights that serve to those that were learnt, above 0 to 1. */
  readonly share: number;
  readonly measurements: Measurements;
}

/**
 * Tries shares of what was learnt, the greatest first, and stays at the first that the judge accepts: on the straight way between two sets of weights most of the gain comes before most of the loss (Wortsman et al. 2022,
 * "Robust fine-tuning of zero-shot models"). All of it stays where no share would pass, and where it gains too little, as less of it gains less.
 *
 * @param examine writes weights to where they would serve from, in the place of what is there, and measures them
 */
export async function offer(start: Weights, learnt: Weights, shares: readonly number[], bounds: JudgeBounds, examine: (weights: Weights, known?: Measurements) => Promise<Measurements>): Promise<Offer> {
  const whole = { share: 1, measurements: await examine(learnt) };
  const { accepted, numbers: { targetScore } } = judge(whole.measurements, bounds);
  if (accepted || !(targetScore.gain >= targetScore.needed) || shares.length === 0) return whole;
  for (const share of shares) {
    const measurements = await examine(interpolated(start, learnt, share), whole.measurements);
    if (judge(measurements, bounds).accepted) return { share, measurements };
  }
  return { ...whole, measurements: await examine(learnt, whole.measurements) };
}

/** `share` of the way from `start` to `end`, tensor by tensor, float32. */
export function interpolated(start: Weights, end: Weights, share: number): Weights {
  return new Map(
    [...end].map(([name, tensor]) => {
      const from = start.get(name)!.data;
      return [name, { ...tensor, data: tensor.data.map((value, at) => from[at] + share * (value - from[at])) }];
    }),
  );
}
