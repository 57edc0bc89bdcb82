import { median } from "../../quantile.js";

type Point = readonly [x: number, y: number];

/** The least-squares line through points: its slope, and that slope's standard error where the points' errors are independent. */
function line(points: readonly Point[]): { readonly slope: number; readonly error: number } {
  const mean = (of: 0 | 1): number => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [middle, level] = [mean(0), mean(1)];
  const spread = points.reduce((sum, [x]) => sum + (x - middle) ** 2, 0);
  const slope = points.reduce((sum, [x, y]) => sum + (x - middle) * (y - level), 0) / spread;
  const residual = points.reduce((sum, [x, y]) => sum + (y - level - slope * (x - middle)) ** 2, 0);
  return { slope, error: Math.sqrt(residual / (points.length - 2) / spread) };
}

const batches = 10;
/** Student's t at 97.5 %, of a line through as many points. */
const t = 2.306;

/**
 * How what was measured again and again changes with x: the medians of ten batches, and the slope of the line through them with its 95 % interval. Memory is nearly what it was a moment ago, so that single measurements would
 * promise far too narrow an interval; batches are nearly independent. NaN of fewer than ten points.
 */
export function trend(points: readonly Point[]): { readonly medians: readonly number[]; readonly slope: number; readonly interval: readonly [number, number] } {
  const start = (batch: number): number => Math.floor((batch * points.length) / batches);
  const medians = Array.from({ length: batches }, (_, at) => points.slice(start(at), start(at + 1))).map((batch): Point => [median(batch.map(([x]) => x)), median(batch.map(([, y]) => y))]);
  const { slope, error } = line(medians);
  return { medians: medians.map(([, y]) => y), slope, interval: [slope - t * error, slope + t * error] };
}

export const rounded = (value: number, digits = 3): number => Number(value.toFixed(digits));

/** Wilson's interval of 95 % for a share. */
export function wilson(hits: number, of: number): [low: number, high: number] {
  const z = 1.96;
  const share = hits / of;
  const middle = (share + z ** 2 / (2 * of)) / (1 + z ** 2 / of);
  const half = (z / (1 + z ** 2 / of)) * Math.sqrt((share * (1 - share)) / of + (z / (2 * of)) ** 2);
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

/** The exponent of the power law through points, by least squares of their logarithms. */
export const exponent = (points: readonly Point[]): number => line(points.map(([x, y]) => [Math.log(x), Math.log(y)])).slope;
