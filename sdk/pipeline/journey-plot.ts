import type { JourneyResults } from "./journey.js";
import { escaped, svg } from "./svg.js";

const labelWidth = 54;
const panelWidth = 340;
const panelHeight = 150;
const top = 62;

const colours = ["#4c6ef5", "#e8590c", "#2b8a3e", "#9c36b5"];

/** mIoU in each condition after each stop, as SVG: a panel for each condition, a line for each row (of its first seed), a tick for each round. */
export function plotJourney({ study, about, journeys }: JourneyResults): string {
  const rows = [...new Set(journeys.map(({ row }) => row))];
  const firsts = rows.map((row) => journeys.find((journey) => journey.row === row)!);
  const conditions = Object.keys(firsts[0]?.stops[0]?.scores ?? {});
  const legend = rows.map((row, at) => `<text x="${labelWidth}" y="${top + at * 18}" style="fill:${colours[at % colours.length]}">${escaped(row)}</text>`);
  const start = top + rows.length * 18 + 12;
  const panels = conditions.map((where, at) => {
    const left = labelWidth + (at % 2) * (panelWidth + labelWidth);
    const upper = start + Math.floor(at / 2) * (panelHeight + 44);
    const lines = firsts.map(({ stops }) => stops.map(({ scores }) => scores[where]?.miou ?? NaN));
    const values = lines.flat().filter(Number.isFinite);
    const [low, high] = [Math.floor(Math.min(...values) - 1), Math.ceil(Math.max(...values) + 1)];
    const count = Math.max(...lines.map(({ length }) => length));
    const x = (stop: number): string => (left + (stop / Math.max(1, count - 1)) * panelWidth).toFixed(1);
    const y = (value: number): string => (upper + panelHeight - ((value - low) / (high - low)) * panelHeight).toFixed(1);
    const grid = [low, high].map((value) => `<line class="line" x1="${left}" x2="${left + panelWidth}" y1="${y(value)}" y2="${y(value)}"/><text class="quiet" x="${left - 6}" y="${y(value)}" text-anchor="end">${value}</text>`);
    const rounds = (firsts[0]?.stops ?? []).flatMap(({ round }, stop, all) =>
      all[stop + 1]?.round !== round && round > 0 ? [`<line class="line" x1="${x(stop)}" x2="${x(stop)}" y1="${upper}" y2="${upper + panelHeight}"/><text class="quiet" x="${x(stop)}" y="${upper + panelHeight + 14}" text-anchor="middle">round ${round}</text>`] : [],
    );
    const drawn = lines.map((line, row) => `<polyline fill="none" stroke-width="2" style="stroke:${colours[row % colours.length]}" points="${line.map((value, stop) => `${x(stop)},${y(value)}`).join(" ")}"/>`);
    return [`<text x="${left + panelWidth / 2}" y="${upper - 8}" text-anchor="middle">${escaped(where)}</text>`, ...grid, ...rounds, ...drawn].join("\n");
  });
  const width = 2 * (labelWidth + panelWidth) + 24;
  const height = start + Math.ceil(conditions.length / 2) * (panelHeight + 44);
  return svg(width, height, about, [
    `<text class="title" x="12" y="22">${escaped(study)}</text>`,
    `<text class="quiet" x="12" y="38">mIoU, percent, by the weights that serve in each condition</text>`,
    ...legend,
    ...panels,
  ]);
}
