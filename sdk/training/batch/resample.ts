import { linearTaps, weightBits, type Taps } from "./taps.js";
import { columnPlace, rowPlace, type View } from "./view.js";

interface Pixels {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** `height * width * 3` bytes. */
  readonly rgb: Uint8Array;
}

/** The part of the output that the frame covers, in pixels; what lies outside is padding. */
export interface Covered {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** The mean colour of photographs (ImageNet), so that padding is zero to a network that subtracts it. */
const padding = [124, 116, 104] as const;

/** Draws the view of a frame into `out` (`view.height * view.width * 3` bytes). Pixels outside the frame are left as they are: see `pad`. */
export function resample(source: Pixels, view: View, smooth: boolean, out: Uint8Array): Covered {
  const columns = linearTaps(view.width, source.width, (x) => columnPlace(view, x), smooth);
  const rows = linearTaps(view.height, source.height, (y) => rowPlace(view, y), smooth);
  const line = new Int32Array(source.width * 3);
  const [start, end] = span(columns);
  for (let y = rows.first; y < rows.end; y++) {
    mixRows(source, rows, y, start * 3, (end + 1) * 3, line);
    mixColumns(line, columns, out, y * view.width * 3);
  }
  return { x1: columns.first, y1: rows.first, x2: columns.end, y2: rows.end };
}

/** Fills what the frame does not cover with the mean colour. */
export function pad(out: Uint8Array, width: number, height: number, covered: Covered): void {
  const fill = (from: number, to: number): void => {
    for (let pixel = from; pixel < to; pixel++) for (let channel = 0; channel < 3; channel++) out[pixel * 3 + channel] = padding[channel]!;
  };
  fill(0, covered.y1 * width);
  for (let y = covered.y1; y < covered.y2; y++) {
    fill(y * width, y * width + covered.x1);
    fill(y * width + covered.x2, (y + 1) * width);
  }
  fill(covered.y2 * width, height * width);
}

/** First and last source column that the visible output columns use. */
function span({ from, each, first, end }: Taps): [number, number] {
  let [low, high] = [Infinity, 0];
  for (let index = first * each; index < end * each; index++) {
    low = Math.min(low, from[index]);
    high = Math.max(high, from[index]);
  }
  return [Math.min(low, high), high];
}

/** Two taps are nearly every case, and a pass that knows it has two is twice as fast; more are added after it. */
function mixRows({ width, rgb }: Pixels, rows: Taps, y: number, start: number, end: number, line: Int32Array): void {
  const { each, from, weight } = rows;
  const row = width * 3;
  const a = from[y * each] * row;
  const b = from[y * each + 1] * row;
  const shareOfA = weight[y * each];
  const shareOfB = weight[y * each + 1];
  for (let index = start; index < end; index++) line[index] = shareOfA * rgb[a + index] + shareOfB * rgb[b + index];
  for (let tap = 2; tap < each; tap++) {
    const share = weight[y * each + tap];
    const offset = from[y * each + tap] * row;
    if (share !== 0) for (let index = start; index < end; index++) line[index] += share * rgb[offset + index];
  }
}

function mixColumns(line: Int32Array, columns: Taps, out: Uint8Array, offset: number): void {
  const { each, from, weight, first, end } = columns;
  const half = 1 << (2 * weightBits - 1);
  for (let x = first, at = offset + first * 3; x < end; x++, at += 3) {
    const tap = x * each;
    const a = from[tap] * 3;
    const b = from[tap + 1] * 3;
    const shareOfA = weight[tap];
    const shareOfB = weight[tap + 1];
    let red = half + shareOfA * line[a] + shareOfB * line[b];
    let green = half + shareOfA * line[a + 1] + shareOfB * line[b + 1];
    let blue = half + shareOfA * line[a + 2] + shareOfB * line[b + 2];
    for (let more = tap + 2; more < tap + each; more++) {
      const share = weight[more];
      const source = from[more] * 3;
      red += share * line[source];
      green += share * line[source + 1];
      blue += share * line[source + 2];
    }
    out[at] = red >> (2 * weightBits);
    out[at + 1] = green >> (2 * weightBits);
    out[at + 2] = blue >> (2 * weightBits);
  }
}
