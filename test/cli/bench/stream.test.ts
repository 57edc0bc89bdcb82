import test from "ava";
import { bench as decode } from "../../../sdk/cli/bench/decode.js";
import { median, quantile, slope } from "../../../sdk/cli/bench/statistics.js";
import { bench as swap } from "../../../sdk/cli/bench/swap.js";
import { bundleOf } from "../../engine/models.js";

const quiet = { threads: 1, onProgress: () => undefined };

test.serial("bench decode measures the stream beside the bare session", async (t) => {
  const figures = await decode({ ...quiet, bundle: await bundleOf(t, 0), count: 20 });
  for (const key of ["fps", "bareFps", "ratioToBare", "peakMb"]) t.true(Number(figures[key]) > 0, key);
  t.like(figures, { frame: "1280x720", names: 3, framesMeasured: 20 });
});

test.serial("bench swap finds every answer to be its generation's", async (t) => {
  const figures = await swap({ ...quiet, bundle: await bundleOf(t, 0), count: 4 });
  t.like(figures, { swaps: 4, wrong: 0, lost: 0, generationsSeen: [0, 1] });
  t.true(Number(figures["answers"]) > 0);
});

test("statistics", (t) => {
  t.is(median([3, 1, 2]), 2);
  t.is(quantile([5, 1, 4, 2, 3], 0.8), 4);
  t.is(slope([1, 3, 5, 7]), 2);
});
