import type { Score, StudyResults } from "./study.js";

/** Over seeds; the deviation of one is 0. */
export interface Spread {
  readonly mean: number;
  readonly deviation: number;
}

export interface Summary {
  readonly row: string;
  readonly on: string;
  readonly runs: number;
  /** Percent; null where masks are not labelled. */
  readonly miou: Spread | null;
  /** Percent; null where boxes are not. */
  readonly ap50: Spread | null;
  /** The class that lost most against `before`, points of its IoU, or of its AP50 where masks are not labelled. */
  readonly worst: { readonly name: string; readonly change: number } | null;
  /** Percent of what the oracle gains, of mIoU, or of AP50 where masks are not labelled; null where there is no oracle, or it gains less than a point. */
  readonly ofGap: number | null;
}

/** Mean and spread over seeds for each row and each set that was scored. */
export function summarise({ runs, oracle }: StudyResults): Summary[] {
  const before = runs.find(({ row }) => row === "before");
  const rows = [...new Set(runs.map(({ row }) => row))];
  const sets = [...new Set(runs.flatMap(({ scores }) => Object.keys(scores)))];
  const scoresOf = (row: string | undefined, on: string): Score[] => runs.filter((run) => run.row === row).flatMap((run) => run.scores[on] ?? []);
  const mean = (scores: readonly Score[]): number | undefined => (spread(scores.map(({ miou }) => miou)) ?? spread(scores.map(({ ap50 }) => ap50)))?.mean;
  return rows.flatMap((row) =>
    sets.map((on): Summary => {
      const scores = scoresOf(row, on);
      const [start, own, most] = [scoresOf("before", on), scores, scoresOf(oracle, on)].map(mean);
      const ofGap = start === undefined || own === undefined || most === undefined || most - start < 1 ? null : (100 * (own - start)) / (most - start);
      const miou = spread(scores.map((score) => score.miou));
      const classes = ({ perClass, perClassAp50 }: Score): Score["perClass"] => (miou ? perClass : perClassAp50);
      const first = before?.scores[on];
      const changes = Object.entries(first ? classes(first) : {}).map(([name, value]) => ({ name, change: (spread(scores.map((score) => classes(score)[name] ?? null))?.mean ?? 0) - value }));
      return { row, on, runs: scores.length, miou, ap50: spread(scores.map(({ ap50 }) => ap50)), worst: changes.sort((a, b) => a.change - b.change)[0] ?? null, ofGap };
    }),
  );
}

function spread(values: readonly (number | null)[]): Spread | null {
  const numbers = values.flatMap((value) => value ?? []);
  if (numbers.length === 0) return null;
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const squares = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / Math.max(1, numbers.length - 1)) };
}
