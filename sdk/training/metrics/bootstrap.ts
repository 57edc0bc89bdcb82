import { Random } from "../../random.js";

/** Two-sided 95 %. */
export type Interval = readonly [low: number, high: number];

const draws = 200;

/**
 * Bootstrap over frames: how scores would spread had other frames of the same kind been labelled (percentiles of scores over frames drawn with replacement; Efron 1979).
 * Says nothing of how another training would have ended. A name that some draws have no score of is told by the others.
 */
export function bootstrapIntervals(frames: number, scores: (drawn: readonly number[]) => Readonly<Record<string, number | undefined>>): Record<string, Interval> {
  const random = new Random("bootstrap");
  const each = Array.from({ length: draws }, () => scores(Array.from({ length: frames }, () => random.below(frames))));
  const names = new Set(each.flatMap((draw) => Object.keys(draw)));
  const values = [...names].map((name) => [name, each.flatMap((draw) => draw[name] ?? [])] as const);
  return Object.fromEntries(values.filter(([, known]) => known.length > 0).map(([name, known]) => [name, middle(known)]));
}

/** The same of one score. Null where nothing can be scored. */
export function bootstrapInterval(frames: number, score: (drawn: readonly number[]) => number | undefined): Interval | null {
  return bootstrapIntervals(frames, (drawn) => ({ it: score(drawn) }))["it"] ?? null;
}

/** Its bounds to one digit. */
export const intervalText = (interval: readonly number[]): string => interval.map((bound) => bound.toFixed(1)).join(" to ");

function middle(values: readonly number[]): Interval {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))];
  return [at(0.025), at(0.975)];
}
