import { escaped, svg } from "./svg.js";

const labelWidth = 250;
const panelWidth = 270;
const rowHeight = 24;
const top = 62;
/** Space at both sides of a panel's axis. */
const margin = 22;

/** What a row measured on one panel. */
export interface Mark {
  readonly mean: number;
  /** The bar about it. */
  readonly bar: readonly [from: number, to: number];
  /** Small dots. */
  readonly points: readonly number[];
  /** What a pointer that rests there is told. */
  readonly text: string;
}

export interface Panel {
  readonly title: string;
  /** A dashed line for all rows, and what it tells. */
  readonly before?: { readonly value: number; readonly text: string };
  readonly marks: ReadonlyMap<string, Mark>;
}

export interface RowsPlot {
  readonly title: string;
  readonly about: string;
  readonly unit: string;
  readonly rows: readonly string[];
  readonly panels: readonly Panel[];
}

/** Rows by panels as SVG: small dots are single measurements, large ones what a row says, bars how sure that is. */
export function plotRows({ title, about, unit, rows, panels }: RowsPlot): string {
  const width = labelWidth + panels.length * panelWidth;
  const height = top + rows.length * rowHeight + 16;
  const middle = (row: number): number => top + (row + 0.5) * rowHeight;
  const labels = rows.map((row, at) => `<text x="${labelWidth - 12}" y="${middle(at) + 4}" text-anchor="end">${escaped(row)}</text>`);
  return svg(width, height, about, [
    `<text class="title" x="12" y="22">${escaped(title)}</text>`,
    `<text class="quiet" x="12" y="38">${escaped(unit)}</text>`,
    ...labels,
    ...panels.map((panel, at) => drawn(panel, rows, labelWidth + at * panelWidth, middle, height)),
  ]);
}

function drawn({ title, before, marks }: Panel, rows: readonly string[], left: number, middle: (row: number) => number, height: number): string {
  const all = [...(before ? [before.value] : []), ...[...marks.values()].flatMap(({ mean, bar, points }) => [mean, ...bar, ...points])];
  const least = Math.min(...all);
  // Scores are never below zero, differences may be.
  const [low, high] = [Math.max(Math.floor(least - 0.5), least < 0 ? -Infinity : 0), Math.ceil(Math.max(...all) + 0.5)];
  const x = (value: number): string => (left + margin + ((value - low) / (high - low)) * (panelWidth - 2 * margin)).toFixed(1);
  const ticks = [low, (low + high) / 2, high].map((value) => `<text class="quiet" x="${x(value)}" y="${top - 6}" text-anchor="middle">${Number.isInteger(value) ? value : value.toFixed(1)}</text>`);
  const lines = rows.map((row, at) => {
    const mark = marks.get(row);
    if (!mark) return "";
    const y = middle(at);
    return [
      `<line class="line" x1="${x(low)}" x2="${x(high)}" y1="${y}" y2="${y}"/>`,
      `<line class="spread" x1="${x(mark.bar[0])}" x2="${x(mark.bar[1])}" y1="${y}" y2="${y}"/>`,
      ...mark.points.map((value) => `<circle class="seed" cx="${x(value)}" cy="${y}" r="3"/>`),
      `<circle class="mean" cx="${x(mark.mean)}" cy="${y}" r="5"><title>${escaped(mark.text)}</title></circle>`,
    ].join("");
  });
  const dashed = before ? [`<line class="before" x1="${x(before.value)}" x2="${x(before.value)}" y1="${top}" y2="${height - 12}"><title>${escaped(before.text)}</title></line>`] : [];
  return [`<text x="${left + panelWidth / 2}" y="22" text-anchor="middle">${escaped(title)}</text>`, ...ticks, ...dashed, ...lines].join("\n");
}
