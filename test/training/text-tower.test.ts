import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { openDataset } from "../../adapters/datasets/open.js";
import { calibrate, type CalibrateOptions } from "../../calibration/calibrate.js";
import { createLmcLearner } from "../../sdk/adaptation/lmc.js";
import { defaultTrainingOptions } from "../../sdk/adaptation/trainer/index.js";
import { BundleText } from "../../sdk/adaptation/trainer/bundle-text.js";
import { readBundle } from "../../sdk/bundle/index.js";
import { ThreadEngine } from "../../sdk/engine/thread-engine.js";
import { runModel } from "../../sdk/engine/run.js";
import { readSafetensors, writeSafetensors } from "../../sdk/graph/safetensors.js";
import { TextEncoder } from "../../sdk/network/text/text-encoder.js";
import { Nightshift } from "../../sdk/nightshift.js";
import { packageRoot } from "../../sdk/paths.js";
import { BatchLoader } from "../../sdk/training/batch/index.js";
import { inOtherWords } from "../../sdk/training/dataset.js";
import { evaluateBundle } from "../../sdk/training/evaluate.js";
import { train, type TrainOptions } from "../../sdk/training/train.js";
import { json, nightshift as nightshiftCommand } from "../support/command.js";
import { tinyBundle, tinyNetwork } from "../support/tiny-bundle.js";

const tower = join(packageRoot(), "test", "network", "clip", "tower");
const encoder = await TextEncoder.open(runModel, tower);
const folder = mkdtempSync(join(tmpdir(), "nightshift-tower-"));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
const recipe = join(folder, "recipe.yaml");
writeFileSync(
  recipe,
  `{ name: words, seed: 1, steps: 4, batch: 2, rates: { encoder: 1e-3, decoder: 1e-3, decay: 0.01 }, vocabulary: [sky, road, car], textEncoder: tower,
     prompts: { vectors: 2, every: 2, rate: 1e-2 }, sources: [ { drive: { seed: 5, length: 8, condition: day }, share: 1, terms: free } ] }`,
);
cpSync(tower, join(folder, "tower"), { recursive: true });
const openModule = new URL("../../adapters/datasets/open.js", import.meta.url);
const options: TrainOptions = { out: join(folder, "bundle"), checkpoint: join(folder, "checkpoint"), recipe, resume: false, data: folder, openModule, threads: 1, network: tinyNetwork };

test.serial("a network is trained with a tower of another width, prompts through it; the bundle says which", async (t) => {
  await train(options);
  const bundle = await readBundle(options.out);
  const { manifest, notice } = bundle;
  t.deepEqual(manifest.network, { ...tinyNetwork, textWidth: 12 });
  t.deepEqual(manifest.textEncoder, { id: "tower", sha256: encoder.tower.sha256 });
  t.regex(notice, /CLIP text tower in model\.safetensors/);
  const { tasks, names, prompts } = bundle.embeddings();
  t.deepEqual(tasks.shape, [2, 12]);
  t.deepEqual(prompts.get("category")?.shape, [2, 16]);
  const direct = await encoder.encode(["car"], prompts.get("category"));
  t.true(Math.max(...direct.data.map((x, i) => Math.abs(x - names.get("car")![i]))) < 2e-6, "names in the bundle are the tower's, with the prompts that were learnt");
});

test.serial("training goes on with the same tower alone", async (t) => {
  const other = join(folder, "other");
  cpSync(tower, other, { recursive: true });
  const { tensors } = readSafetensors(readFileSync(join(tower, "model.safetensors")));
  writeFileSync(join(other, "model.safetensors"), writeSafetensors(tensors, { made: "anew" }));
  await t.throwsAsync(train({ ...options, out: join(folder, "second"), resume: true, textEncoder: other }), { code: "E_TEXT_ENCODER", message: /checkpoint/ });
});

test.serial("a training that starts from the bundle keeps its prompts, and needs its tower", async (t) => {
  const further = join(folder, "further.yaml");
  writeFileSync(
    further,
    `{ name: further, start: ${JSON.stringify(options.out)}, seed: 2, steps: 1, batch: 2, rates: { encoder: 1e-3, decoder: 1e-3, decay: 0.01 }, vocabulary: [sky, road],
       sources: [ { drive: { seed: 5, length: 8, condition: day }, share: 1, terms: free } ] }`,
  );
  const again = { ...options, recipe: further, out: join(folder, "further"), checkpoint: join(folder, "further checkpoint") };
  await t.throwsAsync(train(again), { code: "E_TEXT_ENCODER", message: /was trained with/ });
  await train({ ...again, textEncoder: tower });
  const [before, after] = [(await readBundle(options.out)).embeddings(), (await readBundle(again.out)).embeddings()];
  t.deepEqual(after.prompts, before.prompts);
  t.deepEqual(after.names.get("road"), before.names.get("road"));
});

test.serial("names of the bundle need no tower, others need the bundle's own", async (t) => {
  const dataset = await openDataset({ kind: "drive", seed: 9, length: 1, condition: "day" });
  const renamed = inOtherWords(dataset, new Map([["road", "tarmac"]]));
  t.is((await evaluateBundle(options.out, dataset, { threads: 1 })).frames, 1);
  await t.throwsAsync(evaluateBundle(options.out, renamed, { threads: 1 }), { code: "E_TEXT_ENCODER", message: /expected tower, SHA-256 .*no other was named.*--text-encoder/ });
  t.true("tarmac" in (await evaluateBundle(options.out, renamed, { threads: 1, textEncoder: tower })).perClass);

  const own = await tinyBundle();
  t.teardown(() => own.remove());
  await t.throwsAsync(new BundleText(await readBundle(own.directory), tower).encode(["tarmac"]), { code: "E_TEXT_ENCODER", message: /expected all-MiniLM-L6-v2 int8/ });
  const engine = new ThreadEngine({ threads: 1 });
  t.teardown(() => engine.close());
  await engine.load({ kind: "bundle", directory: own.directory });
  const text = new BundleText(await readBundle(options.out));
  await t.throwsAsync(engine.setVocabulary(await text.vocabulary(["road"])), { code: "E_VOCABULARY", message: /\[3, 384\].*\[3, 12\]/ });
});

test.serial("calibrating asks for the tower before its work, and takes it", async (t) => {
  const frames = inOtherWords(await openDataset({ kind: "drive", seed: 9, length: 8, condition: "day" }), new Map([["road", "tarmac"]]));
  const lines: string[] = [];
  const calibration: CalibrateOptions = { bundle: options.out, frames, boxes: frames, out: join(folder, "half"), into: { precision: "float16" }, allowedLoss: 100, threads: 1, onProgress: (line) => lines.push(line) };
  await t.throwsAsync(calibrate(calibration), { code: "E_TEXT_ENCODER", message: /--text-encoder/ });
  t.false(lines.some((line) => line.startsWith("observing")));
  t.true("tarmac" in ((await calibrate({ ...calibration, textEncoder: tower })).scores.miou?.perClass ?? {}));
});

test.serial("the vehicle learns by the tower's words", async (t) => {
  const bundle = await readBundle(options.out);
  const { network } = bundle;
  const text = new BundleText(bundle, tower);
  const learner = await createLmcLearner(network, bundle.weights, text, { vocabulary: ["road", "tarmac"], sourceBatch: 1, targetBatch: 1, maskRatio: 0.5, trains: "default", seed: 1, threads: 1 });
  t.teardown(() => learner.close());
  const dataset = inOtherWords(await openDataset({ kind: "drive", seed: 9, length: 1, condition: "day" }), new Map([["road", "tarmac"]]));
  const loader = new BatchLoader([{ dataset, share: 1, boxes: true }], { batchSize: 1, width: network.width, height: network.height, seed: 1, cacheMb: 0 });
  const losses = await learner.step({ targets: new Uint8Array(network.width * network.height * 3).fill(90), source: await loader.batch(0) }, defaultTrainingOptions.rates);
  t.true(Number.isFinite(losses.total) && losses.total > 0);
});

test.serial("the stream answers in the tower's words, and the commands take a tower", async (t) => {
  const stream = { bundle: options.out, vocabulary: ["tarmac", "sky"], source: "drive", frames: 2, adaptation: false, publish: false, control: false } as const;
  await t.throwsAsync(Nightshift.start(stream), { code: "E_TEXT_ENCODER" });
  const nightshift = await Nightshift.start({ ...stream, textEncoder: tower });
  t.teardown(() => nightshift.stop());
  for await (const { vocabulary } of nightshift.answers()) t.deepEqual(vocabulary, ["tarmac", "sky"]);

  const evaluate = ["evaluate", "--bundle", options.out, "--dataset", "drive:day:9:1", "--words", "road=tarmac", "--threads", "1", "--json"];
  t.is(json((await nightshiftCommand(...evaluate, "--text-encoder", tower)).out)["frames"], 1);
  const run = await nightshiftCommand("run", "--bundle", options.out, "--headless", "--port", "0", "--set", "textEncoder=/nowhere", "--json");
  t.regex(run.err, /E_TEXT_ENCODER[^]*\/nowhere/);
});
