import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { defaultLearningRates, type LmcLearner } from "../../sdk/adaptation/learner.js";
import { judge, judgeBoundsFor, untimed } from "../../sdk/adaptation/judge/index.js";
import { train, trainingOptionsFor } from "../../sdk/adaptation/trainer/index.js";
import { learners } from "../../sdk/adaptation/trainer/learners.js";
import { interpolated } from "../../sdk/adaptation/trainer/offer.js";
import { folderDataset } from "../../adapters/datasets/folder.js";
import { readBundle } from "../../sdk/bundle/index.js";
import { importModel } from "../../sdk/pipeline/import-model.js";
import { readSpec } from "../../sdk/pipeline/import-spec.js";
import { Random } from "../../sdk/random.js";
import { evaluateBundle } from "../../sdk/training/evaluate.js";
import { json, nightshift } from "../support/command.js";
import { gridDetector, gridFolder, type GridForm, gridScene, gridSpec } from "../support/foreign-detector.js";

const folder = await mkdtemp(join(tmpdir(), "nightshift-detector-"));
const path = (name: string): string => join(folder, name);
await gridFolder(path("day"), 40, "day");
await gridFolder(path("night"), 8, "night");
await writeFile(path("spec.yaml"), gridSpec);

test.after.always(() => rm(folder, { recursive: true, force: true }));

async function imported(form: GridForm) {
  await writeFile(path(`${form}.onnx`), gridDetector(form));
  return importModel({ model: path(`${form}.onnx`), spec: await readSpec(path("spec.yaml")), out: path(form), exemplars: path("day") });
}

const random = new Random(8);
const targets = Array.from({ length: 24 }, () => gridScene(random, "night").rgb);

for (const form of ["detr", "yolo"] as const)
  test.serial(`a detector as ${form} writes it learns the night from exemplars in its colours, and the judge lets it serve`, async (t) => {
    const made = await imported(form);
    t.like(made, { task: "detection", learns: true, agreement: 100 });
    const out = path(`${form}-1`);
    const options = trainingOptionsFor("night", { steps: 40, threads: 1, trains: "/^score[.]/", rates: { ...defaultLearningRates, decoder: 0.05, alpha: 0.8 } });
    const { measurements, losses } = await train(
      { bundleDirectory: path(form), outDirectory: out, generation: 1, condition: "night", vocabulary: ["car", "person"], targets, exemplars: [], options },
      await learners.lmc(),
      () => undefined,
    );
    t.true(losses.every(({ total }) => total < 20), `${losses[0]?.total} ... ${losses.at(-1)?.total}`);
    const { before, after } = measurements;
    t.true(before.exemplars.boxes!.ap50 > 95 && before.restyled.boxes!.ap50 < 20, `${before.exemplars.boxes?.ap50} ${before.restyled.boxes?.ap50}`);
    t.true(after.restyled.boxes!.ap50 > 80, `${after.restyled.boxes?.ap50}`);
    const { accepted, reasons } = judge(measurements, untimed(judgeBoundsFor("night")));
    t.true(accepted, reasons.join("; "));
    const night = await folderDataset(path("night"));
    const [was, is] = [await evaluateBundle(path(form), night, { threads: 1 }), await evaluateBundle(out, night, { threads: 1 })];
    t.true(is.ap50! > was.ap50! + 50, `real nights: ${was.ap50} -> ${is.ap50}`);
  });

test.serial("where all of what was learnt goes too far, the share of it that the judge accepts is written and told", async (t) => {
  // What the test before has learnt. So much further on the same way, there are no boxes by day any more.
  const [start, good] = [(await readBundle(path("yolo"))).weights, (await readBundle(path("yolo-1"))).weights];
  const tooFar: LmcLearner = {
    step: () => Promise.reject(new Error("there are no steps")),
    teacher: () => interpolated(start, good, 32),
    student: () => good,
    estimateStatistics: async () => undefined,
    close: () => undefined,
  };
  const out = path("yolo-share");
  const options = trainingOptionsFor("night", { steps: 0, statisticsMix: 0, threads: 1 });
  const job = { bundleDirectory: path("yolo"), outDirectory: out, generation: 1, condition: "night", vocabulary: ["car", "person"], targets, exemplars: [], options } as const;
  const { share, measurements } = await train({ ...job, lesserShares: [1 / 32] }, async () => tooFar, () => undefined);
  t.is(share, 1 / 32);
  t.true(judge(measurements, untimed(judgeBoundsFor("night"))).accepted);
  const written = (await readBundle(out)).weights;
  for (const [name, { data }] of good) t.true(data.every((value, at) => Math.abs(value - (written.get(name)?.data[at] ?? NaN)) <= 1e-2 * Math.max(1, Math.abs(value))), name);
});

test.serial("by command: what is learnt is judged by its boxes, of exemplars that are given beside it too", async (t) => {
  await writeFile(path("bare.onnx"), gridDetector("detr"));
  await importModel({ model: path("bare.onnx"), spec: await readSpec(path("spec.yaml")), out: path("bare") });
  const command = ["adapt", "--bundle", path("bare"), "--frames", path("night"), "--condition", "night", "--steps", "2", "--threads", "1", "--json"] as const;
  const without = await nightshift(...command, "--out", path("nothing"));
  t.not(without.code, 0);
  t.regex(without.out, /E_DATASET_UNLABELLED/);
  const { code, out, err } = await nightshift(...command, "--out", path("bare-1"), "--exemplars", path("day"));
  t.is(code, 0, err);
  // Rates for millions of weights change next to nothing here.
  t.like(json(out), { accepted: false, before: { detectsOnly: true, exemplars: { frames: 10, miou: null } } });
  t.regex(out, /the target score gained/);
  const bundle = await readBundle(path("bare-1"));
  t.is(bundle.manifest.parent, 0);
});
