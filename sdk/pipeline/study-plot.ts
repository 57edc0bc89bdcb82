import { escaped, svg } from "./svg.js";
import { type StudyResults, type Summary, summarise } from "./study.js";

const labelWidth = 250;
const panelWidth = 270;
const rowHeight = 24;
const top = 62;
/** Space at both sides of a panel's axis. */
const margin = 22;

/**
 * A study as SVG, mIoU or, where boxes alone are labelled, AP50: a panel for each set that was scored, a line for each row; small dots are seeds, large ones their mean, bars one standard deviation to either
 * side, and the dashed line is the bundle as it was.
 */
export function plotStudy(results: StudyResults): string {
  const summary = summarise(results);
  const rows = [...new Set(summary.map(({ row }) => row))].filter((row) => row !== "before");
  const sets = [...new Set(summary.map(({ on }) => on))];
  const width = labelWidth + sets.length * panelWidth;
  const height = top + rows.length * rowHeight + 16;
  const middle = (row: number): number => top + (row + 0.5) * rowHeight;
  const labels = rows.map((row, at) => `<text x="${labelWidth - 12}" y="${middle(at) + 4}" text-anchor="end">${escaped(row)}</text>`);
  const panels = sets.map((on, at) => panel(results, summary.filter((each) => each.on === on), rows, on, labelWidth + at * panelWidth, middle, height));
  return svg(width, height, results.about, [
    `<text class="title" x="12" y="22">${escaped(results.study)}</text>`,
    `<text class="quiet" x="12" y="38">percent: mIoU, or AP50 where it says so</text>`,
    ...labels,
    ...panels,
  ]);
}

function panel({ runs }: StudyResults, summary: readonly Summary[], rows: readonly string[], on: string, left: number, middle: (row: number) => number, height: number): string {
  const measure = summary.some(({ miou }) => miou) ? "miou" : "ap50";
  const scores = (row: string): number[] => runs.filter((run) => run.row === row).flatMap(({ scores: { [on]: score } }) => score?.[measure] ?? []);
  const all = [...new Set(summary.map(({ row }) => row))].flatMap(scores);
  const [low, high] = [Math.floor(Math.min(...all) - 0.5), Math.ceil(Math.max(...all) + 0.5)];
  const x = (value: number): string => (left + margin + ((value - low) / (high - low)) * (panelWidth - 2 * margin)).toFixed(1);
  const ticks = [low, (low + high) / 2, high].map((value) => `<text class="quiet" x="${x(value)}" y="${top - 6}" text-anchor="middle">${Number.isInteger(value) ? value : value.toFixed(1)}</text>`);
  const lines = rows.map((row, at) => {
    const found = summary.find((each) => each.row === row);
    const value = found?.[measure];
    if (!found || !value) return "";
    const { mean, deviation } = value;
    const y = middle(at);
    return [
      `<line class="line" x1="${x(low)}" x2="${x(high)}" y1="${y}" y2="${y}"/>`,
      `<line class="spread" x1="${x(Math.max(low, mean - deviation))}" x2="${x(Math.min(high, mean + deviation))}" y1="${y}" y2="${y}"/>`,
      ...scores(row).map((value) => `<circle class="seed" cx="${x(value)}" cy="${y}" r="3"/>`),
      `<circle class="mean" cx="${x(mean)}" cy="${y}" r="5"><title>${escaped(row)} on ${escaped(on)}: ${mean.toFixed(1)} ± ${deviation.toFixed(1)}, ${found.runs} seeds</title></circle>`,
    ].join("");
  });
  const before = scores("before").map((value) => `<line class="before" x1="${x(value)}" x2="${x(value)}" y1="${top}" y2="${height - 12}"><title>before: ${value.toFixed(1)}</title></line>`);
  return [`<text x="${left + panelWidth / 2}" y="22" text-anchor="middle">${escaped(on)}${measure === "ap50" ? ", AP50" : ""}</text>`, ...ticks, ...before, ...lines].join("\n");
}
