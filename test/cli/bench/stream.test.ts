import test from "ava";
import { bench as decode } from "../../../sdk/cli/bench/decode.js";
import { bench as publish } from "../../../sdk/cli/bench/publish.js";
import { trend } from "../../../sdk/cli/bench/statistics.js";
import { bench as swap } from "../../../sdk/cli/bench/swap.js";
import { median, quantile } from "../../../sdk/quantile.js";
import { Random } from "../../../sdk/random.js";
import { bundleOf } from "../../engine/models.js";

const quiet = { threads: 1, onProgress: () => undefined };

test.serial("bench decode measures the stream beside the bare session", async (t) => {
  const figures = await decode({ ...quiet, bundle: await bundleOf(t, 0), count: 40 });
  for (const key of ["fps", "bareFps", "ratioToBare", "peakMb"]) t.true(Number(figures[key]) > 0, key);
  t.like(figures, { frame: "1280x720", names: 3, framesMeasured: 40 });
});

test.serial("bench publish measures both transports beside the bare socket, and a stuck subscriber", async (t) => {
  const figures = await publish({ ...quiet, bundle: await bundleOf(t, 0), count: 50 });
  for (const name of ["tcp", "ipc"]) {
    const { latencyMs, framesPerSecond, bare } = figures[name] as { latencyMs: { p50: number }; framesPerSecond: number; bare: { framesPerSecond: number } };
    t.true(latencyMs.p50 > 0 && framesPerSecond > 0 && bare.framesPerSecond > 0, name);
  }
  t.like(figures["stuck"], { subscribers: 10, unsent: 0 });
});

test.serial("bench swap finds every answer to be its generation's", async (t) => {
  const figures = await swap({ ...quiet, bundle: await bundleOf(t, 0), count: 4 });
  t.like(figures, { swaps: 4, wrong: 0, lost: 0, generationsSeen: [0, 1] });
  t.true(Number(figures["answers"]) > 0);
});

test("statistics", (t) => {
  t.is(median([3, 1, 2]), 2);
  t.is(quantile([5, 1, 4, 2, 3], 0.8), 4);
});

test("a trend's interval holds its slope where each value is nearly the one before", (t) => {
  const random = new Random(1, "trend");
  const held = Array.from({ length: 200 }, () => {
    let wavers = 0;
    const { slope, interval } = trend(Array.from({ length: 1000 }, (_, at) => [at, 0.01 * at + (wavers = 0.95 * wavers + random.normal())]));
    return interval[0] <= 0.01 && 0.01 <= interval[1] && Math.abs(slope - 0.01) < 0.02;
  });
  t.true(held.filter(Boolean).length > 180, `${held.filter(Boolean).length} of 200`);
  t.deepEqual(trend(Array.from({ length: 20 }, (_, at) => [at, 3 * at])), { medians: Array.from({ length: 10 }, (_, at) => 6 * at), slope: 3, interval: [3, 3] });
  t.is(trend([[0, 1]]).slope, NaN);
});
