import { escaped, svg } from "../../../pipeline/svg.js";

/** What a soak measured, over time; seconds since its start. */
export interface SoakData {
  readonly windows: readonly { readonly fault: string; readonly fromS: number; readonly toS: number }[];
  readonly memory: readonly { readonly atS: number; readonly residentMb: number; readonly heldMb: number }[];
  /** Of answers within five seconds each, outside of the windows. */
  readonly latency: readonly { readonly atS: number; readonly p50Ms: number; readonly p99Ms: number }[];
  readonly generations: readonly { readonly atS: number; readonly generation: number }[];
}

const [width, left, right, panelHeight, gap, top] = [1100, 70, 20, 130, 40, 60];

const style = `
  .fault { fill: #d0d7de; opacity: 0.5 } .a { stroke: #4c6ef5; fill: none } .b { stroke: #e8590c; fill: none }
  @media (prefers-color-scheme: dark) { .fault { fill: #30363d } }`;

type Points = readonly (readonly [atS: number, value: number])[];

/** A soak as SVG: memory, latency and the generation that serves, over minutes; grey are the windows of faults. */
export function plotSoak({ windows, memory, latency, generations }: SoakData): string {
  const endS = Math.max(1, ...memory.map(({ atS }) => atS));
  const x = (atS: number): string => (left + (atS / endS) * (width - left - right)).toFixed(1);
  const panels: readonly { readonly title: string; readonly lines: Readonly<Record<string, Points>> }[] = [
    { title: "memory, MB: resident, and what JavaScript holds of it in orange", lines: { a: memory.map(({ atS, residentMb }) => [atS, residentMb] as const), b: memory.map(({ atS, heldMb }) => [atS, heldMb] as const) } },
    { title: "latency outside of the faults, ms: median, and p99 in orange", lines: { a: latency.map(({ atS, p50Ms }) => [atS, p50Ms] as const), b: latency.map(({ atS, p99Ms }) => [atS, p99Ms] as const) } },
    { title: "generation", lines: { a: steps(generations.map(({ atS, generation }) => [atS, generation] as const), endS) } },
  ];
  const height = top + panels.length * (panelHeight + gap);
  const bars = windows.map(({ fault, fromS, toS }) => `<rect class="fault" x="${x(fromS)}" y="${top - 14}" width="${Number(x(toS)) - Number(x(fromS))}" height="${height - top}"><title>${escaped(fault)}</title></rect>`);
  const minutes = Array.from({ length: Math.floor(endS / 60) + 1 }, (_, at) => at).filter((at) => at % Math.ceil(endS / 60 / 12) === 0);
  const ticks = minutes.map((minute) => `<text class="quiet" x="${x(minute * 60)}" y="${height - 8}" text-anchor="middle">${minute} min</text>`);
  const parts = [`<text class="title" x="12" y="22">Soak, ${(endS / 60).toFixed(1)} minutes, ${windows.length} faults</text>`, ...bars, ...panels.flatMap(({ title, lines }, at) => panel(title, lines, top + at * (panelHeight + gap), x)), ...ticks];
  return svg(width, height, `A soak of ${(endS / 60).toFixed(1)} minutes with a fault every minute`, parts, style);
}

function panel(title: string, lines: Readonly<Record<string, Points>>, y: number, x: (atS: number) => string): string[] {
  const values = Object.values(lines).flatMap((points) => points.map(([, value]) => value));
  const most = Math.max(1, ...values);
  const at = (value: number): string => (y + panelHeight * (1 - value / most)).toFixed(1);
  return [
    `<text class="quiet" x="${left}" y="${y - 6}">${title}</text>`,
    ...[0, most].map((value) => `<text class="quiet" x="${left - 8}" y="${Number(at(value)) + 4}" text-anchor="end">${value.toFixed(0)}</text>`),
    `<line class="line" x1="${left}" x2="${width - right}" y1="${at(0)}" y2="${at(0)}"/>`,
    ...Object.entries(lines).map(([name, points]) => `<polyline class="${name}" points="${points.map(([atS, value]) => `${x(atS)},${at(value)}`).join(" ")}"/>`),
  ];
}

/** A value holds until the next. */
function steps(points: Points, endS: number): Points {
  return points.flatMap(([atS, value], at) => [[atS, value] as const, [points[at + 1]?.[0] ?? endS, value] as const]);
}
