import type { Frame } from "../../frame.js";

/** Frames are looked at on a grid of this many columns and rows, whatever their size. */
export const gridColumns = 160;
export const gridRows = 90;

/** Columns and rows of the coarse cells: haze is the darkest that each cell holds, and the thumbnail is their mean colours. */
export const cellColumns = 16;
export const cellRows = 9;

/** A third of the frame, from the top: sky, the street ahead, the road. */
export interface Band {
  /** Mean luma, 0 to 1. */
  readonly luma: number;
  /** Mean step between neighbouring grid points as a share of the band's luma (plus `detailFloor`): how much there is to see. */
  readonly detail: number;
}

/** What one frame looks like, in a few numbers. Luma and shares run from 0 to 1. */
export interface FrameStatistics {
  readonly mean: number;
  /** Standard deviation of luma. */
  readonly contrast: number;
  /** Luma that 5 % of the points do not exceed. */
  readonly p05: number;
  readonly median: number;
  readonly p95: number;
  readonly p99: number;
  /** Share of points darker than 0.1. */
  readonly dark: number;
  /** Share of points that are burnt out in all channels. */
  readonly burnt: number;
  /** Mean of (greatest - least channel) / greatest channel over points that are not dark. */
  readonly saturation: number;
  /** log2 of mean red over mean blue: above 0 is warm. */
  readonly warmth: number;
  /** Mean over the cells of the least channel found in each: the dark channel of dehazing, which clear air leaves near 0. */
  readonly darkChannel: number;
  /** The dark channel of the middle band alone as a share of the 95th percentile of luma. */
  readonly haze: number;
  /** Typical step between neighbouring camera pixels in the calmest quarter of the frame: sensor noise. */
  readonly noise: number;
  readonly bands: readonly [Band, Band, Band];
  /** `[9, 16, 3]`: mean colour of each cell. */
  readonly thumbnail: Uint8Array;
}

/** Luma that keeps noise in the dark from counting as detail. */
export const detailFloor = 8 / 255;

const levels = 256;
/** Bins a level: noise is mostly below one level. */
const fine = 4;

/** Looks at a frame; about 0.6 ms on one core, whatever the frame's size. */
export function frameStatistics({ width, height, rgb }: Frame): FrameStatistics {
  const luma = new Float32Array(gridColumns * gridRows);
  const histogram = new Uint32Array(levels);
  const steps = new Uint32Array(levels * fine);
  const least = new Uint8Array(cellColumns * cellRows).fill(255);
  const colours = new Uint32Array(cellColumns * cellRows * 3);
  const columns = Int32Array.from({ length: gridColumns }, (_, column) => 3 * Math.min(Math.floor(((column + 0.5) * width) / gridColumns), width - 2));
  const [perColumn, perRow] = [gridColumns / cellColumns, gridRows / cellRows];
  let [red, blue, sum, square, burnt, saturation, lit, point] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let row = 0; row < gridRows; row++) {
    const line = Math.floor(((row + 0.5) * height) / gridRows) * width * 3;
    const firstCell = Math.floor(row / perRow) * cellColumns;
    for (let column = 0; column < gridColumns; column++) {
      const at = line + columns[column];
      // The mean of two neighbours: single pixels would turn sensor noise into saturation and haze.
      const r = (rgb[at] + rgb[at + 3]) >> 1;
      const g = (rgb[at + 1] + rgb[at + 4]) >> 1;
      const b = (rgb[at + 2] + rgb[at + 5]) >> 1;
      const here = 77 * rgb[at] + 150 * rgb[at + 1] + 29 * rgb[at + 2];
      const beside = 77 * rgb[at + 3] + 150 * rgb[at + 4] + 29 * rgb[at + 5];
      const value = (here + beside) >> 9;
      luma[point++] = value;
      histogram[value]++;
      steps[(Math.abs(here - beside) * fine) >> 8]++;
      const low = r < g ? (r < b ? r : b) : g < b ? g : b;
      const high = r > g ? (r > b ? r : b) : g > b ? g : b;
      const cell = firstCell + ((column / perColumn) | 0);
      if (low < least[cell]) least[cell] = low;
      colours[cell * 3] += r;
      colours[cell * 3 + 1] += g;
      colours[cell * 3 + 2] += b;
      red += r;
      blue += b;
      sum += value;
      square += value * value;
      if (low >= 250) burnt++;
      if (high >= 26) {
        saturation += (high - low) / high;
        lit++;
      }
    }
  }
  const points = luma.length;
  const mean = sum / points;
  const at = (share: number): number => quantile(histogram, share * points) / 255;
  const p95 = at(0.95);
  const middle = least.subarray(3 * cellColumns, 6 * cellColumns);
  return {
    mean: mean / 255,
    contrast: Math.sqrt(Math.max(0, square / points - mean * mean)) / 255,
    p05: at(0.05),
    median: at(0.5),
    p95,
    p99: at(0.99),
    dark: histogram.subarray(0, 26).reduce((sum, each) => sum + each, 0) / points,
    burnt: burnt / points,
    saturation: lit > 0 ? saturation / lit : 0,
    warmth: Math.log2((red + points) / (blue + points)),
    darkChannel: average(least) / 255,
    haze: average(middle) / 255 / Math.max(0.1, p95),
    noise: quantile(steps, 0.25 * points) / fine / 255,
    bands: [band(luma, 0), band(luma, 1), band(luma, 2)],
    thumbnail: Uint8Array.from(colours, (total) => total / (perColumn * perRow)),
  };
}

const average = (values: Uint8Array): number => values.reduce((sum, each) => sum + each, 0) / values.length;

/** The bin up to which the histogram counts at least `count`. */
function quantile(histogram: Uint32Array, count: number): number {
  let seen = 0;
  for (let bin = 0; bin < histogram.length; bin++) {
    seen += histogram[bin];
    if (seen >= count) return bin;
  }
  return histogram.length - 1;
}

function band(luma: Float32Array, index: 0 | 1 | 2): Band {
  const [first, end] = [(index * gridRows) / 3, ((index + 1) * gridRows) / 3];
  let [sum, step] = [0, 0];
  for (let row = first; row < end; row++)
    for (let column = 0; column < gridColumns; column++) {
      const here = luma[row * gridColumns + column];
      sum += here;
      if (column > 0) step += Math.abs(here - luma[row * gridColumns + column - 1]);
      if (row > first) step += Math.abs(here - luma[(row - 1) * gridColumns + column]);
    }
  const points = (end - first) * gridColumns;
  const mean = sum / points;
  return { luma: mean / 255, detail: step / points / (mean + 255 * detailFloor) };
}
