import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { driveDataset } from "../../adapters/datasets/drive.js";
import { createLmcLearner } from "../../sdk/adaptation/lmc.js";
import { BundleText } from "../../sdk/adaptation/trainer/bundle-text.js";
import { readBundle } from "../../sdk/bundle/index.js";
import { ThreadEngine } from "../../sdk/engine/thread-engine.js";
import { evaluateBundle } from "../../sdk/training/evaluate.js";
import { train, type TrainOptions } from "../../sdk/training/train.js";
import { tinyBundle } from "../support/tiny-bundle.js";

const openModule = new URL("../../adapters/datasets/open.js", import.meta.url);

test("a bundle learns depth, tells it, and everything else it says stays the same", async (t) => {
  const start = await tinyBundle();
  const folder = mkdtempSync(join(tmpdir(), "nightshift-depth-"));
  t.teardown(() => start.remove());
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const recipe = join(folder, "recipe.yaml");
  writeFileSync(
    recipe,
    `{ name: far, task: depth, start: ${start.directory}, seed: 1, steps: 6, batch: 2, rate: 2e-3,
       sources: [ { drive: { seed: 5, length: 4, condition: day }, share: 1, terms: free } ], validation: { drive: { seed: 6, length: 1, condition: day } } }`,
  );
  const options: TrainOptions = { out: join(folder, "bundle"), checkpoint: join(folder, "checkpoint"), recipe, resume: false, openModule, threads: 1 };
  const trained = await train(options);
  t.is(trained.steps, 6);
  const { absRel = NaN, within125 = NaN } = trained.validation?.depth ?? {};
  t.true(absRel > 0 && within125 >= 0 && within125 <= 100);
  await t.throwsAsync(train({ ...options, out: join(folder, "second") }), { code: "E_CONFIG", message: /--resume/ });

  const [before, after] = [await readBundle(start.directory), await readBundle(options.out)];
  const further = join(folder, "further.yaml");
  const stated = `{ drive: { seed: 5, length: 2, condition: day }, share: 1, terms: free }`;
  writeFileSync(further, `{ name: farther, task: depth, start: ${options.out}, seed: 2, steps: 1, batch: 2, rate: 2e-3, sources: [ ${stated}, ${stated} ] }`);
  const again = await readBundle((await train({ ...options, out: join(folder, "further"), checkpoint: join(folder, "checkpoint of further"), recipe: further })).bundle);
  t.deepEqual([again.manifest.training.data, again.notice], [after.manifest.training.data, after.notice], "each stated once");
  t.deepEqual(after.manifest.network, { ...before.network, depth: true });
  t.like(after.manifest, { name: "far", generation: 0, vocabulary: before.manifest.vocabulary });
  t.like(after.manifest.metrics, { ...before.manifest.metrics, "absRel drive/day": absRel, "within125 drive/day": within125 });
  t.deepEqual(after.manifest.training.data.at(-1), { name: "depth: rendered drives (day, seed 5)", terms: "free" });
  for (const [name, tensor] of before.weights) t.deepEqual(after.weights.get(name), tensor, name);

  const frame = await driveDataset({ seed: 8, length: 1, condition: "day", width: 160, height: 96 }).sample(0);
  const answers = [];
  for (const { directory } of [before, after]) {
    const engine = new ThreadEngine({ threads: 1 });
    await engine.load({ kind: "bundle", directory });
    const { timings: _, ...answer } = await engine.infer({ camera: "test", sequence: 1, captureTimeNs: 1n, ...frame });
    answers.push(answer);
    await engine.close();
  }
  const [{ depth: none, ...plain }, { depth, ...told }] = answers;
  t.is(none, undefined);
  t.deepEqual(told, plain, "masks and boxes to the bit");
  t.is(depth?.length, (before.network.width / 4) * (before.network.height / 4));
  t.true(depth?.every((metres) => metres >= 0.5 && metres <= 300.1));
  t.is((await evaluateBundle(start.directory, driveDataset({ seed: 6, length: 1, condition: "day", depth: true }), { threads: 1 })).depth, undefined);

  // What learns on the vehicle leaves the head as it came.
  const learner = await createLmcLearner(after.network, after.weights, new BundleText(after), { vocabulary: ["road"], sourceBatch: 1, targetBatch: 1, maskRatio: 0.5, trains: "default", seed: 1, threads: 1 });
  const { weights } = after;
  for (const [name, tensor] of learner.teacher()) if (name.startsWith("depth.")) t.deepEqual(tensor, weights.get(name));
  t.is(learner.teacher().size, weights.size);
  await learner.close();
});

test("a recipe for depth is told its mistakes, and starts from a network of our own", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "nightshift-depth-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const recipe = join(folder, "recipe.yaml");
  const options: TrainOptions = { out: join(folder, "bundle"), checkpoint: join(folder, "checkpoint"), recipe, resume: false, openModule };
  writeFileSync(recipe, "name: far\ntask: depth\nstart: default\nseed: 1\nsteps: 6\nbatch: 2\nrates: 2e-3\nsources: []\n");
  await t.throwsAsync(train(options), { code: "E_CONFIG", message: /rate: .*line 8: sources: .*line 7: Unrecognized key: "rates"/s });
  writeFileSync(recipe, "name: far\ntask: depth\nstart: default\nseed: 1\nsteps: 6\nbatch: 2\nrate: 2e-3\nsources: [{ drive: { seed: 1, length: 1, condition: day }, share: 1, terms: free }]\n");
  await t.throwsAsync(train({ ...options, textEncoder: "tower" }), { code: "E_CONFIG", message: /--text-encoder/ });
  writeFileSync(recipe, "name: far\ntask: speed\n");
  await t.throwsAsync(train(options), { code: "E_CONFIG", message: /task/ });
});
