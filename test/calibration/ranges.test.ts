import test from "ava";
import { Histogram } from "../../calibration/histogram.js";
import { type RangeMethod, rangeMethods } from "../../calibration/ranges.js";
import { integersOf, type Range } from "../../sdk/graph/quantisation.js";
import { Random } from "../../sdk/random.js";

/** Numbers of a bell curve, cut at 0, and one that lies far out; above 0 or below. */
function outlier(sign: 1 | -1): { values: Float32Array; histogram: Histogram } {
  const random = new Random(3);
  const values = Float32Array.from({ length: 50_000 }, () => sign * Math.max(0, random.normal()));
  values[7] = sign * 60;
  const histogram = new Histogram(sign > 0 ? [0, 60] : [-60, 0]);
  histogram.add(values);
  return { values, histogram };
}

const meanSquaredError = (values: Float32Array, range: Range): number => {
  const { scale, zero } = integersOf(range, "asymmetric");
  const offset = Number(zero.data[0]);
  return values.reduce((sum, value) => sum + (value - (Math.min(255, Math.max(0, Math.round(value / scale) + offset)) - offset) * scale) ** 2, 0) / values.length;
};

test("a histogram counts each number once, the extremes with the outermost bins", (t) => {
  const histogram = new Histogram([-2, 2]);
  histogram.add(Float32Array.of(-2, -1.999, 0, 2, 2));
  t.is(histogram.total, 5);
  t.deepEqual([histogram.counts[0], histogram.counts.at(-1)], [1 + Number(-1.999 < -2 + histogram.width), 2]);
  t.is(histogram.middle(0), -2 + histogram.width / 2);
});

for (const [where, sign] of [["above", 1], ["below", -1]] as const)
  test(`min-max keeps an outlier ${where}, percentile gives it up, mse weighs it`, (t) => {
    const { values, histogram } = outlier(sign);
    const by = (method: RangeMethod): Range => rangeMethods[method](histogram, "asymmetric");
    const far = (range: Range): number => Math.max(...range.map(Math.abs));
    t.deepEqual(by("min-max"), sign > 0 ? [0, 60] : [-60, 0]);
    t.true(far(by("percentile")) < 10, `${by("percentile").join()}`);
    const errors = Object.fromEntries((["min-max", "percentile", "entropy", "mse"] as const).map((method) => [method, meanSquaredError(values, by(method))]));
    for (const error of Object.values(errors)) t.true(errors["mse"] <= error * 1.05, JSON.stringify(errors));
    t.true(far(by("entropy")) < 60);
  });

test("a range reaches 0 though all that was seen is far from it", (t) => {
  for (const [extent, value] of [[[-60, 0], -55], [[0, 60], 55]] as const) {
    const histogram = new Histogram(extent);
    histogram.add(new Float32Array(1000).fill(value));
    for (const [name, method] of Object.entries(rangeMethods)) {
      const [low, high] = method(histogram, "asymmetric");
      t.true(low <= 0 && high >= 0, `${name}: ${low}, ${high}`);
    }
  }
});

test("where nothing lies far out, every method keeps nearly everything and 0", (t) => {
  const histogram = new Histogram([-1, 3]);
  histogram.add(Float32Array.from({ length: 10_000 }, (_, at) => -1 + (4 * at) / 9_999));
  for (const [name, method] of Object.entries(rangeMethods))
    for (const form of ["asymmetric", "symmetric"] as const) {
      const [low, high] = method(histogram, form);
      t.true(low >= -1 && low < -0.9 && high > 2.7 && high <= 3, `${name} ${form}: ${low}, ${high}`);
    }
});

test("a tensor that is always 0 has a range", (t) => {
  const histogram = new Histogram([0, 0]);
  histogram.add(new Float32Array(10));
  for (const method of Object.values(rangeMethods)) for (const end of method(histogram, "asymmetric")) t.true(Math.abs(end) < 1e-6);
});
