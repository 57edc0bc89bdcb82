/** What a new user has: the bundles as they are shipped, and the main job run with them. */
import test from "ava";
import { findBundle, readBundle, shippedBundles } from "../../sdk/bundle/index.js";
import type { Summary } from "../../sdk/cli/summary.js";
import type { Evaluation } from "../../sdk/training/evaluate.js";
import { json, nightshift } from "../support/command.js";
import { needs, sharedData } from "../support/shared.js";

const mostMegabytes = 15;

for (const name of shippedBundles)
  test(`the bundle ${name} is whole, small, and says what it learnt from and on what terms`, async (t) => {
    const { manifest, notice } = await readBundle(findBundle(name));
    t.is(manifest.name, name);
    t.true(manifest.files.reduce((sum, { bytes }) => sum + bytes, 0) < mostMegabytes * 1e6);
    t.true(manifest.training.data.length > 0);
    for (const { name: data, terms } of manifest.training.data) t.true(notice.includes(`${data}: ${terms}`), data);
    t.is(/research/.test(notice), name === "default");
  });

test("the default bundle knows real streets by day", async (t) => {
  const dataset = sharedData("data", "camvid", "day-test");
  if (!needs(t, dataset !== undefined, "real frames", "see ../shared/data") || dataset === undefined) return;
  const { code, out } = await nightshift("evaluate", "--dataset", dataset, "--json");
  t.is(code, 0);
  const { miou, frames } = json(out) as unknown as Evaluation;
  t.is(frames, 171);
  t.true(Number(miou) > 45, `mIoU ${miou}`);
});

test.serial("on the rendered drive night falls, weights are learnt, accepted and swapped in, and unseen night is seen better", async (t) => {
  t.timeout(600_000);
  const { code, out, err } = await nightshift("run", "--headless", "--frames", "600", "--port", "0", "--json");
  t.is(code, 0, err);
  const { framesIn, answered, dropped, lost, generations, triggers, verdicts, miou, miouOn } = json(out) as unknown as Summary;
  t.deepEqual([framesIn, answered + dropped, lost], [600, 600, 0]);
  t.true(triggers >= 1 && verdicts.accepted >= 1 && generations >= 1, err);
  t.true(Number(miou.after) > Number(miou.before), `${miou.before} -> ${miou.after} on ${miouOn}`);
});
