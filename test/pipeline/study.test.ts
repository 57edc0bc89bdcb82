import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { runStudy, type StudyResults } from "../../sdk/pipeline/study.js";
import { summarise } from "../../sdk/pipeline/study-summary.js";
import { tinyBundle } from "../support/tiny-bundle.js";

const bundle = await tinyBundle();
const folder = mkdtempSync(join(tmpdir(), "nightshift-study-"));
test.after.always(() => bundle.remove());
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const study = (rows: string): string => {
  const path = join(folder, "small.yaml");
  writeFileSync(
    path,
    `{ about: Small., bundle: "${bundle.directory}", seeds: [1, 2], condition: night,
       targets: { drive: { seed: 5, length: 6, condition: night } }, scores: { night: { drive: { seed: 6, length: 3, condition: night } } }, rows: ${rows} }`,
  );
  return path;
};
const run = (name: string): Promise<StudyResults> => runStudy({ name, data: folder, threads: 1, onProgress: () => undefined });

test.serial("every row is run with every seed, written, and not run again; a row that changed is", async (t) => {
  const name = study("{ statistics: { steps: 0 }, learning: { steps: 2, rates: { align: 0 } } }");
  const first = await run(name);
  t.deepEqual(first.runs.map(({ row, seed }) => [row, seed]), [["before", null], ["statistics", 1], ["learning", 1], ["statistics", 2], ["learning", 2]]);
  for (const { scores } of first.runs) t.is(typeof scores["night"]?.miou, "number");
  t.deepEqual(JSON.parse(readFileSync(join(folder, "small.json"), "utf8")), first);
  t.deepEqual(await run(name), first);

  const changed = await run(study("{ statistics: { steps: 0 }, learning: { steps: 1, rates: { align: 0 } } }"));
  const ofStatistics = ({ runs }: StudyResults) => runs.filter(({ row }) => row === "statistics");
  t.deepEqual(ofStatistics(changed), ofStatistics(first));
  t.is(changed.runs.length, first.runs.length);
  t.true(changed.runs.filter(({ row }) => row === "learning").every(({ changes }) => changes.steps === 1));
});

test.serial("a row runs once more with as many steps as take another's time, may adapt to other frames, and learns from several sets", async (t) => {
  const drive = (seed: number): string => `{ drive: { seed: ${seed}, length: 6, condition: day } }`;
  const rows = `{ cheap: { steps: 4, rates: { supervised: 0, lmc: 0, align: 0 } }, whole: { steps: 5, targets: ${drive(7)}, exemplars: [${drive(8)}, ${drive(9)}] } }`;
  const name = study(`${rows}, oracle: whole, equalTime: { of: whole, rows: [cheap] }`);
  const results = await run(name);
  t.is(results.oracle, "whole");
  for (const seed of [1, 2]) {
    const of = (row: string) => results.runs.find((run) => run.row === row && run.seed === seed)!;
    const [cheap, whole, again] = [of("cheap"), of("whole"), of("cheap, in equal time")];
    t.is(again.inTimeOf, "whole");
    t.is(again.changes.steps, Math.round((5 * whole.stepSeconds!) / cheap.stepSeconds!));
    t.deepEqual(again.changes.rates, cheap.changes.rates);
  }
  t.deepEqual(await run(name), results);

  rmSync(join(folder, "small.json"));
  const some = (...chosen: string[]): Promise<StudyResults> => runStudy({ name, data: folder, threads: 1, rows: chosen, onProgress: () => undefined });
  const part = await some("cheap");
  t.deepEqual(part.runs.map(({ row, seed }) => [row, seed]), [["before", null], ["cheap", 1], ["cheap", 2]]);
  t.regex(part.command, / --row "cheap"$/);
  t.true(summarise(part).every(({ ofGap }) => ofGap === null), "without the oracle nothing is told as a share of its gain");
  await t.throwsAsync(some("dear"), { code: "E_CONFIG", message: /"dear"/ });

  await t.throwsAsync(run(study("{ a: {} }, oracle: b")), { code: "E_CONFIG", message: /"b"/ });
  await t.throwsAsync(run(study("{ none: { steps: 0 } }, equalTime: { of: none, rows: [none] }")), { code: "E_CONFIG", message: /two steps/ });
  const lines: string[] = [];
  await t.throwsAsync(runStudy({ name: study("{ late: { exemplars: nowhere } }"), data: folder, threads: 1, onProgress: (line) => lines.push(line) }), { code: "E_DATASET" });
  t.deepEqual(lines, [], "a name that is wrong is told before anything runs");
});

test("mean, spread and the class that lost most, by hand", (t) => {
  const score = (miou: number, road: number) => ({ night: { miou, ap50: null, perClass: { road, sky: 50 }, perClassAp50: {} }, fog: { miou: null, ap50: miou / 2, perClass: {}, perClassAp50: { car: road, bus: 50 } } });
  const of = (row: string, seed: number | null, miou: number, road: number) => ({ row, changes: {}, seed, seconds: 1, stepSeconds: null, accepted: true, scores: score(miou, road) });
  const results = { study: "s", about: "", command: "", of: "", oracle: "b", runs: [of("before", null, 40, 60), of("a", 1, 42, 57), of("a", 2, 44, 59), of("a", 3, 43, 58), of("b", 1, 50, 61)] };
  const [before, , night, fog] = summarise(results);
  t.is(before.ofGap, 0);
  t.deepEqual(night, { row: "a", on: "night", runs: 3, miou: { mean: 43, deviation: 1 }, ap50: null, worst: { name: "road", change: -2 }, ofGap: 30 });
  t.deepEqual(fog, { row: "a", on: "fog", runs: 3, miou: null, ap50: { mean: 21.5, deviation: 0.5 }, worst: { name: "car", change: -2 }, ofGap: 30 }, "boxes alone are labelled there");
});

test("a study that is not there, or not one, is refused", async (t) => {
  await t.throwsAsync(run(join(folder, "none.yaml")), { code: "E_CONFIG" });
  writeFileSync(join(folder, "odd.yaml"), "{ about: x, wheels: 4 }");
  await t.throwsAsync(run(join(folder, "odd.yaml")), { code: "E_CONFIG", message: /seeds/ });
});
