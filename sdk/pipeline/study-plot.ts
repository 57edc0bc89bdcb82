import { intervalText } from "../training/metrics/index.js";
import { type Mark, type Panel, plotRows } from "./rows-plot.js";
import type { Score, StudyResults } from "./study.js";
import { type Summary, summarise } from "./study-summary.js";
import type { TrainingScore, TrainingsResults } from "./trainings.js";

type Measure = "miou" | "ap50";

/** AP50 where boxes alone are labelled. */
const measureOf = (scores: readonly { readonly miou: unknown }[]): Measure => (scores.some(({ miou }) => miou !== null) ? "miou" : "ap50");

const titled = (on: string, measure: Measure): string => (measure === "ap50" ? `${on}, AP50` : on);

const unit = "percent: mIoU, or AP50 where it says so";

/** A study as SVG: a panel for each set that was scored, a line for each row; small dots are seeds, large ones their mean, bars one standard deviation to either side, and the dashed line is the bundle as it was. */
export function plotStudy(results: StudyResults): string {
  const summary = summarise(results);
  const rows = [...new Set(summary.map(({ row }) => row))].filter((row) => row !== "before");
  const sets = [...new Set(summary.map(({ on }) => on))];
  return plotRows({ title: results.study, about: results.about, unit, rows, panels: sets.map((on) => panelOf(results, summary.filter((each) => each.on === on), on)) });
}

function panelOf({ runs }: StudyResults, summary: readonly Summary[], on: string): Panel {
  const measure = measureOf(summary);
  const scores = (row: string): number[] => runs.filter((run) => run.row === row).flatMap(({ scores: { [on]: score } }): number[] => valueOf(score, measure));
  const [before] = scores("before");
  const marks = summary.flatMap((each): [string, Mark][] => {
    const value = each[measure];
    if (each.row === "before" || !value) return [];
    const { mean, deviation } = value;
    return [[each.row, { mean, bar: [mean - deviation, mean + deviation], points: scores(each.row), text: `${each.row} on ${on}: ${mean.toFixed(1)} ± ${deviation.toFixed(1)}, ${each.runs} seeds` }]];
  });
  return { title: titled(on, measure), ...(before !== undefined && { before: { value: before, text: `before: ${before.toFixed(1)}` } }), marks: new Map(marks) };
}

const valueOf = (score: Pick<Score, Measure> | undefined, measure: Measure): number[] => (score?.[measure] == null ? [] : [score[measure]]);

/** Trainings as SVG: a panel for each set and measure, a line for each row, with its 95 % interval over frames as a bar. */
export function plotTrainings({ study, about, runs }: TrainingsResults): string {
  const sets = [...new Set(runs.flatMap(({ scores }) => Object.keys(scores)))];
  const panels = sets.flatMap((on) =>
    (["miou", "ap50"] as const).flatMap((measure): Panel[] => {
      const marks = runs.flatMap(({ row, scores: { [on]: score } }) => markOf(row, on, score, measure));
      return marks.length === 0 ? [] : [{ title: titled(on, measure), marks: new Map(marks) }];
    }),
  );
  return plotRows({ title: study, about, unit, rows: runs.map(({ row }) => row), panels });
}

function markOf(row: string, on: string, score: TrainingScore | undefined, measure: Measure): [string, Mark][] {
  const value = score?.[measure];
  if (value == null) return [];
  const bar = score?.intervals?.[measure] ?? [value, value];
  return [[row, { mean: value, bar, points: [], text: `${row} on ${on}: ${value.toFixed(1)}, ${intervalText(bar)}` }]];
}
