import { svg } from "../../pipeline/svg.js";
import type { ScaleRow } from "./scale.js";

const [panelWidth, panelHeight, top, left, gap] = [300, 220, 56, 64, 130];

const title = "Training steps by size of input and model";
const style = `
  .model { fill: none; stroke: #4c6ef5; stroke-width: 2 } .dot { fill: #4c6ef5 }`;

/** Time and peak memory of training steps over the size of the input, both on logarithmic axes: a panel for each kind of input and each of the two, a line for each model. */
export function plotScale(rows: readonly ScaleRow[]): string {
  const units = [...new Set(rows.map(({ unit }) => unit))];
  const width = left + 2 * (panelWidth + gap) + 40;
  const height = top + units.length * (panelHeight + 64);
  const panels = units.flatMap((unit, at) => {
    const own = rows.filter((row) => row.unit === unit);
    const y = top + at * (panelHeight + 64);
    return [panel(own, "ms a step", ({ stepMs }) => stepMs, left, y), panel(own, "MB at its peak", ({ peakMb }) => peakMb, left + panelWidth + gap, y)];
  });
  return svg(width, height, title, [`<text class="title" x="12" y="22">${title}</text>`, ...panels], style);
}

function panel(rows: readonly ScaleRow[], label: string, of: (row: ScaleRow) => number, x0: number, y0: number): string {
  const sizes = [...new Set(rows.map(({ size }) => size))].sort((a, b) => a - b);
  const values = rows.map(of);
  const scaled = (value: number, low: number, high: number): number => (high > low ? Math.log(value / low) / Math.log(high / low) : 0.5);
  const [low, high] = [Math.min(...values) / 1.2, Math.max(...values) * 1.2];
  const x = (size: number): string => (x0 + scaled(size, sizes[0] ?? 1, sizes[sizes.length - 1] ?? 1) * panelWidth).toFixed(1);
  const y = (value: number): string => (y0 + (1 - scaled(value, low, high)) * panelHeight).toFixed(1);
  const models = [...new Set(rows.map(({ model }) => model))].map((model) => {
    const own = rows.filter((row) => row.model === model).toSorted((a, b) => a.size - b.size);
    const last = own[own.length - 1];
    return [
      `<polyline class="model" points="${own.map((row) => `${x(row.size)},${y(of(row))}`).join(" ")}"/>`,
      ...own.map((row) => `<circle class="dot" cx="${x(row.size)}" cy="${y(of(row))}" r="4"><title>${model} at ${row.size}: ${of(row)} ${label}</title></circle>`),
      last ? `<text class="quiet" x="${Number(x(last.size)) + 8}" y="${Number(y(of(last))) + 4}">${model}</text>` : "",
    ].join("");
  });
  return [
    `<text class="title" x="${x0}" y="${y0 - 12}">${label}</text>`,
    `<line class="line" x1="${x0}" x2="${x0 + panelWidth}" y1="${y0 + panelHeight}" y2="${y0 + panelHeight}"/>`,
    ...sizes.map((size) => `<text class="quiet" x="${x(size)}" y="${y0 + panelHeight + 16}" text-anchor="middle">${size}</text>`),
    `<text class="quiet" x="${x0 + panelWidth / 2}" y="${y0 + panelHeight + 32}" text-anchor="middle">${rows[0]?.unit ?? ""}</text>`,
    // One is enough where the two would stand on each other.
    ...[...new Set([Math.max(...values), ...(Math.max(...values) > 1.1 * Math.min(...values) ? [Math.min(...values)] : [])])].map((value) => `<text class="quiet" x="${x0 - 8}" y="${Number(y(value)) + 4}" text-anchor="end">${Math.round(value)}</text>`),
    ...models,
  ].join("\n");
}
