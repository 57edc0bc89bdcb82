import uPlot from "/uplot.js";
import { make, swatch } from "./dom.js";

export interface Line {
  readonly label: string;
  readonly colour: string;
  readonly fill?: string;
  /** Draws against the axis on the right. */
  readonly onRight?: boolean;
  readonly digits?: number;
}

/** An instant that is drawn over the chart. */
export interface Mark {
  readonly timeMs: number;
  readonly colour: string;
  /** Written beside it; nothing where empty. */
  readonly text: string;
  /** Keeps its name where there is no room for all. */
  readonly matters?: boolean;
}

/** A stretch of time whose background is coloured. */
export interface Band {
  readonly fromMs: number;
  readonly toMs: number;
  readonly colour: string;
}

export interface ChartData {
  readonly timesMs: readonly number[];
  /** One list a line, as long as `timesMs`. */
  readonly values: readonly (readonly (number | null)[])[];
  readonly marks?: readonly Mark[];
  readonly bands?: readonly Band[];
}

const quiet = "#8b96b0";
const grid = { stroke: "#ffffff0d", width: 1 };
const axis = { stroke: quiet, grid, ticks: { show: false }, font: "11px system-ui" };

/** Lines over time, as wide as their element. */
export class Chart {
  readonly #plot: uPlot;
  readonly #key = make("ul", "", "key");
  #data: ChartData = { timesMs: [], values: [] };

  constructor(
    private readonly root: HTMLElement,
    private readonly lines: readonly Line[],
    axisNames: readonly [left: string, right?: string],
  ) {
    this.#plot = new uPlot(
      {
        ...this.#size(),
        legend: { show: false },
        cursor: { y: false, points: { size: 6 } },
        padding: [8, axisNames[1] ? 0 : 10, 0, 0],
        scales: { x: { time: true }, left: { range: fromZero }, right: { range: fromZero } },
        axes: [
          { ...axis, size: 26, values: (_, seconds) => seconds.map((each) => new Date(each * 1000).toLocaleTimeString([], { hour12: false })), space: 80 },
          { ...axis, scale: "left", size: 42, label: axisNames[0], labelSize: 15, labelFont: "11px system-ui" },
          ...(axisNames[1] ? [{ ...axis, grid: { show: false }, scale: "right", side: 1, size: 42, label: axisNames[1], labelSize: 15, labelFont: "11px system-ui" } as const] : []),
        ],
        series: [{}, ...lines.map(series)],
        hooks: { setCursor: [() => this.#drawKey()], drawClear: [(plot) => this.#drawBands(plot)], draw: [(plot) => this.#drawMarks(plot)] },
      },
      [[], ...lines.map(() => [])],
      root,
    );
    this.#key.append(...lines.map(({ label, colour }) => keyEntry(label, colour)));
    root.append(this.#key);
    this.#plot.setSize(this.#size());
    new ResizeObserver(() => this.#plot.setSize(this.#size())).observe(root);
  }

  set data(data: ChartData) {
    this.#data = data;
    this.#plot.setData([data.timesMs.map((ms) => ms / 1000), ...data.values.map((each) => [...each])]);
    this.#drawKey();
  }

  /** Beside each name, the value under the pointer, or else the latest. */
  #drawKey(): void {
    const at = this.#plot.cursor.idx ?? this.#data.timesMs.length - 1;
    for (const [index, { digits }] of this.lines.entries()) {
      const value = this.#data.values[index]?.[at];
      const shown = this.#key.children[index]?.querySelector("b");
      if (shown) shown.textContent = value == null ? "" : value.toFixed(digits ?? 1);
    }
  }

  /** The key below takes its share of the height that the style gives. */
  #size(): { width: number; height: number } {
    return { width: Math.max(120, this.root.clientWidth), height: this.root.clientHeight - Math.max(26, this.#key.offsetHeight + 4) };
  }

  #drawBands(plot: uPlot): void {
    const { ctx, bbox } = plot;
    for (const { fromMs, toMs, colour } of this.#data.bands ?? []) {
      const left = Math.max(bbox.left, plot.valToPos(fromMs / 1000, "x", true));
      const right = Math.min(bbox.left + bbox.width, plot.valToPos(toMs / 1000, "x", true));
      ctx.fillStyle = colour;
      if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
  }

  #drawMarks(plot: uPlot): void {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    ctx.font = `600 ${10 * devicePixelRatio}px system-ui`;
    const taken: [left: number, right: number][] = [];
    // What changed the weights is named first: names that would lie on each other are left out, the lines stay.
    for (const { timeMs, colour, text } of [...(this.#data.marks ?? [])].sort((a, b) => Number(b.matters ?? false) - Number(a.matters ?? false))) {
      const x = Math.round(plot.valToPos(timeMs / 1000, "x", true));
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.fillStyle = colour;
      ctx.fillRect(x - devicePixelRatio, bbox.top, 2 * devicePixelRatio, bbox.height);
      const width = ctx.measureText(text).width + 8 * devicePixelRatio;
      const left = x + width <= bbox.left + bbox.width ? x + 4 * devicePixelRatio : x - width;
      if (!text || taken.some(([from, to]) => left < to && left + width > from)) continue;
      ctx.fillText(text, left, bbox.top + 10 * devicePixelRatio);
      taken.push([left, left + width]);
    }
    ctx.restore();
  }
}

const fromZero = (_: uPlot, __: number, most: number): [number, number] => [0, Number.isFinite(most) && most > 0 ? most * 1.15 : 1];

function keyEntry(label: string, colour: string): HTMLElement {
  const entry = make("li", label);
  entry.prepend(swatch(colour));
  entry.append(make("b"));
  return entry;
}

function series({ label, colour, fill, onRight }: Line): uPlot.Series {
  return {
    label,
    stroke: colour,
    width: 1.75,
    ...(fill && { fill }),
    scale: onRight ? "right" : "left",
    points: { show: false },
    spanGaps: true,
  };
}
