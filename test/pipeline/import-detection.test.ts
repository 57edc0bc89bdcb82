import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { BundleText } from "../../sdk/adaptation/trainer/bundle-text.js";
import { readBundle } from "../../sdk/bundle/index.js";
import { ThreadEngine } from "../../sdk/engine/thread-engine.js";
import type { ScoredBox } from "../../sdk/frame.js";
import { noName } from "../../sdk/network/contract.js";
import { adaptOffline } from "../../sdk/pipeline/adapt-offline.js";
import { importModel } from "../../sdk/pipeline/import-model.js";
import { readSpec } from "../../sdk/pipeline/import-spec.js";
import { evaluate, scoringEngine } from "../../sdk/training/evaluate.js";
import { json, nightshift } from "../support/command.js";
import { type DetectorForm, detectorSpec, foreignDetector, foreignModel, foreignSpec, labelledFolder } from "../support/foreign-model.js";

const folder = await mkdtemp(join(tmpdir(), "nightshift-detection-"));
const path = (name: string): string => join(folder, name);
await labelledFolder(path("frames"), 3);

test.after.always(() => rm(folder, { recursive: true, force: true }));

const frame = { camera: "test", sequence: 1, captureTimeNs: 0n, width: 200, height: 100, rgb: new Uint8Array(200 * 100 * 3).fill(90) };

async function importedAs(name: string, model: Uint8Array, spec: string) {
  await writeFile(path(`${name}.onnx`), model);
  await writeFile(path(`${name}.yaml`), spec);
  return importModel({ model: path(`${name}.onnx`), spec: await readSpec(path(`${name}.yaml`)), out: path(name) });
}

async function answered(name: string, words?: readonly string[]) {
  const bundle = await readBundle(path(name));
  const engine = new ThreadEngine({ threads: 1 });
  try {
    await engine.load({ kind: "bundle", directory: path(name) });
    if (words) await engine.setVocabulary(await new BundleText(bundle).vocabulary(words));
    return await engine.infer(frame);
  } finally {
    await engine.close();
  }
}

const rounded = (boxes: readonly ScoredBox[]) => boxes.map(({ label, score, ...corners }) => ({ label, score: Number(score.toFixed(2)), corners: Object.values(corners).map(Math.round) }));

const car = { label: "car", score: 0.9, corners: [30, 30, 70, 70] };
const same = { label: "car", score: 0.8, corners: [32, 30, 72, 70] };
const person = { label: "person", score: 0.7, corners: [30, 31, 70, 71] };

for (const [form, expected] of [
  ["rt-detr", [car, same, person]],
  ["detr", [car, same, person]],
  ["yolov8", [car, person]],
  ["yolov5", [car, person]],
  ["yolox", [car, person]],
  ["ssd", [car, person]],
  ["end-to-end", [car, same, person]],
] as const)
  test(`boxes as ${form} writes them are answered in camera pixels${/yolo|ssd/.test(form) ? ", one for each object" : ""}`, async (t) => {
    const made = await importedAs(form, foreignDetector(form), detectorSpec(form));
    t.like(made, { task: "detection", learns: true, agreement: 100 });
    const answer = await answered(form);
    t.true(answer.valid);
    t.deepEqual(rounded(answer.boxes), expected);
    t.deepEqual([...new Set(answer.mask)], [noName], "no pixel is named");
  });

test("what is unusual about boxes can be said", async (t) => {
  const said = detectorSpec("yolov8").replace("kind: boxes", "kind: boxes, overlapping: false");
  t.like(await importedAs("unusual", foreignDetector("yolov8"), said), { agreement: 100 });
  t.deepEqual(rounded((await answered("unusual")).boxes), [car, same, person]);
});

test("of scores and boxes of the same shape, those are boxes that are called so", async (t) => {
  const said = detectorSpec("detr").replace("[car, person]", "[car, person, bus]").replace("[2]", "[3]");
  t.like(await importedAs("named", foreignDetector("detr", 1), said), { agreement: 100 });
  t.deepEqual(rounded((await answered("named")).boxes), [car, same, person]);
});

test("six numbers a box are those of its surest class where the scores of all classes would be another number", async (t) => {
  t.like(await importedAs("six", foreignDetector("end-to-end"), detectorSpec("end-to-end").replace("scores: best, classes: [car, person]", "classes: [car, person, bus]")), { agreement: 100 });
  t.deepEqual(rounded((await answered("six")).boxes), [car, same, person]);
});

test("boxes answer to other words that mean the same, and to none that mean something else", async (t) => {
  await importedAs("words", foreignDetector("yolov8"), detectorSpec("yolov8"));
  t.deepEqual(rounded((await answered("words", ["giraffe", "pedestrian", "automobile"])).boxes), [{ ...car, label: "automobile" }, { ...person, label: "pedestrian" }]);
});

test("a model of one class answers to no name but those of its class", async (t) => {
  await importedAs("one class", foreignDetector("rt-detr"), detectorSpec("rt-detr").replace("[car, person]", "[car], ignoreChannels: [1]"));
  t.deepEqual((await answered("one class", ["giraffe"])).boxes, []);
  const boxes = (await answered("one class", ["giraffe", "automobile"])).boxes;
  t.true(boxes.length > 0);
  t.true(boxes.every(({ label }) => label === "automobile"));
  const text = new BundleText(await readBundle(path("one class")));
  await text.vocabulary(["giraffe", "automobile"]);
  t.deepEqual(text.classes(["giraffe", "automobile"]), { giraffe: null, automobile: "car" });
});

test("boxes are scored, pixels are not", async (t) => {
  await importedAs("scored", foreignDetector("rt-detr"), detectorSpec("rt-detr"));
  const text = new BundleText(await readBundle(path("scored")));
  const engine = await scoringEngine({ kind: "bundle", directory: path("scored") }, 1);
  t.teardown(() => engine.close());
  const boxes = () => [{ label: "car", x1: 30, y1: 30, x2: 70, y2: 70 }, { label: "person", x1: 150, y1: 30, x2: 190, y2: 70 }];
  const dataset = { name: "two", names: ["car"], boxNames: ["car", "person"], length: 2, sample: async () => ({ ...frame, id: "a", mask: new Uint8Array(200 * 100), boxes: boxes() }) };
  t.like(await evaluate(engine, (names) => text.vocabulary(names), dataset), { miou: null, ap50: 50, perClassAp50: { car: 100, person: 0 } });
});

test("a model that answers classes names what the same model with logits names", async (t) => {
  const spec = foreignSpec.replace("kind: logits", "kind: classes").replace("[road, sidewalk, sky], ignoreChannels: [0]", "[nothing, road, sidewalk, sky]");
  t.like(await importedAs("classes", foreignModel("nchw", "classes"), spec), { task: "segmentation", learns: false, parameters: { tensors: 0 } });
  await importedAs("logits", foreignModel(), spec.replace("kind: classes", "kind: logits"));
  const [ours, theirs] = [await answered("classes"), await answered("logits")];
  const apart = ours.mask.filter((index, at) => index !== theirs.mask[at]).length / ours.mask.length;
  // The one enlarges logits, the other classes.
  t.true(apart < 0.1, `${apart} of the pixels differ`);
  t.true(new Set(ours.mask).size > 1);
});

test("of a model that answers classes, a channel that is none and a class that nobody asks for have no name", async (t) => {
  const spec = foreignSpec.replace("kind: logits", "kind: classes");
  await importedAs("every class", foreignModel("nchw", "classes"), spec.replace("[road, sidewalk, sky], ignoreChannels: [0]", "[nothing, road, sidewalk, sky]"));
  const all = await answered("every class");
  t.true([0, 1, 3].every((index) => all.mask.includes(index)));
  for (const layout of ["nchw", "nhwc"] as const) {
    const { agreement } = await importedAs(`one is none ${layout}`, foreignModel(layout, "classes"), spec.replace("channels: bgr", `channels: bgr, layout: ${layout}`));
    t.is(agreement, 100);
    // Nothing is the first channel there, and no class here.
    t.deepEqual((await answered(`one is none ${layout}`)).mask, all.mask.map((index) => (index === 0 ? noName : index - 1)));
  }
  t.deepEqual((await answered("one is none nchw", ["skies", "giraffe"])).mask, all.mask.map((index) => (index === 3 ? 0 : noName)));
});

test("what cannot be taught is not adapted, and says so", async (t) => {
  const spec = foreignSpec.replace("kind: logits", "kind: classes").replace("[road, sidewalk, sky], ignoreChannels: [0]", "[nothing, road, sidewalk, sky]");
  await importedAs("taught", foreignModel("nchw", "classes"), spec);
  const options = { bundle: path("taught"), frames: path("frames"), out: path("adapted"), condition: "dusk", seed: 1, threads: 1, onProgress: () => undefined } as const;
  await t.throwsAsync(adaptOffline(options), { code: "E_NOT_TRAINABLE", message: /none of whose parameters has a gradient/ });
});

test.serial("by command: a detection model is imported, streamed and evaluated", async (t) => {
  await writeFile(path("command.onnx"), foreignDetector("detr"));
  await writeFile(path("command.yaml"), detectorSpec("detr"));
  const made = await nightshift("import", path("command.onnx"), "--spec", path("command.yaml"), "--out", path("command"));
  t.is(made.code, 0, made.err);
  t.regex(made.out, /agreement +100.00 % of the surest boxes/);
  const ran = await nightshift("run", "--bundle", path("command"), "--source", path("frames"), "--headless", "--port", "0", "--state", path("state"), "--threads", "1", "--json");
  t.is(ran.code, 0, ran.err);
  t.like(json(ran.out), { answered: 3, triggers: 0, trainerFailures: 0 });
});

const forms: Readonly<Record<string, readonly [DetectorForm, string, string, RegExp]>> = {
  "classes that do not fit": ["yolov8", "[car, person]", "[car, person, bus, truck]", /\[1, 8, Q\]/],
  "an output that is not there": ["rt-detr", "kind: boxes", "kind: boxes, boxes: places", /pred_boxes/],
  "outputs of which each could be the other": ["ssd", "name: scores, boxes: corners, ", "", /one choice of boxes .* name those of scores/],
  "shares that are pixels": ["yolov8", "kind: boxes", "kind: boxes, unit: share", /numbers from 3\.2.* to 42\b.*unit: pixels/],
  "pixels that are shares": ["rt-detr", "kind: boxes", "kind: boxes, unit: pixels", /unit: share/],
  "probabilities that are logits": ["rt-detr", "kind: boxes", "kind: boxes, scores: probability", /scores that are probabilities.*scores: sigmoid/],
  "logits that are probabilities": ["yolov8", "kind: boxes", "kind: boxes, scores: sigmoid", /scores that are logits.*scores: probability/],
  "corners that are centre and sides": ["rt-detr", "kind: boxes", "kind: boxes, corners: xyxy", /end before they begin.*corners: cxcywh/],
  "the surest of two classes that is read as the scores of both": ["end-to-end", "scores: best, ", "", /whole numbers last, as of classes: 0, 1.*scores: best/],
  "the surest class that is read as objectness and one class": ["end-to-end", "scores: best, classes: [car, person]", "classes: [car]", /whole numbers last.*scores: best/],
  "a class beyond those that are said": ["end-to-end", "[car, person]", "[car]", /number of its class, 0 to 0; received 1\./],
  "scores of two classes that are read as the surest": ["yolov8", "kind: boxes", "kind: boxes, scores: best", /of the surest class \[1, Q, 6\]/],
  "a channel that is ignored twice": ["detr", "[2]", "[2, 2]", /different ignored channels/],
};

for (const [what, [form, from, to, message]] of Object.entries(forms))
  test(`refused: ${what}`, async (t) => {
    const error = await t.throwsAsync(importedAs(`refused ${what}`, foreignDetector(form), detectorSpec(form).replace(from, to)), { code: "E_CONFIG" });
    t.regex(error.message, message);
  });
