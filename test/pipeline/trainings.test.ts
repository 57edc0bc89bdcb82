import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { formOf } from "../../sdk/pipeline/study.js";
import { plotTrainings } from "../../sdk/pipeline/study-plot.js";
import { runTrainings, trainingLines } from "../../sdk/pipeline/trainings.js";
import { tinyNetwork } from "../support/tiny-bundle.js";

const folder = mkdtempSync(join(tmpdir(), "nightshift-trainings-"));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const recipe = join(folder, "recipe.yaml");
writeFileSync(
  recipe,
  `{ name: tiny, seed: 9, steps: 900, batch: 2, rates: { encoder: 1e-3, decoder: 1e-3, decay: 0.01 }, vocabulary: [sky, road, car], sources: [ { drive: { seed: 5, length: 4, condition: day }, share: 1, terms: free } ] }`,
);

test("each row is a training of its own by one recipe, scored with intervals, and not made again", async (t) => {
  const name = join(folder, "small.yaml");
  writeFileSync(
    name,
    `{ about: Small., recipe: ${JSON.stringify(recipe)}, steps: 3, seed: 1, size: { width: 96, height: 64 }, scores: { day: { drive: { seed: 6, length: 3, condition: day } } },
       rows: { whole: {}, masks alone: { tasks: [segmentation], heldOut: [car] }, ordinary: { prompts: { words: a photo of a } }, learnt: { prompts: { words: a photo of a, every: 2, rate: 1e-3 } }, boxes lightly: { detectionWeight: 0.2 } } }`,
  );
  t.is(await formOf(name), "trainings");
  const lines: string[] = [];
  const run = () => runTrainings({ name, data: folder, threads: 1, work: join(folder, "work"), network: tinyNetwork, onProgress: (line) => lines.push(line) });
  const results = await run();
  t.deepEqual(results.runs.map(({ row }) => row), ["whole", "masks alone", "ordinary", "learnt", "boxes lightly"]);
  t.true(lines.some((line) => line.startsWith("masks alone: ")));
  const [whole, masks] = results.runs.map(({ scores }) => scores["day"]);
  t.true(whole.miou !== null && whole.intervals!.miou![0] <= whole.miou && whole.miou <= whole.intervals!.miou![1]);
  t.is(whole.unseen, undefined);
  t.deepEqual([whole.ap50 === null, masks.ap50, masks.perClassAp50, masks.intervals?.ap50], [false, null, {}, null], "masks alone are not scored on boxes");
  t.is(masks.unseen?.miou, masks.perClass["car"] ?? null);
  t.deepEqual(JSON.parse(readFileSync(join(folder, "small.json"), "utf8")), results);
  t.false(existsSync(join(folder, "work", "bundle")));
  lines.length = 0;
  t.deepEqual(await run(), results);
  t.deepEqual(lines, []);
  t.is(trainingLines(results).length, 5);
  const svg = plotTrainings(results);
  t.true(svg.includes("masks alone"));
  t.false(/NaN|undefined|Infinity/.test(svg));
});

test("a set that is not there is told before anything is trained", async (t) => {
  const name = join(folder, "late.yaml");
  writeFileSync(name, `{ about: x, recipe: ${JSON.stringify(recipe)}, steps: 3, seed: 1, scores: { day: { folder: nowhere } }, rows: { whole: {} } }`);
  const lines: string[] = [];
  await t.throwsAsync(runTrainings({ name, data: folder, threads: 1, work: folder, network: tinyNetwork, onProgress: (line) => lines.push(line) }), { code: "E_DATASET" });
  t.deepEqual(lines, []);
});

test("a recipe that teaches depth, or that is not there, is refused", async (t) => {
  const name = join(folder, "depth.yaml");
  writeFileSync(name, "{ about: x, recipe: depth, steps: 3, seed: 1, scores: {}, rows: {} }");
  await t.throwsAsync(runTrainings({ name, data: folder, threads: 1, work: folder, onProgress: () => undefined }), { code: "E_CONFIG", message: /depth/ });
});
