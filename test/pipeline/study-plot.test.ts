import test from "ava";
import type { StudyResults } from "../../sdk/pipeline/study.js";
import { plotStudy } from "../../sdk/pipeline/study-plot.js";

const run = (row: string, seed: number | null, night: number, day: number | null) => ({
  row,
  changes: {},
  seed,
  seconds: 1,
  stepSeconds: null,
  accepted: true,
  scores: { night: { miou: night, ap50: null, perClass: {}, perClassAp50: {} }, ...(day !== null && { day: { miou: day, ap50: null, perClass: {}, perClassAp50: {} } }) },
});

const results: StudyResults = {
  study: "night",
  about: "Nights & days <here>.",
  command: "",
  of: "",
  runs: [run("before", null, 20, 60), run("a < b", 1, 24, 59), run("a < b", 2, 26, 61), run("only night", 1, 22, null)],
};

test("each row has its seeds, their mean and spread on each panel, and the bundle before as a line", (t) => {
  const svg = plotStudy(results);
  t.is(svg.match(/class="seed"/g)?.length, 5);
  t.is(svg.match(/class="mean"/g)?.length, 3);
  t.is(svg.match(/class="before"/g)?.length, 2);
  t.true(svg.includes("a &lt; b on night: 25.0 ± 1.4, 2 seeds"));
  t.true(svg.includes("<title>Nights &amp; days &lt;here&gt;.</title>"));
  t.false(/NaN|undefined|Infinity/.test(svg));
  // The panel's axis goes from 19 to 27, from 272 to 498 of the picture: the mean of 25 lies at three quarters.
  t.true(svg.includes('cx="441.5"'));
});

test("where boxes alone are labelled, their AP50 is drawn", (t) => {
  const fog = (row: string, seed: number | null, ap50: number) => ({ row, changes: {}, seed, seconds: 1, stepSeconds: null, accepted: true, scores: { fog: { miou: null, ap50, perClass: {}, perClassAp50: {} } } });
  const svg = plotStudy({ ...results, runs: [fog("before", null, 10), fog("a", 1, 12), fog("a", 2, 14)] });
  t.true(svg.includes("fog, AP50"));
  t.true(svg.includes("a on fog: 13.0 ± 1.4, 2 seeds"));
});
