import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import test from "ava";
import { adaptOffline } from "../../sdk/pipeline/adapt-offline.js";
import { InferenceSession } from "onnxruntime-node";
import { createLmcLearner } from "../../sdk/adaptation/lmc.js";
import { BundleText } from "../../sdk/adaptation/trainer/bundle-text.js";
import { type Bundle, readBundle } from "../../sdk/bundle/index.js";
import { ThreadEngine } from "../../sdk/engine/thread-engine.js";
import { runModel } from "../../sdk/engine/run.js";
import { fromFloat16, toFloat16 } from "../../sdk/graph/float16.js";
import { Graph, type Value } from "../../sdk/graph/graph.js";
import { argMax, cast, conv, div, exp, log, mul, relu, reshape, resize, softmax, sum, transpose, unsqueeze } from "../../sdk/graph/ops.js";
import { ModelProtoSchema } from "../../sdk/graph/onnx/onnx_pb.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { float32, sizeOf } from "../../sdk/graph/tensor.js";
import { inferenceModel } from "../../sdk/network/inference.js";
import { imported, type ImportedNetwork, normParameters } from "../../sdk/network/imported.js";
import { statisticsModel } from "../../sdk/network/steps/statistics.js";
import type { Trainable } from "../../sdk/network/trainable.js";
import { importModel } from "../../sdk/pipeline/import-model.js";
import { askSpec, readSpec } from "../../sdk/pipeline/import-spec.js";
import { Random } from "../../sdk/random.js";
import type { Batch } from "../../sdk/training/batch/index.js";
import { defaultLearningRates } from "../../sdk/adaptation/learner.js";
import { json, nightshift } from "../support/command.js";
import { foreignModel, foreignSpec, labelledFolder } from "../support/foreign-model.js";

const folder = await mkdtemp(join(tmpdir(), "nightshift-import-"));
const path = (name: string): string => join(folder, name);
await writeFile(path("model.onnx"), foreignModel());
await writeFile(path("spec.yaml"), foreignSpec);
await labelledFolder(path("exemplars"), 8);
const spec = await readSpec(path("spec.yaml"));
const made = await importModel({ model: path("model.onnx"), spec, out: path("bundle"), exemplars: path("exemplars") });
const bundle: Bundle = await readBundle(path("bundle"));
const network = bundle.network as ImportedNetwork;

test.after.always(() => rm(folder, { recursive: true, force: true }));

test("a model becomes a bundle that names what the model names", (t) => {
  t.like(made, { parameters: { tensors: 7, count: 216 + 4 * 8 + 32 + 4 }, fixed: [], normalisations: 1, frames: 4 });
  t.true(made.agreement > 99, `${made.agreement} %`);
  t.like(bundle.manifest, { name: "model", generation: 0, vocabulary: ["road", "sidewalk", "sky"], network: { kind: "imported", width: 64, height: 32 } });
  t.deepEqual([...bundle.weights.keys()].sort(), ["bn.bias", "bn.mean", "bn.variance", "bn.weight", "head.bias", "head.weight", "stem.weight"]);
  t.is(bundle.manifest.exemplars?.ids.length, 8);
});

test("the same model with channels last answers the same", async (t) => {
  await writeFile(path("last.onnx"), foreignModel("nhwc"));
  const last = await importModel({ model: path("last.onnx"), spec: { ...spec, input: { ...spec.input, layout: "nhwc" } }, out: path("last"), exemplars: path("exemplars") });
  t.true(last.agreement > 99);
  const { golden } = await readBundle(path("last"));
  t.deepEqual(golden.outputs["mask"], bundle.golden.outputs["mask"]);
});

test("channels are found where the answer has them, not where the input does", async (t) => {
  for (const [layout, answered] of [["nchw", "nhwc"], ["nhwc", "nchw"]] as const) {
    await writeFile(path("mixed.onnx"), foreignModel(layout, "logits", answered));
    const mixed = await importModel({ model: path("mixed.onnx"), spec: { ...spec, input: { ...spec.input, layout } }, out: path(`mixed-${layout}`), exemplars: path("exemplars") });
    t.true(mixed.agreement > 99);
    t.deepEqual((await readBundle(path(`mixed-${layout}`))).golden.outputs["mask"], bundle.golden.outputs["mask"]);
  }
});

for (const [answer, what] of [["shares", "softmax"], ["odds", "sigmoid"]] as const)
  test(`what a ${what} answered is as sure as its logits were, and learns as they would`, async (t) => {
    await writeFile(path(`${answer}.onnx`), foreignModel("nchw", answer));
    const squashed = await importModel({ model: path(`${answer}.onnx`), spec, out: path(answer), exemplars: path("exemplars") });
    t.true(squashed.agreement > 99);
    t.deepEqual(squashed.parameters, made.parameters);
    const sureness = async (name: string) => {
      const { golden } = await readBundle(path(name));
      const scores = golden.outputs["mask_score"]?.data ?? [];
      return Array.from(scores, Number).reduce((sum, score) => sum + score, 0) / scores.length;
    };
    t.true(Math.abs((await sureness(answer)) - (await sureness("bundle"))) < 3, `${await sureness(answer)} of ${await sureness("bundle")}`);
  });

test("shares are read as logits behind another shape, and refused where no softmax is seen", async (t) => {
  const shares = (build: (logits: Value) => Value): Uint8Array => {
    const graph = new Graph("shares");
    graph.output("shares", build(conv(graph.input("picture", "float32", [1, 3, 32, 60]), graph.constant(float32([4, 3, 1, 1], Float32Array.from({ length: 12 }, (_, at) => Math.sin(at + 1))), "kernel"))));
    return writeOnnx(graph);
  };
  await writeFile(path("rows.onnx"), shares((logits) => reshape(softmax(reshape(transpose(logits, [0, 2, 3, 1]), [1, 32 * 60, 4]), -1), [1, 32, 60, 4])));
  await importModel({ model: path("rows.onnx"), spec, out: path("rows") });
  const { golden } = await readBundle(path("rows"));
  await writeFile(path("plain.onnx"), shares((logits) => logits));
  await importModel({ model: path("plain.onnx"), spec, out: path("plain") });
  const [ours, plain] = [golden, (await readBundle(path("plain"))).golden].map(({ outputs }) => Array.from(outputs["mask_score"]?.data ?? [], Number));
  t.true(ours.every((score, at) => Math.abs(score - plain[at]) <= 1), "as sure as its logits");
  await writeFile(path("unseen.onnx"), shares((logits) => div(exp(logits), sum(exp(logits), [1], true))));
  await t.throwsAsync(importModel({ model: path("unseen.onnx"), spec, out: path("unseen") }), { code: "E_CONFIG", message: /logits.*shares of 1/ });
});

test("a model that answers what is no number is refused", async (t) => {
  const graph = new Graph("not a number");
  const kernel = graph.constant(float32([4, 3, 1, 1], Float32Array.from({ length: 12 }, (_, at) => Math.sin(at + 1))), "kernel");
  graph.output("logits", log(conv(graph.input("picture", "float32", [1, 3, 32, 60]), kernel)));
  await writeFile(path("nan.onnx"), writeOnnx(graph));
  await t.throwsAsync(importModel({ model: path("nan.onnx"), spec, out: path("nan") }), { code: "E_CONFIG", message: /logits, of which \d+ of \d+ are NaN/ });
});

test("a bundle cannot lie below a file, and exemplars have pixels of the classes that they list: told as such", async (t) => {
  await t.throwsAsync(importModel({ model: path("model.onnx"), spec, out: path("spec.yaml/bundle") }), { code: "E_DISK", message: /name another path/ });
  await labelledFolder(path("other ids"), 4);
  await writeFile(path("other ids/classes.json"), '{"classes": {"100": "road", "101": "sky"}}');
  await t.throwsAsync(importModel({ model: path("model.onnx"), spec, out: path("without"), exemplars: path("other ids") }), { code: "E_DATASET", message: /without any.*ids/ });
});

for (const outside of ["float32", "float16"] as const)
  test(`a model of float16 that takes and answers ${outside} is read as float32, and learns`, async (t) => {
    const graph = new Graph("half");
    const picture = graph.input("picture", outside, [1, 3, 32, 60]);
    const half = (shape: readonly number[], spread: number): Value =>
      graph.constant({ dtype: "float16", shape, data: toFloat16(Float32Array.from({ length: sizeOf(shape) }, (_, at) => spread * Math.sin(at + 1))) }, `kernel${shape[1]}`);
    const logits = conv(relu(conv(cast(picture, "float16"), half([8, 3, 1, 1], 1))), half([4, 8, 1, 1], 3));
    graph.output("logits", cast(softmax(logits, 1), outside));
    await writeFile(path(`${outside}.onnx`), writeOnnx(graph));
    const read = await importModel({ model: path(`${outside}.onnx`), spec, out: path(outside), exemplars: path("exemplars") });
    t.like(read, { learns: true, parameters: { tensors: 2, count: 24 + 32 } });
    t.regex(read.notes.join(), /float16 is read as float32/);
    t.true(read.agreement > 99, `${read.agreement} %`);
    const { golden, weights } = await readBundle(path(outside));
    t.true(new Set(Array.from(golden.outputs["mask"]?.data ?? [], Number)).size > 1, "more than one class is answered");
    t.deepEqual(weights.get("model.kernel3")?.data[3], fromFloat16(toFloat16(Float32Array.of(Math.sin(4))))[0], "the very numbers of the file");
  });

/** Convolutions whose weights are int8, two by the same kernel, all with the same zero point; `activations` go through uint8, as static quantisation writes them. */
function integerModel(activations: boolean): Uint8Array {
  const graph = new Graph("integers");
  const zero = graph.constant({ dtype: "int8", shape: [], data: Int8Array.of(0) }, "zero");
  const scale = graph.constant(float32([], [0.01]), "scale");
  const weights = (channels: number): Value => {
    const integers = graph.constant({ dtype: "int8", shape: [4, channels, 1, 1], data: Int8Array.from({ length: 4 * channels }, (_, at) => 127 * Math.sin(2 * at + channels)) }, `kernel${channels}`);
    return graph.node("DequantizeLinear", [integers, scale, zero], { axis: 0 }, [`weights${channels}`])[0];
  };
  const step = [graph.constant(float32([], [1 / 16]), "step"), graph.constant({ dtype: "uint8", shape: [], data: Uint8Array.of(128) }, "middle")];
  const seen = (x: Value): Value => (activations ? graph.node("DequantizeLinear", [graph.node("QuantizeLinear", [x, ...step], { axis: 0 })[0], ...step], { axis: 0 })[0] : x);
  const shared = weights(4);
  let x = seen(graph.input("picture", "float32", [1, 3, 32, 64]));
  for (const kernel of [weights(3), shared, shared]) x = seen(conv(x, kernel));
  graph.output("logits", x);
  return writeOnnx(graph);
}

const whole = { ...spec, input: { ...spec.input, size: [32, 64] as [number, number] } };

test("a model of QuantizeLinear and DequantizeLinear streams in integers whose weights are shared, on every processor, and says that it does not learn", async (t) => {
  await writeFile(path("int8.onnx"), integerModel(true));
  const read = await importModel({ model: path("int8.onnx"), spec: whole, out: path("int8"), exemplars: path("exemplars") });
  t.like(read, { learns: false, agreement: 100, parameters: { tensors: 0 } });
  t.deepEqual(read.fixed, ["kernel4", "kernel3"].map((name) => ({ name, count: name === "kernel3" ? 12 : 16, why: "is kept in int8" })));
  t.regex(read.notes.join(), /computes in integers.*import the float model/);
  const { network: integers, weights, golden } = await readBundle(path("int8"));
  t.true(new Set(Array.from(golden.outputs["mask"]?.data ?? [], Number)).size > 1, "more than one class is answered");
  const model = inferenceModel(integers, weights, { frame: { width: 64, height: 32 }, names: 16 });
  // As a processor without VNNI asks for: ONNX Runtime then gives weights and zero points other names, made of theirs.
  const session = await InferenceSession.create(model, { extra: { session: { x64quantprecision: "1" } } });
  await session.release();
});

test("weights that are kept in int8 where nothing else is are the floats that they stand for, and learn", async (t) => {
  await writeFile(path("kept.onnx"), integerModel(false));
  const read = await importModel({ model: path("kept.onnx"), spec: whole, out: path("kept"), exemplars: path("exemplars") });
  t.like(read, { learns: true, parameters: { tensors: 2, count: 12 + 16 } });
  t.true(read.agreement > 99, `${read.agreement} %`);
  t.regex(read.notes.join(), /kept as integers are read as the floats/);
  t.is((await readBundle(path("kept"))).weights.get("model.weights3")?.data[1], fromFloat16(toFloat16(Float32Array.of(Math.trunc(127 * Math.sin(5)) * 0.01)))[0]);
});

/** A convolution and a normalisation, `times` times the same. `names`: of the kernels and of the normalisation's scale, offset, mean and variance. */
function sharingModel(times: number, [stem, head, ...normal]: readonly string[]): Uint8Array {
  const graph = new Graph("sharing");
  const parameter = (name: string, shape: readonly number[], middle = 0): Value => graph.constant(float32(shape, Float32Array.from({ length: sizeOf(shape) }, (_, at) => middle + 0.5 * Math.sin(7 * at + 1))), name);
  const layer = normal.map((name, at) => parameter(name, [3], at % 3 === 0 ? 1 : 0));
  const kernel = parameter(stem, [3, 3, 3, 3]);
  let x = graph.input("picture", "float32", [1, 3, 32, 64]);
  for (let time = 0; time < times; time++) x = relu(graph.node("BatchNormalization", [conv(x, kernel, undefined, { padding: 1 }), ...layer], { epsilon: 1e-5 })[0]);
  graph.output("classes", mul(conv(x, parameter(head, [4, 3, 1, 1])), graph.constant(float32([1], [2]), "boxes")));
  return writeOnnx(graph);
}

test("a layer that is applied several times has statistics for each, and learns as one", async (t) => {
  await writeFile(path("shared.onnx"), sharingModel(3, ["stem.weight", "head.weight", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var"]));
  const shared = await importModel({ model: path("shared.onnx"), spec: whole, out: path("shared"), exemplars: path("exemplars") });
  t.like(shared, { normalisations: 3, parameters: { tensors: 4 + 3 * 2 } });
  t.true(shared.agreement > 99, `${shared.agreement} %`);
  const { network: other, weights } = await readBundle(path("shared"));
  const model = statisticsModel(other, weights, { batch: 2, names: 3 });
  const text = { dtype: "float32", shape: [2, 5, 384], data: new Float32Array(2 * 5 * 384) } as const;
  const answers = await runModel(model, { frames: { dtype: "uint8", shape: [2, 32, 64, 3], data: Uint8Array.from({ length: 2 * 32 * 64 * 3 }, (_, at) => (at * 37) % 251) }, text, used: float32([2, 3], new Float32Array(6).fill(1)) });
  t.is(new Set(Object.values(answers).map(({ data }) => data.join())).size, 6, "each its own");
});

test("parameters may be called as what goes into our graphs and comes out", async (t) => {
  await writeFile(path("words.onnx"), sharingModel(1, ["text", "logits", "image", "frame", "used", "Conv_0"]));
  const words = await importModel({ model: path("words.onnx"), spec: whole, out: path("words"), exemplars: path("exemplars") });
  t.like(words, { learns: true, parameters: { tensors: 6 } });
  t.true(words.agreement > 99, `${words.agreement} %`);
});

test("what reading makes of a form is no parameter of the model", async (t) => {
  const model = fromBinary(ModelProtoSchema, foreignModel("nchw", "odds"));
  for (const node of model.graph?.node ?? []) for (const attribute of node.attribute) if (node.opType === "Resize" && attribute.name === "mode") attribute.s = new TextEncoder().encode("cubic");
  await writeFile(path("cubic.onnx"), toBinary(ModelProtoSchema, model));
  const cubic = await importModel({ model: path("cubic.onnx"), spec, out: path("cubic"), exemplars: path("exemplars") });
  t.deepEqual(cubic.parameters, made.parameters);
  t.deepEqual(cubic.fixed, []);
});

test("classes may be answered with an axis of one channel, first or last", async (t) => {
  for (const axis of [1, 3]) {
    const graph = new Graph("channel");
    const kernel = graph.constant(float32([4, 3, 1, 1], Float32Array.from({ length: 12 }, (_, at) => Math.sin(at + 1))), "kernel");
    const classes = argMax(conv(graph.input("picture", "float32", [1, 3, 32, 60]), kernel), 1);
    graph.output("classes", cast(unsqueeze(classes, [axis]), "int32"));
    await writeFile(path(`channel${axis}.onnx`), writeOnnx(graph));
    const read = await importModel({ model: path(`channel${axis}.onnx`), spec: { ...spec, output: { ...spec.output, kind: "classes" } }, out: path(`channel${axis}`) });
    t.is(read.agreement, 100);
  }
});

for (const [what, dtype, shape, message] of [
  ["for several images at once", "float32", [2, 3, 32, 60], /for one image/],
  ["of bytes", "uint8", [1, 3, 32, 60], /uint8.*with an input of float32/],
  ["without colour", "float32", [1, 1, 32, 60], /three channels/],
] as const)
  test(`an input ${what} is refused with what to do`, async (t) => {
    const graph = new Graph("input");
    graph.output("logits", conv(cast(graph.input("picture", dtype, shape), "float32"), graph.constant(float32([4, shape[1], 1, 1], new Float32Array(4 * shape[1])))));
    await writeFile(path(`input-${dtype}-${shape.join("-")}.onnx`), writeOnnx(graph));
    await t.throwsAsync(importModel({ model: path(`input-${dtype}-${shape.join("-")}.onnx`), spec, out: path("unfit") }), { code: "E_CONFIG", message });
  });

test("logits that are no floats, or no picture, are refused with what to do", async (t) => {
  for (const [form, message] of [["int32", /kind: classes/], ["rows", /as a picture/], ["channels", /Give a name for each channel/]] as const) {
    const graph = new Graph(form);
    const logits = conv(graph.input("picture", "float32", [1, 3, 32, 60]), graph.constant(float32([form === "channels" ? 5 : 4, 3, 1, 1], new Float32Array(form === "channels" ? 15 : 12)), "kernel"));
    graph.output("logits", form === "int32" ? cast(logits, "int32") : form === "rows" ? reshape(logits, [4, 32 * 60]) : logits);
    await writeFile(path(`unfit-${form}.onnx`), writeOnnx(graph));
    await t.throwsAsync(importModel({ model: path(`unfit-${form}.onnx`), spec, out: path(`unfit-${form}`) }), { code: "E_CONFIG", message }, form);
  }
});

test("one class alone, which every pixel would be, is refused", async (t) => {
  const alone = { ...spec, output: { ...spec.output, classes: ["road"], ignoreChannels: [1, 2, 3] } };
  await t.throwsAsync(importModel({ model: path("model.onnx"), spec: alone, out: path("alone") }), { code: "E_CONFIG", message: /two classes or more.*background/ });
});

test("layers of normalisation can be put behind bare convolutions, and change no answer", async (t) => {
  const given = { model: path("model.onnx"), spec, insertNorm: true };
  const put = await importModel({ ...given, out: path("normalised"), exemplars: path("exemplars") });
  t.like(put, { normalisations: 2, parameters: { tensors: 7 + 4 } });
  t.true(put.agreement > 99);
  const { network: other } = await readBundle(path("normalised"));
  t.deepEqual([...normParameters(other as ImportedNetwork)].toSorted(), ["bn.bias", "bn.weight", "head.weight.norm.bias", "head.weight.norm.scale"]);
  await t.throwsAsync(importModel({ ...given, out: path("none") }), { code: "E_CONFIG", message: /exemplars/ });
});

test("it is served, in its own words, some of them, or others that mean nearly the same", async (t) => {
  const engine = new ThreadEngine({ threads: 1 });
  t.teardown(() => engine.close());
  await engine.load({ kind: "bundle", directory: path("bundle") });
  const [exemplar] = await bundle.exemplars();
  if (!exemplar) return t.fail();
  const frame = { camera: "test", sequence: 1, captureTimeNs: 0n, ...exemplar };
  const own = await engine.infer(frame);
  t.deepEqual([own.width, own.height, own.boxes.length], [64, 32, 0]);
  t.true(new Set(own.mask).size > 1, "more than one class is answered");

  const text = new BundleText(bundle);
  await engine.setVocabulary(await text.vocabulary(["skies", "giraffe", "street", "sidewalks"]));
  const other = await engine.infer(frame);
  t.deepEqual(text.classes(["skies", "giraffe", "street", "sidewalks"]), { skies: "sky", giraffe: null, street: "road", sidewalks: "sidewalk" });
  const meant = [2, 3, 0];
  t.deepEqual(other.mask, own.mask.map((index) => meant[index] ?? 255));

  await engine.setVocabulary(["sky"]);
  t.deepEqual([...new Set((await engine.infer(frame)).mask)], [0]);
});

const patches = 2;
const targetOf = (seed: number): Uint8Array => {
  const random = new Random(seed, "target");
  return Uint8Array.from({ length: 64 * 32 * 3 }, () => random.below(90));
};

function learnerOf(trains: Trainable) {
  const options = { vocabulary: bundle.manifest.vocabulary, sourceBatch: 2, targetBatch: 2, maskRatio: 0.5, trains, seed: 1, threads: 1 };
  return createLmcLearner(network, bundle.weights, new BundleText(bundle), options);
}

test("what an imported model has none of cannot be taught, and that is said before any work", async (t) => {
  await t.throwsAsync(learnerOf("prompts"), { code: "E_CONFIG", message: /prompts, of which it has none/ });
  for (const trains of ["prompts", "decoder"] as const)
    await t.throwsAsync(adaptOffline({ bundle: bundle.directory, frames: "/nowhere", out: path(`not-${trains}`), trains, seed: 1, threads: 1, onProgress: () => undefined }), { code: "E_CONFIG", message: new RegExp(trains) });
});

test("statistics are those of the layer over all frames", async (t) => {
  const frames = [1, 2, 3, 4].map(targetOf);
  const learner = await learnerOf("norm");
  await learner.estimateStatistics(frames, 1);
  const weights = learner.teacher();
  const graph = new Graph("layer");
  const input = graph.input("frames", "uint8", [4, 32, 64, 3]);
  const stem = bundle.weights.get("stem.weight");
  if (!stem) return t.fail();
  // The model is 60 wide, the network 64.
  const image = resize(imported(network).normalise(input), [4, 3, 32, 60], "linear");
  graph.output("layer", conv(image, graph.constant(stem), undefined, { stride: 2, padding: 1 }));
  const all = new Uint8Array(4 * 64 * 32 * 3);
  frames.forEach((frame, at) => all.set(frame, at * frame.length));
  const { layer } = await runModel(writeOnnx(graph), { frames: { dtype: "uint8", shape: [4, 32, 64, 3], data: all } });
  const values = layer?.data as Float32Array;
  const plane = 16 * 30;
  for (let channel = 0; channel < 8; channel++) {
    const seen = Array.from({ length: 4 }, (_, image) => [...values.subarray((image * 8 + channel) * plane, (image * 8 + channel + 1) * plane)]).flat();
    const mean = seen.reduce((sum, value) => sum + value, 0) / seen.length;
    const variance = seen.reduce((sum, value) => sum + (value - mean) ** 2, 0) / seen.length;
    t.true(Math.abs((weights.get("bn.mean")?.data[channel] ?? NaN) - mean) < 1e-4);
    t.true(Math.abs((weights.get("bn.variance")?.data[channel] ?? NaN) / variance - 1) < 1e-3);
  }
});

test("statistics behind channels that do not vary are finite, however far from zero those are", async (t) => {
  await importModel({ model: path("model.onnx"), spec, insertNorm: true, out: path("even"), exemplars: path("exemplars") });
  const even = await readBundle(path("even"));
  const stem = even.weights.get("stem.weight");
  if (!stem) return t.fail();
  // The centre of each kernel alone, so that an even frame becomes an even channel.
  const weights = new Map([...even.weights, ["stem.weight", { ...stem, data: stem.data.map((_, at) => (at % 9 === 4 ? 40 + at / 7 : 0)) }]]);
  const options = { vocabulary: even.manifest.vocabulary, sourceBatch: 2, targetBatch: 2, maskRatio: 0.5, trains: "norm", seed: 1, threads: 1 } as const;
  const learner = await createLmcLearner(even.network, weights, new BundleText(even), options);
  await learner.estimateStatistics(Array.from({ length: 3 }, () => new Uint8Array(64 * 32 * 3).fill(201)), 1);
  for (const tensor of learner.teacher().values()) t.true(tensor.data.every(Number.isFinite));
});

const cells = (64 * 32) / 16;
const random = new Random(4, "source");
const source: Batch = {
  step: 0,
  frames: Uint8Array.from({ length: 2 * 64 * 32 * 3 }, (_, at) => (at % (64 * 32 * 3) < 64 * 16 * 3 ? 200 : 50) + random.below(30)),
  labels: Uint8Array.from({ length: 2 * cells }, (_, at) => (at % cells < cells / 2 ? 0 : 1)),
  names: [["sky", "road"], ["sky", "road"]],
  boxNames: [[], []],
  boxes: new Float32Array(8),
  boxLabels: new Int32Array(2).fill(-1),
  hasMask: Float32Array.of(1, 1),
  hasBoxes: Float32Array.of(0, 0),
  ids: ["a", "b"],
};

const fast = { ...defaultLearningRates, encoder: 1e-2, decoder: 1e-2, alpha: 0.5 };

for (const [trains, moving] of [
  ["all", ["bn.bias", "bn.weight", "head.bias", "head.weight", "stem.weight"]],
  ["norm", ["bn.bias", "bn.weight"]],
  ["last:1", ["head.bias", "head.weight"]],
  ["lora:2", ["head.weight", "stem.weight"]],
  ["/^stem/", ["stem.weight"]],
] as const)
  test(`it learns what it is told to: ${trains}`, async (t) => {
    const learner = await learnerOf(trains);
    t.teardown(async () => learner.close());
    const targets = new Uint8Array([...targetOf(1), ...targetOf(2)]);
    t.is(targets.length, patches * 64 * 32 * 3);
    const losses = [];
    for (let step = 0; step < 40; step++) losses.push(await learner.step({ targets, source }, fast));
    const [first, last] = [losses[0], losses.at(-1)];
    t.true((last?.supervised ?? NaN) < (first?.supervised ?? NaN), `${first?.supervised} -> ${last?.supervised}`);
    t.true((first?.lmc ?? 0) > 0 && first?.align === 0);
    const student = learner.student();
    const moved = [...bundle.weights].flatMap(([name, { data }]) => (student.get(name)?.data.every((value, at) => value === data[at]) ? [] : [name]));
    t.deepEqual(moved.sort(), [...moving]);
  });

test("what is no part of it cannot be chosen", async (t) => {
  for (const trains of ["decoder", "/nothing/", "/(/", "lora:100"] as const) {
    const learner = await learnerOf(trains);
    await t.throwsAsync(learner.step({ targets: new Uint8Array(2 * 64 * 32 * 3), source }, fast), { code: "E_CONFIG" });
  }
});

test.serial("by command: imported, adapted, judged, scored", async (t) => {
  const again = await nightshift("import", path("model.onnx"), "--spec", path("spec.yaml"), "--out", path("again"), "--exemplars", path("exemplars"), "--json");
  t.is(again.code, 0, again.err);
  t.like(json(again.out), { normalisations: 1, frames: 4 });
  const adapted = await nightshift("adapt", "--bundle", path("again"), "--frames", path("exemplars"), "--out", path("adapted"), "--condition", "dusk", "--steps", "3", "--trains", "norm", "--threads", "1", "--json");
  t.is(adapted.code, 0, adapted.err);
  t.like(json(adapted.out), { steps: 3 });
  const { manifest, weights, network: same } = await readBundle(path("adapted"));
  t.like(manifest, { generation: 1, parent: 0, condition: "dusk" });
  t.deepEqual((same as ImportedNetwork).model, network.model);
  t.notDeepEqual(weights.get("bn.weight"), bundle.weights.get("bn.weight"));
  t.deepEqual(weights.get("stem.weight"), bundle.weights.get("stem.weight"));
  const scored = json((await nightshift("evaluate", "--bundle", path("adapted"), "--dataset", path("exemplars"), "--threads", "1", "--json")).out);
  t.like(scored, { frames: 8, classes: { sky: "sky", street: "road" }, ap50: null });
  t.is(typeof scored["miou"], "number");
});

test("a specification can be given by answers", async (t) => {
  const answers = ["", "picture", "[32, 60]", "", "bgr", "0.0039215686", "[0.4, 0.45, 0.5]", "0.25", "", "[road, sidewalk, sky]", "[0]"];
  t.deepEqual(await askSpec(() => Promise.resolve(answers.shift() ?? "")), spec);
  const ofBoxes = ["detection", "", "[32, 60]", "", "", "1", "0", "1", "scores", "[car]", "", "boxes", "softmax"];
  t.like(await askSpec(() => Promise.resolve(ofBoxes.shift() ?? "")), { task: "detection", output: { kind: "boxes", name: "scores", boxes: "boxes", scores: "softmax", classes: ["car"] } });
});

for (const [what, change, code, message] of [
  ["classes that do not fit", "classes: [road, sky]", "E_CONFIG", /2 classes and 1 ignored/],
  ["a size that is not the model's", "size: [32, 64]", "E_CONFIG", /\[1, 3, 32, 64\]/],
  ["an input of another name", "name: image", "E_CONFIG", /picture/],
  ["an output of another name", "kind: logits, name: masks", "E_CONFIG", /an output masks, of logits; received logits float32/],
  ["logits in the place of classes", "kind: classes", "E_CONFIG", /classes \[1, height, width\]/],
  ["boxes of a segmentation model", "kind: boxes", "E_CONFIG", /line 4: output.kind: must be logits or classes/],
  ["detection by logits", "task: detection", "E_CONFIG", /line 4: output.kind: must be boxes/],
  ["a mean of bytes beside scaled ones", "mean: [103.53, 116.28, 123.675]", "E_CONFIG", /line 3: input.mean: must lie between 0 and 1.00, .*received 103.53, 116.28, 123.675/],
  ["deviations of bytes beside scaled ones", "std: 57.375", "E_CONFIG", /line 3: input.std: .*received 57.375/],
  ["bytes beside a mean of scaled ones", "scale: 1.0", "E_CONFIG", /line 3: input.std: .* 0 to 255, received 0.25/],
  ["a class twice", "classes: [road, road, sky]", "E_CONFIG", /twice/],
] as const)
  test(`refused: ${what}`, async (t) => {
    const [key = ""] = change.split(": ");
    const changed = foreignSpec.replace(new RegExp(`\\b${key}: (\\[[^\\]]*\\]|[\\w.]+)`), change);
    t.not(changed, foreignSpec);
    const file = path(`${key}-${change.length}.yaml`);
    await writeFile(file, changed);
    const error = await t.throwsAsync(async () => importModel({ model: path("model.onnx"), spec: await readSpec(file), out: path("refused") }), { code });
    t.regex(error.message, message);
  });
