import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import sharp from "sharp";
import { readBundle } from "../../sdk/bundle/index.js";
import { Learner } from "../../sdk/engine/learner.js";
import { writeSafetensors } from "../../sdk/graph/safetensors.js";
import { train, type Trained, type TrainOptions } from "../../sdk/training/train.js";
import { tinyBundle, tinyNetwork } from "../support/tiny-bundle.js";

const openModule = new URL("../../adapters/datasets/open.js", import.meta.url);
const steps = 8;

/** Four labelled frames: the left half is sky, the right half road, of so many names. */
async function labelledFolder(path: string, count = 2): Promise<void> {
  const [width, height] = [64, 32];
  const halves = Buffer.from(Uint8Array.from({ length: width * height }, (_, at) => (at % width < width / 2 ? 0 : 1)));
  for (const part of ["images", "labels"]) mkdirSync(join(path, part), { recursive: true });
  writeFileSync(join(path, "classes.json"), JSON.stringify({ classes: Object.fromEntries(Array.from({ length: count }, (_, id) => [id, ["sky", "road"][id] ?? `name ${id}`])), ignore: [] }));
  for (let i = 0; i < 4; i++) {
    const png = sharp(halves, { raw: { width, height, channels: 1 } });
    await png.clone().linear(150, 40 + i).png().toFile(join(path, "images", `${i}.png`));
    await png.toColourspace("b-w").png().toFile(join(path, "labels", `${i}.png`));
  }
}

test("training makes a whole bundle, validates it, and goes on from a checkpoint only where told to", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "nightshift-train-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  await labelledFolder(join(folder, "halves"));
  const recipe = join(folder, "recipe.yaml");
  writeFileSync(
    recipe,
    `{ name: tiny, seed: 1, steps: ${steps}, batch: 2, rates: { encoder: 1e-3, decoder: 1e-3, decay: 0.01 }, vocabulary: [sky, road, car], validation: halves,
       sources: [ { folder: halves, share: 7, terms: research }, { drive: { seed: 5, length: 8, condition: day }, share: 1, terms: free } ] }`,
  );
  const lines: string[] = [];
  const options: TrainOptions = { out: join(folder, "bundle"), checkpoint: join(folder, "checkpoint"), recipe, resume: false, data: folder, openModule, threads: 1, network: tinyNetwork };

  const trained = await train({ ...options, onProgress: (line) => lines.push(line) });
  t.is(trained.steps, steps);
  t.true(Number.isFinite(trained.losses["loss"]));
  t.is(trained.validation?.frames, 4);
  t.deepEqual(Object.keys(trained.validation?.perClass ?? {}), ["sky", "road"]);
  const { manifest, notice } = await readBundle(trained.bundle);
  t.like(manifest, { name: "tiny", generation: 0, network: tinyNetwork, vocabulary: ["sky", "road", "car"], condition: "clear" });
  t.deepEqual(manifest.training.data.map(({ terms }) => terms), ["research", "free"]);
  t.deepEqual(manifest.metrics, { "miou halves": trained.validation?.miou });
  t.regex(notice, /for research use/);
  t.is(manifest.exemplars?.ids.length, 72);

  const again = { ...options, out: join(folder, "second") };
  await t.throwsAsync(train(again), { code: "E_CONFIG", message: /--resume/ });
  // The schedule is over: nothing is left but to write the same weights again.
  const resumed = await train({ ...again, resume: true });
  t.is(resumed.steps, steps);
  t.deepEqual((await readBundle(resumed.bundle)).weights, (await readBundle(trained.bundle)).weights);
});

test("sources of more names than the vocabulary has room for are taught whole; the manifest says whose terms bind; what cannot teach is refused at once", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "nightshift-names-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  await labelledFolder(join(folder, "few"));
  await labelledFolder(join(folder, "many"), 20);
  const trained = async (source: string, out = "bundle", more: object = {}, resume = false): Promise<Trained> => {
    const sources = [{ folder: "few", share: 1, terms: "CC BY 4.0" }, { folder: source, share: 1, terms: "ours" }];
    const recipe = join(folder, "recipe.yaml");
    writeFileSync(recipe, JSON.stringify({ name: "many", seed: 1, steps: 2, batch: 2, rates: { encoder: 1e-3, decoder: 1e-3, decay: 0 }, vocabulary: ["sky", "road"], sources, ...more }));
    return train({ out: join(folder, out), checkpoint: join(folder, "checkpoint"), recipe, resume, data: folder, openModule, threads: 1, network: tinyNetwork });
  };
  await t.throwsAsync(trained("none"), { code: "E_DATASET" });
  await t.throwsAsync(trained("many", "few"), { code: "E_BUNDLE_FORMAT" });
  await t.throwsAsync(trained("many", "bundle", { validation: "none" }), { code: "E_DATASET" });
  await t.throwsAsync(trained("many", "bundle", { heldOut: ["road", "sidewalk"] }), { code: "E_CONFIG", message: /sky, road, name 2.*received "sidewalk"/s });
  await t.throwsAsync(trained("many", "bundle", { vocabulary: ["sky", "Sky"] }), { code: "E_VOCABULARY" });
  t.false(existsSync(join(folder, "checkpoint")), "before anything was learnt");
  mkdirSync(join(folder, "checkpoint"));
  writeFileSync(join(folder, "checkpoint", "checkpoint.safetensors"), writeSafetensors(new Map(), {}));
  await t.throwsAsync(trained("many", "bundle", {}, true), { code: "E_BUNDLE_FORMAT", message: /no steps/ });
  writeFileSync(join(folder, "checkpoint", "checkpoint.safetensors"), writeSafetensors(new Map(), { steps: "2", minutes: "0" }));
  await t.throwsAsync(trained("many", "bundle", {}, true), { code: "E_BUNDLE_FORMAT", message: /numbers for student.*received none/s }, "which no training went on from");
  rmSync(join(folder, "checkpoint"), { recursive: true });
  await t.throwsAsync(trained("few/images"), { code: "E_DATASET_UNLABELLED" });
  const { bundle, losses } = await trained("many");
  t.true(Number.isFinite(losses["loss"]));
  t.regex((await readBundle(bundle)).notice, /^Weights learnt from the data named here/);
});

test.serial("a training that a step ends lets go of what it learns with", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "nightshift-broken-"));
  const create = Learner.create.bind(Learner);
  const closed: string[] = [];
  Learner.create = async (...of) => {
    const learner = await create(...of);
    const close = learner.close.bind(learner);
    return Object.assign(learner, { close: () => (closed.push("learner"), close()) });
  };
  t.teardown(() => {
    Learner.create = create;
    rmSync(folder, { recursive: true, force: true });
  });
  await labelledFolder(join(folder, "halves"));
  writeFileSync(join(folder, "halves", "images", "3.png"), "torn");
  const recipe = join(folder, "recipe.yaml");
  writeFileSync(recipe, "{ name: torn, seed: 1, steps: 4, batch: 2, rates: { encoder: 1e-3, decoder: 1e-3, decay: 0 }, vocabulary: [sky, road], sources: [{ folder: halves, share: 1, terms: free }] }");
  await t.throwsAsync(train({ out: join(folder, "bundle"), checkpoint: join(folder, "checkpoint"), recipe, resume: false, data: folder, openModule, threads: 1, network: tinyNetwork }), { code: "E_IMAGE" });
  t.deepEqual(closed, ["learner"]);
});

test("training goes on from a bundle: its weights, its network, and what it was taught by", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "nightshift-start-"));
  const tiny = await tinyBundle();
  t.teardown(async () => {
    rmSync(folder, { recursive: true, force: true });
    await tiny.remove();
  });
  const recipe = join(folder, "recipe.yaml");
  const further = (seed: number, more: Readonly<Record<string, unknown>>, options: Partial<TrainOptions> = {}): Promise<Trained> => {
    const sources = [{ drive: { seed, length: 2, condition: "day" }, share: 1, terms: "free" }];
    const rates = { encoder: 1e-9, decoder: 1e-9, decay: 0 };
    writeFileSync(recipe, JSON.stringify({ name: "further", seed, steps: 2, batch: 2, rates, vocabulary: ["sky", "road"], sources, ...more }));
    return train({ out: join(folder, `${seed}`), checkpoint: join(folder, `checkpoint ${seed}`), recipe, resume: false, openModule, threads: 1, ...options });
  };

  const once = await readBundle((await further(5, { start: tiny.directory })).bundle);
  const before = await readBundle(tiny.directory);
  t.deepEqual(once.network, before.network);
  // At such rates nothing is learnt, so what comes out is what went in, but for the statistics, which are estimated anew.
  const learnt = [...before.weights].filter(([name]) => !/\.(mean|variance)$/.test(name));
  t.true(learnt.length > 0 && learnt.length < before.weights.size);
  for (const [name, { data }] of learnt) t.true(once.weights.get(name)!.data.every((value, at) => Math.abs(value - data[at]) < 1e-3), name);

  const twice = await readBundle((await further(6, { start: once.directory })).bundle);
  t.deepEqual(
    twice.manifest.training.data.map(({ name }) => name),
    ["rendered drives (day, seed 5)", "rendered drives (day, seed 6)"],
  );

  await t.throwsAsync(further(7, { start: once.directory, tasks: ["segmentation"] }), { code: "E_CONFIG", message: /without tasks and fusion/ });
  await t.throwsAsync(further(7, {}, { trust: ["key"] }), { code: "E_CONFIG", message: /starts from nothing/ });
});
