import test from "ava";
import { LatencyHistogram, RateMeter } from "../../sdk/stream/metrics.js";

test("percentiles are within one per cent of the sorted values", (t) => {
  const histogram = new LatencyHistogram();
  const values = Array.from({ length: 20_000 }, (_, i) => 0.05 * 1.0006 ** ((i * 7919) % 20_000));
  for (const value of values) histogram.record(value);
  values.sort((a, b) => a - b);
  for (const share of [0.01, 0.5, 0.95, 0.99, 0.999]) {
    const exact = values[Math.ceil(share * values.length) - 1] ?? NaN;
    t.true(Math.abs(histogram.percentile(share) / exact - 1) <= 0.0101, `${share}: ${histogram.percentile(share)} for ${exact}`);
  }
  const longest = Math.max(...values);
  t.is(histogram.max, longest);
  t.is(histogram.percentile(1), longest);
  t.is(histogram.count, 20_000);
  t.true(Math.abs(histogram.mean / (values.reduce((a, b) => a + b) / values.length) - 1) < 1e-9);
});

test("few, equal, tiny and enormous latencies", (t) => {
  const none = new LatencyHistogram();
  t.deepEqual([none.percentiles, none.max, none.mean], [{ p50: 0, p95: 0, p99: 0 }, 0, 0]);
  const one = new LatencyHistogram();
  one.record(12);
  t.deepEqual(one.percentiles, { p50: 12, p95: 12, p99: 12 });
  const odd = new LatencyHistogram();
  for (const value of [-1, 0, 1e12]) odd.record(value);
  t.deepEqual([odd.percentile(0), odd.max], [0.001 * 1.02 ** -0.5, 1e12]);
});

test("rates, recent and overall", (t) => {
  const meter = new RateMeter(10);
  t.is(meter.perSecond(0), 0);
  for (let i = 0; i < 100; i++) meter.tick(i * 50);
  t.is(meter.perSecond(99 * 50), 20);
  t.is(meter.perSecond(99 * 50 + 50), 20, "the next is not overdue yet");
  t.is(meter.perSecond(99 * 50 + 600), 10);
  t.true(meter.perSecond(1e9) < 0.02, "of a camera that is gone");
  for (let i = 1; i <= 10; i++) meter.tick(99 * 50 + i * 100);
  t.is(meter.perSecond(99 * 50 + 1000), 10);
  t.is(meter.count, 110);
  t.true(Math.abs(meter.overallPerSecond - (109 * 1000) / 5950) < 1e-9);
});
