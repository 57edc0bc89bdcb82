import { Random } from "../../random.js";

/** Two-sided 95 %. */
export type Interval = readonly [low: number, high: number];

/**
 * Bootstrap over frames: how scores would spread had other frames of the same kind been labelled (percentiles of scores over frames drawn with replacement; Efron 1979).
 * Says nothing of how another training would have ended. A name that some draws have no score of is told by the others.
 */
export function bootstrapIntervals(frames: number, scores: (drawn: readonly number[]) => Readonly<Record<string, number | undefined>>, draws = 200): Record<string, Interval> {
  const random = new Random("bootstrap");
  const byName = new Map<string, number[]>();
  for (let draw = 0; draw < draws; draw++)
    for (const [name, value] of Object.entries(scores(Array.from({ length: frames }, () => random.below(frames))))) {
      if (value === undefined) continue;
      const known = byName.get(name);
      if (known) known.push(value);
      else byName.set(name, [value]);
    }
  return Object.fromEntries([...byName].map(([name, values]) => [name, middle(values)]));
}

/** The same of one score. Null where nothing can be scored. */
export function bootstrapInterval(frames: number, score: (drawn: readonly number[]) => number | undefined, draws?: number): Interval | null {
  return bootstrapIntervals(frames, (drawn) => ({ it: score(drawn) }), draws)["it"] ?? null;
}

function middle(values: readonly number[]): Interval {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))];
  return [at(0.025), at(0.975)];
}
