import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { journeyLines, runJourney } from "../../sdk/pipeline/journey.js";
import { plotJourney } from "../../sdk/pipeline/journey-plot.js";
import { formOf } from "../../sdk/pipeline/study.js";
import { tinyBundle } from "../support/tiny-bundle.js";

const bundle = await tinyBundle();
const folder = mkdtempSync(join(tmpdir(), "nightshift-journey-"));
test.after.always(() => bundle.remove());
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

test("a journey learns at every stop, scores every condition after it, is kept, and is drawn", async (t) => {
  const name = join(folder, "small.yaml");
  const drive = (seed: number, length: number, condition: string): string => `{ drive: { seed: ${seed}, length: ${length}, condition: ${condition} } }`;
  writeFileSync(
    name,
    `about: Small.
bundle: "${bundle.directory}"
seeds: [1]
rounds: 2
stops: { dusk: ${drive(5, 6, "dusk")}, fog: ${drive(6, 6, "fog")} }
scores: { clear: ${drive(7, 2, "day")}, fog: ${drive(8, 2, "fog")} }
rows: { shelved: { judged: false, changes: { steps: 1 } }, shared: { judged: false, shelf: false, changes: { steps: 1 } }, judged: { changes: { steps: 0, statisticsMix: 0 } } }
`,
  );
  t.is(await formOf(name), "journey");
  const run = () => runJourney({ name, data: folder, threads: 1, onProgress: () => undefined });
  const results = await run();
  const of = (row: string) => results.journeys.find((journey) => journey.row === row)!.stops;
  for (const row of ["shelved", "shared"]) t.deepEqual(of(row).map(({ round, condition }) => [round, condition]), [[0, null], [1, "dusk"], [1, "fog"], [2, "dusk"], [2, "fog"]]);

  const clear = (row: string): unknown[] => of(row).map(({ scores }) => scores["clear"].perClass);
  t.is(new Set(clear("shelved").map((scores) => JSON.stringify(scores))).size, 1, "with a shelf the day keeps the delivered weights");
  t.true(new Set(clear("shared").map((scores) => JSON.stringify(scores))).size > 1, "without one the day has whatever was learnt last");
  t.notDeepEqual(of("shelved").at(-1)!.scores["fog"], of("shelved")[0].scores["fog"]);

  t.true(of("judged").slice(1).every(({ accepted, reasons }) => accepted === false && reasons.length > 0), "nothing learnt is nothing gained");
  t.deepEqual(of("judged").at(-1)!.scores, of("judged")[0].scores);

  t.deepEqual(JSON.parse(readFileSync(join(folder, "small.json"), "utf8")), results);
  t.deepEqual(await run(), results);
  t.is(journeyLines(results).length, 3 * 6);
  const svg = plotJourney(results);
  t.is(svg.match(/<polyline/g)?.length, 2 * 3);
  t.notRegex(svg, /NaN/);
});
