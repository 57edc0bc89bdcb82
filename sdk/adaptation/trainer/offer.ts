import type { FloatTensor, Weights } from "../../graph/tensor.js";
import type { Prompts } from "../../network/text/prompts.js";
import { type JudgeBounds, judge, type Measurements } from "../judge/index.js";

/** What a training starts from, or ends with: weights, and prompts where those learn. */
export interface Learnt {
  readonly weights: Weights;
  readonly prompts?: Prompts;
}

/** What of a training is offered to the judge. */
export interface Offer {
  /** Of the way from the weights that serve to those that were learnt, above 0 to 1. */
  readonly share: number;
  readonly measurements: Measurements;
}

/** Where weights would serve from. */
export interface Place {
  /** Writes it there, instead of what is there already. */
  write(learnt: Learnt): Promise<void>;
  /** Measures what was written last; `known`: the weights that serve were measured before. */
  measure(learnt: Learnt, known?: Measurements): Promise<Measurements>;
}

/**
 * Tries shares of what was learnt, the greatest first, and stays at the first that the judge accepts: on the straight way between two sets of weights most of the gain comes before most of the loss (Wortsman et al. 2022,
 * "Robust fine-tuning of zero-shot models"). All of it stays where no share would pass, and where it gains too little, as less of it gains less.
 */
export async function offer(start: Learnt, learnt: Learnt, shares: readonly number[], bounds: JudgeBounds, place: Place): Promise<Offer> {
  await place.write(learnt);
  const whole = { share: 1, measurements: await place.measure(learnt) };
  const { accepted, numbers: { targetScore } } = judge(whole.measurements, bounds);
  if (accepted || !(targetScore.gain >= targetScore.needed) || shares.length === 0) return whole;
  for (const share of shares) {
    const part = partOf(start, learnt, share);
    await place.write(part);
    const measurements = await place.measure(part, whole.measurements);
    if (judge(measurements, bounds).accepted) return { share, measurements };
  }
  await place.write(learnt);
  return whole;
}

function partOf(start: Learnt, learnt: Learnt, share: number): Learnt {
  const weights = interpolated(start.weights, learnt.weights, share);
  if (!start.prompts || !learnt.prompts) return { weights };
  return { weights, prompts: { task: between(start.prompts.task, learnt.prompts.task, share), category: between(start.prompts.category, learnt.prompts.category, share) } };
}

/** `share` of the way from `start` to `end`, tensor by tensor, float32. */
export const interpolated = (start: Weights, end: Weights, share: number): Weights => new Map([...end].map(([name, tensor]) => [name, between(start.get(name)!, tensor, share)]));

const between = (from: FloatTensor, to: FloatTensor, share: number): FloatTensor => ({ ...to, data: to.data.map((value, at) => from.data[at] + share * (value - from.data[at])) });
