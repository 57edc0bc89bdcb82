import { integersOf, type QuantisedForm, type Range } from "../sdk/graph/quantisation.js";
import type { Histogram } from "./histogram.js";

/** How a tensor's range is chosen from what was seen of it. */
export type RangeMethod = "min-max" | "percentile" | "entropy" | "mse";

/** Share of the numbers that `percentile` cuts off at each end. */
const cutOff = 0.00005;

/** Ranges that `entropy` and `mse` try: shares of what was seen. */
const tried = Array.from({ length: 61 }, (_, at) => 1 - at / 80);

type Choose = (histogram: Histogram, form: QuantisedForm) => Range;

export const rangeMethods: Readonly<Record<RangeMethod, Choose>> = {
  /** Everything that was seen. */
  "min-max": ({ extent }) => extent,
  /** All but the outermost numbers. */
  percentile: withoutEnds,
  /** Whose integers keep most of what the distribution says: least Kullback-Leibler divergence (S. Migacz, "8-bit inference with TensorRT", 2017). */
  entropy: (histogram, form) => leastOf(histogram, (range) => divergence(histogram, range, form)),
  /** Whose integers are nearest to the numbers. */
  mse: (histogram, form) => leastOf(histogram, (range) => squaredError(histogram, range, form)),
};

function withoutEnds(histogram: Histogram): Range {
  const { counts, extent, width } = histogram;
  const most = histogram.total * cutOff;
  const beyond = (bins: Iterable<number>): number => {
    let [cut, sum] = [0, 0];
    for (const bin of bins) {
      sum += counts[bin];
      if (sum > most) break;
      cut++;
    }
    return cut;
  };
  const fromBelow = beyond(counts.keys());
  const fromAbove = beyond([...counts.keys()].reverse());
  return [Math.min(0, extent[0] + fromBelow * width), Math.max(0, extent[1] - fromAbove * width)];
}

function leastOf({ extent: [low, high] }: Histogram, loss: (range: Range) => number): Range {
  let [best, least]: [Range, number] = [[low, high], Infinity];
  for (const share of tried) {
    const range: Range = [low * share, high * share];
    const lost = loss(range);
    if (lost < least) [best, least] = [range, lost];
  }
  return best;
}

/** The integers that a range has room for, and which of them a number becomes. */
function integers(range: Range, form: QuantisedForm): { readonly scale: number; readonly least: number; readonly most: number; readonly nearest: (value: number) => number } {
  const { scale, zero } = integersOf(range, form);
  const [offset, low, high] = zero.dtype === "uint8" ? [Number(zero.data[0]), 0, 255] : [0, -128, 127];
  const [least, most] = [low - offset, high - offset];
  return { scale, least, most, nearest: (value) => Math.min(most, Math.max(least, Math.round(value / scale))) };
}

function squaredError(histogram: Histogram, range: Range, form: QuantisedForm): number {
  const { scale, nearest } = integers(range, form);
  return histogram.counts.reduce((sum, count, bin) => {
    if (count === 0) return sum;
    const value = histogram.middle(bin);
    return sum + count * (value - nearest(value) * scale) ** 2;
  }, 0);
}

/** Of the distribution, what lies outside counted at the ends, from the same in which all numbers of an integer are equally likely. */
function divergence(histogram: Histogram, range: Range, form: QuantisedForm): number {
  const { counts } = histogram;
  const { nearest } = integers(range, form);
  const inside = (value: number): boolean => value >= range[0] && value <= range[1];
  const cut = new Float64Array(counts.length);
  const [first, last] = ends(histogram, inside);
  counts.forEach((count, bin) => (cut[Math.min(last, Math.max(first, bin))] += count));
  // Only what is inside is known to who sees the integers alone.
  const groups = new Map<number, { sum: number; bins: number }>();
  const groupOf = (bin: number): number => nearest(histogram.middle(bin));
  for (let bin = first; bin <= last; bin++) {
    if (counts[bin] === 0) continue;
    const group = groups.get(groupOf(bin)) ?? { sum: 0, bins: 0 };
    groups.set(groupOf(bin), { sum: group.sum + counts[bin], bins: group.bins + 1 });
  }
  const total = histogram.total;
  const within = [...groups.values()].reduce((sum, group) => sum + group.sum, 0);
  let lost = 0;
  for (let bin = first; bin <= last; bin++) {
    if (cut[bin] === 0) continue;
    const group = groups.get(groupOf(bin));
    const seen = counts[bin] === 0 || !group ? 1e-9 : group.sum / group.bins / within;
    lost += (cut[bin] / total) * Math.log(cut[bin] / total / seen);
  }
  return lost;
}

/** The first and the last bin whose middle is inside. */
function ends(histogram: Histogram, inside: (value: number) => boolean): readonly [number, number] {
  let [first, last] = [0, histogram.counts.length - 1];
  while (first < last && !inside(histogram.middle(first))) first++;
  while (last > first && !inside(histogram.middle(last))) last--;
  return [first, last];
}
