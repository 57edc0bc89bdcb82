import { Random } from "../../random.js";

/** Two-sided 95 %. */
export type Interval = readonly [low: number, high: number];

/**
 * Bootstrap over frames: how a score would spread had other frames of the same kind been labelled (percentiles of scores over frames drawn with replacement; Efron 1979).
 * Says nothing of how another training would have ended. Null where nothing can be scored.
 */
export function bootstrapInterval(frames: number, score: (drawn: readonly number[]) => number | undefined, draws = 200): Interval | null {
  const random = new Random("bootstrap");
  const scores: number[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const value = score(Array.from({ length: frames }, () => random.below(frames)));
    if (value !== undefined) scores.push(value);
  }
  if (scores.length === 0) return null;
  scores.sort((a, b) => a - b);
  const at = (share: number): number => scores[Math.round(share * (scores.length - 1))];
  return [at(0.025), at(0.975)];
}
