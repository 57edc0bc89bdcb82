import { linearTaps, type Taps } from "./taps.js";
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

/** Draws the view of a frame into `out` (`view.height * view.width * 3` bytes). Pixels outside the frame repeat its edge: see `pad`. */
export function resample(source: Pixels, view: View, smooth: boolean, out: Uint8ClampedArray): Covered {
  const columns = linearTaps(view.width, source.width, (x) => columnPlace(view, x), smooth);
  const rows = linearTaps(view.height, source.height, (y) => rowPlace(view, y), smooth);
  const line = new Float32Array(source.width * 3);
  const [start, end] = span(columns);
  for (let y = rows.first; y < rows.end; y++) {
    mixRows(source, rows, y, start * 3, (end + 1) * 3, line);
    mixColumns(line, columns, out, y * view.width * 3);
  }
  return { x1: columns.first, y1: rows.first, x2: columns.end, y2: rows.end };
}

/** Fills what the frame does not cover with the mean colour. */
export function pad(out: Uint8ClampedArray, width: number, height: number, covered: Covered): void {
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
    low = Math.min(low, from[index]!);
    high = Math.max(high, from[index]!);
  }
  return [Math.min(low, high), high];
}

function mixRows({ width, rgb }: Pixels, rows: Taps, y: number, start: number, end: number, line: Float32Array): void {
  const { each, from, weight } = rows;
  // Two rows are nearly every case, and mixing them in one pass is twice as fast as adding them up.
  const [a, b] = [from[y * each]! * width * 3, from[y * each + 1]! * width * 3];
  const [shareOfA, shareOfB] = [weight[y * each]!, weight[y * each + 1]!];
  for (let index = start; index < end; index++) line[index] = shareOfA * rgb[a + index]! + shareOfB * rgb[b + index]!;
  for (let tap = 2; tap < each; tap++) {
    const share = weight[y * each + tap]!;
    const offset = from[y * each + tap]! * width * 3;
    if (share > 0) for (let index = start; index < end; index++) line[index]! += share * rgb[offset + index]!;
  }
}

function mixColumns(line: Float32Array, columns: Taps, out: Uint8ClampedArray, offset: number): void {
  const { each, from, weight, first, end } = columns;
  for (let x = first; x < end; x++) {
    let [red, green, blue] = [0, 0, 0];
    for (let tap = x * each; tap < (x + 1) * each; tap++) {
      const share = weight[tap]!;
      const at = from[tap]! * 3;
      red += share * line[at]!;
      green += share * line[at + 1]!;
      blue += share * line[at + 2]!;
    }
    const at = offset + x * 3;
    out[at] = red;
    out[at + 1] = green;
    out[at + 2] = blue;
  }
}
