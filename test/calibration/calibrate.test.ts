import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { calibrate, type CalibrateOptions } from "../../calibration/calibrate.js";
import { split } from "../../calibration/frames.js";
import { beside } from "../../calibration/scores.js";
import { folderDataset } from "../../adapters/datasets/folder.js";
import { readBundle } from "../../sdk/bundle/index.js";
import { ThreadEngine } from "../../sdk/engine/thread-engine.js";
import { importModel } from "../../sdk/pipeline/import-model.js";
import { readSpec } from "../../sdk/pipeline/import-spec.js";
import type { Dataset, Sample } from "../../sdk/training/dataset.js";
import { FrameScores } from "../../sdk/training/frame-scores.js";
import { BoxMatches } from "../../sdk/training/metrics/index.js";
import { temporaryFolder } from "../bundle/contents.js";
import { frameOf } from "../engine/models.js";
import { json, nightshift } from "../support/command.js";
import { gridDetector, gridFolder, gridSpec } from "../support/foreign-detector.js";
import { syntheticDataset } from "../support/synthetic-dataset.js";
import { tinyBundle } from "../support/tiny-bundle.js";

const bundle = await tinyBundle(0);
test.after.always(() => bundle.remove());

/** Noise that the bundle itself has labelled, so that it scores 100; black where ranges are chosen if `blind`. */
async function labelledByFloat(length: number, blind: boolean): Promise<Dataset> {
  const engine = new ThreadEngine({ threads: 1 });
  const { vocabulary: names } = await engine.load({ kind: "bundle", directory: bundle.directory });
  const samples: Sample[] = [];
  for (let at = 0; at < length; at++) {
    const { width, height, rgb } = frameOf(at, 128, 64);
    if (blind && at < length / 2) rgb.fill(0);
    const { mask } = await engine.infer({ camera: "test", sequence: at, captureTimeNs: 0n, width, height, rgb });
    samples.push({ id: String(at), width, height, rgb, mask });
  }
  await engine.close();
  return { name: "labelled by float", names, boxNames: [], length, sample: async (index) => samples[index] };
}

const options = (frames: Dataset, out: string): CalibrateOptions => ({
  bundle: bundle.directory,
  frames,
  boxes: { ...syntheticDataset(2), names: [], boxNames: [] },
  out,
  into: { precision: "int8", method: "mse", form: "asymmetric" },
  allowedLoss: 20,
  threads: 1,
  onProgress: () => undefined,
});

test("frames to choose on and frames to judge by do not meet", async (t) => {
  for (const length of [8, 9, 51, 500]) {
    const { observed, compared, heldOut } = split(syntheticDataset(length));
    t.true(observed.length > 0 && compared.length > 0 && heldOut.length > 0);
    const first = Number((await heldOut.sample(0)).id);
    t.is(Number((await heldOut.sample(heldOut.length - 1)).id), length - 1);
    t.true([...observed, ...compared].every((index) => index < first));
    t.is(new Set([...observed, ...compared]).size, observed.length + compared.length);
  }
  t.throws(() => split(syntheticDataset(7)), { code: "E_DATASET" });
});

test("frames to choose on are spread over all of their half, however many it has", (t) => {
  for (const length of [8, 9, 51, 101, 158, 239, 500]) {
    const { observed, compared } = split(syntheticDataset(length));
    const [half, chosen] = [Math.ceil(length / 2), [...observed, ...compared].sort((a, b) => a - b)];
    t.is(chosen.length, Math.min(half, 40));
    for (const [at, index] of [...chosen, half].entries()) t.true(index - (chosen[at - 1] ?? 0) <= Math.ceil(half / 40), `${length}: ${chosen[at - 1]}, then ${index}`);
  }
});

test("ranges of black frames wreck the others, which is refused, and nothing is written", async (t) => {
  const out = join(await temporaryFolder(t), "int8");
  const blind = { ...options(await labelledByFloat(12, true), out), boxes: syntheticDataset(2) };
  const error = await t.throwsAsync(calibrate(blind), { code: "E_CALIBRATION", message: /mIoU 100\.0 in float and \d+\.\d in int8 on 6 frames of .* \(\d+\.\d to \d+\.\d lost, 95 % over frames\)/ });
  t.regex(error?.message ?? "", /most sensitive: .*encoder|decoder/);
  t.false(existsSync(out));
});

test("in float16 too what is lost is refused, and the command writes a bundle that evaluate and inspect take", async (t) => {
  const folder = await temporaryFolder(t);
  const strict = { ...options(await labelledByFloat(12, false), join(folder, "none")), into: { precision: "float16" }, boxes: syntheticDataset(2), allowedLoss: 0 } as const;
  await t.throwsAsync(calibrate(strict), { code: "E_CALIBRATION", message: /mIoU 100\.0 in float and \d+\.\d in float16 on 6 frames/ });
  t.false(existsSync(strict.out));

  const out = join(folder, "half");
  const argv = ["--precision", "fp16", "--bundle", bundle.directory, "--frames", "drive:day:5:8", "--boxes", "drive:day:6:2", "--threads", "1", "--json"];
  const { code, out: told, err } = await nightshift("calibrate", ...argv, "--out", out);
  t.is(code, 0, err);
  const { layers, inFloat, bytes, scores } = json(told) as { layers: { layer: string; pixels: number }[]; inFloat: { operator: string; reason: string }[]; bytes: { model: { float: number; reduced: number } }; scores: object };
  t.true(layers.some(({ layer }) => layer === "encoder.stem") && layers.every(({ pixels }) => pixels < 1));
  t.is(new Set(layers.map(({ layer }) => layer)).size, layers.length, "every layer has a name of its own");
  t.deepEqual(new Set(inFloat.filter(({ operator }) => operator === "Softmax").map(({ reason }) => reason)), new Set(["sum"]));
  t.true(inFloat.some(({ reason }) => reason === "range") && inFloat.some(({ reason }) => reason === "constant"));
  t.true(bytes.model.reduced < bytes.model.float);
  t.like(scores, { miou: { frames: 4 } });
  t.is((await readBundle(out)).manifest.name, "tiny-float16");
  t.like(json((await nightshift("evaluate", "--bundle", out, "--dataset", "drive:day:7:2", "--json")).out), { frames: 2 });
  t.regex((await nightshift("inspect", out)).out, /float16: \d+ nodes, calibrated on 3 frames of drive/);
  t.like(json((await nightshift("calibrate", ...argv, "--method", "mse", "--out", `${out}2`)).out), { error: { code: "E_CONFIG" } });
});

test("the command writes a bundle that evaluate and inspect take, and says what it cost", async (t) => {
  const out = join(await temporaryFolder(t), "int8");
  const argv = ["--bundle", bundle.directory, "--frames", "drive:day:5:8", "--boxes", "drive:day:6:2", "--threads", "1", "--allowed-loss", "20"];
  const { code, out: told, err } = await nightshift("calibrate", ...argv, "--out", out, "--json");
  t.is(code, 0, err);
  const { layers, scores, bytes, methods } = json(told) as { layers: { layer: string; pixels: number; boxScore: number }[]; scores: object; bytes: { model: { float: number; reduced: number } }; methods: object };
  t.true(layers.some(({ layer }) => layer === "encoder.stem") && layers.some(({ layer }) => layer === "encoder.stage0.block0.expand filters"));
  t.is(new Set(layers.map(({ layer }) => layer)).size, layers.length, "every layer has a name of its own");
  t.deepEqual(Object.keys(methods), ["min-max", "percentile", "entropy", "mse"]);
  t.like(scores, { miou: { frames: 4 } });
  t.true(bytes.model.reduced > 0);
  const written = await readBundle(out);
  t.is(written.manifest.precision, "int8");
  t.is(written.manifest.name, "tiny-int8");
  t.like(json((await nightshift("evaluate", "--bundle", out, "--dataset", "drive:day:7:2", "--json")).out), { frames: 2 });
  t.like(json((await nightshift("inspect", out, "--json")).out), { precision: "int8" });
  t.like(json((await nightshift("calibrate", ...argv, "--bundle", out, "--out", `${out}2`, "--json")).out), { error: { code: "E_CONFIG" } });
});

test("what names no pixel any more has lost all that float scores", (t) => {
  const miou = { on: "day", frames: 4, score: 60, perClass: { road: 60 }, each: new FrameScores([], [], new BoxMatches([], [])) };
  t.deepEqual(beside({ miou, ap50: null }, { miou: null, ap50: null }), { miou: { on: "day", frames: 4, float: 60, reduced: 0, lost: 60, interval: null, perClass: { road: { float: 60, reduced: 0 } } }, ap50: null });
});

test("a detection model that was made elsewhere is compared and judged by its boxes, and not without labels of them", async (t) => {
  const folder = await temporaryFolder(t);
  const path = (name: string): string => join(folder, name);
  await gridFolder(path("day"), 12, "day");
  await writeFile(path("spec.yaml"), gridSpec);
  await writeFile(path("grid.onnx"), gridDetector("detr"));
  await importModel({ model: path("grid.onnx"), spec: await readSpec(path("spec.yaml")), out: path("grid") });
  const day = await folderDataset(path("day"));
  const by = (frames: Dataset, out: string): CalibrateOptions => ({ ...options(frames, path(out)), bundle: path("grid"), boxes: syntheticDataset(2) });

  const { scores, layers } = await calibrate(by(day, "int8"));
  t.is(scores.miou, null);
  t.like(scores.ap50, { on: day.name, frames: 6 });
  t.is(scores.ap50?.float.toFixed(1), "100.0");
  t.true(layers.every(({ boxScore, boxSide }) => boxScore !== null && boxSide !== null) && layers.some(({ boxScore }) => (boxScore ?? 0) > 0));

  // Who asks for a gain is refused.
  await t.throwsAsync(calibrate({ ...by(day, "refused"), allowedLoss: -1 }), { code: "E_CALIBRATION", message: /AP50 100\.0 in float and \d+\.\d in int8 on 6 frames of day/ });
  const others = { ...syntheticDataset(12), boxNames: [] };
  const lines: string[] = [];
  await t.throwsAsync(calibrate({ ...by(others, "unlabelled"), onProgress: (line) => lines.push(line) }), { code: "E_DATASET_UNLABELLED", message: /labels, in the second half of the frames/ });
  t.false(lines.some((line) => line.startsWith("observing")), "it is told before the work");
  for (const out of ["refused", "unlabelled"]) t.false(existsSync(path(out)));
});
