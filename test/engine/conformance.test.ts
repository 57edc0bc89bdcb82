import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { sha256Of } from "../../sdk/bundle/files.js";
import { defaultScoreThreshold, type Engine, type EngineOptions } from "../../sdk/engine/engine.js";
import { vocabularyFeeds } from "../../sdk/engine/feeds.js";
import { runModel } from "../../sdk/engine/run.js";
import { float32 } from "../../sdk/graph/tensor.js";
import { textWidth } from "../../sdk/network/contract.js";
import { inferenceModel } from "../../sdk/network/inference.js";
import { tinyNetwork } from "../bundle/contents.js";
import { checkOf, type EngineUnderTest, engines } from "./engines.js";
import { bundleOf, frameOf, manyNames, names, vocabulary, weightsOf } from "./models.js";

/** Puts a NaN into a bundle's weights, with a right hash. */
async function poison(directory: string): Promise<void> {
  const [path, manifestPath] = [join(directory, "weights.safetensors"), join(directory, "manifest.json")];
  const bytes = await readFile(path);
  // The last numbers are float16, the low byte first.
  bytes[bytes.length - 1] = 0x7e;
  await writeFile(path, bytes);
  const manifest = await readFile(manifestPath, "utf8");
  await writeFile(manifestPath, manifest.replace(/(?<="weights.safetensors",\s*"bytes": \d+,\s*"sha256": ")[0-9a-f]{64}/, sha256Of(bytes)));
}

/** What every engine does alike. One that this machine cannot run is skipped by name, with the reason. */
for (const each of engines) conforms(each);

function conforms(engine: EngineUnderTest): void {
  const { create, isExact } = engine;
  const check = checkOf(engine);

  function open(t: ExecutionContext, options?: EngineOptions): Engine {
    const engine = create(t, options);
    t.teardown(() => engine.close());
    return engine;
  }

  /** The share of a mask's pixels that are the same. */
  const agreement = (mask: Uint8Array, other: ArrayLike<unknown> | undefined): number => mask.filter((value, at) => value === Number(other?.[at])).length / mask.length;

  check("a frame is answered as the graph answers it", async (t) => {
    const engine = open(t, { scoreThreshold: 0 });
    const weights = weightsOf(1);
    t.deepEqual(await engine.load({ kind: "network", network: tinyNetwork, weights, generation: 7, vocabulary: vocabulary() }), {
      generation: 7,
      network: { width: 64, height: 32 },
      vocabulary: [...names],
    });
    const frame = frameOf(3);
    const before = frame.rgb.slice();
    const answer = await engine.infer(frame);
    t.deepEqual(frame.rgb, before, "the caller keeps the frame");
    t.like(answer, { camera: "test", sequence: 3, captureTimeNs: 3_000_000_000n, generation: 7, width: 64, height: 32, cameraWidth: 80, cameraHeight: 48 });
    t.true(answer.valid, answer.invalidReasons.join());
    t.deepEqual(answer.vocabulary, [...names]);
    const model = inferenceModel(tinyNetwork, weights, { frame: { width: 80, height: 48 }, names: 16 });
    const bare = await runModel(model, { frame: { dtype: "uint8", shape: [1, 48, 80, 3], data: frame.rgb }, ...vocabularyFeeds(vocabulary(), textWidth) });
    const scores = [...(bare.box_score?.data ?? [])].map(Number);
    if (isExact) {
      t.deepEqual(answer.mask, bare.mask?.data);
      t.deepEqual(answer.maskScore, bare.mask_score?.data);
    }
    t.true(agreement(answer.mask, bare.mask?.data) >= (isExact ? 1 : 0.99));
    t.true(answer.boxes.length > 10 && answer.boxes.every(({ score }) => scores.some((bareScore) => Math.abs(bareScore - score) <= (isExact ? 0 : 0.05))));
    t.true(answer.boxes.every(({ x1, y1, x2, y2 }) => x1 >= 0 && y1 >= 0 && x1 < x2 && y1 < y2 && x2 <= 80 && y2 <= 48));
    t.deepEqual(answer.boxes, answer.boxes.toSorted((a, b) => b.score - a.score));
    t.true(answer.timings.inferenceMs > 0 && answer.timings.totalMs >= answer.timings.inferenceMs);
  });

  check("frames of several sizes, one after the other and at once", async (t) => {
    const engine = open(t);
    await engine.load({ kind: "bundle", directory: await bundleOf(t, 2) }, [{ width: 80, height: 48 }]);
    const sizes = [[80, 48], [64, 32], [17, 16], [80, 48], [33, 65], [100, 20]] as const;
    const answers = await Promise.all(sizes.map(([width, height], at) => engine.infer(frameOf(at, width, height))));
    t.deepEqual(answers.map(({ sequence, cameraWidth, generation }) => [sequence, cameraWidth, generation]), sizes.map(([width], at) => [at, width, 2]));
    t.deepEqual((await engine.infer(frameOf(0))).mask, answers[0]?.mask);
  });

  check("the vocabulary changes between two frames, to a larger one and back", async (t) => {
    const engine = open(t);
    await engine.load({ kind: "bundle", directory: await bundleOf(t, 0) });
    const answers = [engine.infer(frameOf(0))];
    const changes = [engine.setVocabulary(["sky", "person"])];
    answers.push(engine.infer(frameOf(0)));
    changes.push(engine.setVocabulary(vocabulary(manyNames)));
    answers.push(engine.infer(frameOf(0)));
    changes.push(engine.setVocabulary(names));
    answers.push(engine.infer(frameOf(0)));
    await Promise.all(changes);
    const [first, second, third, last] = await Promise.all(answers);
    t.deepEqual([first, second, third, last].map((answer) => answer?.vocabulary), [[...names], ["sky", "person"], manyNames, [...names]]);
    t.deepEqual(first?.mask, last?.mask);
  });

  check("vocabularies that cannot be served change nothing", async (t) => {
    const engine = open(t);
    await engine.load({ kind: "bundle", directory: await bundleOf(t, 0) });
    const tooMany = Array.from({ length: 65 }, (_, at) => `name ${at}`);
    const text = vocabulary().text;
    const wrong = [[], tooMany, ["car", "car"], ["whale"], { names: ["car"], text }, { names: [], text }];
    for (const words of wrong) await t.throwsAsync(() => engine.setVocabulary(words), { message: /^E_VOCABULARY/ });
    const poisoned = { names: ["car"], text: float32([3, 384], new Float32Array(3 * 384).fill(NaN)) };
    await t.throwsAsync(() => engine.setVocabulary(poisoned), { message: /^E_WEIGHTS_NOT_FINITE/ });
    t.deepEqual((await engine.infer(frameOf(0))).vocabulary, [...names]);
  });

  check("frames of odd size or format are refused", async (t) => {
    const engine = open(t);
    await engine.load({ kind: "bundle", directory: await bundleOf(t, 0) });
    const frame = frameOf(0);
    await t.throwsAsync(() => engine.infer({ ...frame, width: 81 }), { message: /^E_FRAME_SIZE/ });
    await t.throwsAsync(() => engine.infer({ ...frame, width: 0 }), { message: /^E_FRAME_SIZE/ });
    await t.throwsAsync(() => engine.infer({ ...frame, rgb: new Uint8Array(80 * 48) }), { message: /^E_FRAME_FORMAT/ });
    t.true((await engine.infer(frame)).valid);
  });

  check("NaN weights, from memory and from disk, are refused and what was served still is", async (t) => {
    const engine = open(t);
    const model = { kind: "network", network: tinyNetwork, generation: 1, vocabulary: vocabulary() } as const;
    await engine.load({ ...model, weights: weightsOf(1) });
    const weights = new Map(weightsOf(2));
    const [name = "", tensor] = [...weights][3] ?? [];
    weights.set(name, float32(tensor?.shape ?? [], new Float32Array(tensor?.data.length ?? 0).fill(NaN)));
    await t.throwsAsync(() => engine.load({ ...model, weights, generation: 2 }), { message: /^E_WEIGHTS_NOT_FINITE/ });
    const directory = await bundleOf(t, 3);
    await poison(directory);
    await t.throwsAsync(() => engine.load({ kind: "bundle", directory }), { message: /^E_WEIGHTS_NOT_FINITE/ });
    t.is((await engine.infer(frameOf(0))).generation, 1);
  });

  check("options that are not told are the defaults", async (t) => {
    const model = { kind: "network", network: tinyNetwork, weights: weightsOf(1), generation: 0, vocabulary: vocabulary() } as const;
    const boxes = async (options?: EngineOptions) => {
      const engine = open(t, options);
      await engine.load(model);
      return (await engine.infer(frameOf(1))).boxes;
    };
    const told = await boxes({ scoreThreshold: defaultScoreThreshold });
    t.true(told.length > 0);
    t.deepEqual(await boxes({ threads: undefined, provider: undefined, scoreThreshold: undefined }), told);
  });

  check("options that cannot be are refused", async (t) => {
    for (const options of [{ scoreThreshold: NaN }, { scoreThreshold: 1.1 }, { scoreThreshold: -0.1 }, { threads: 0 }, { threads: 1.5 }]) t.throws(() => create(t, options), { message: /^E_CONFIG/ }, JSON.stringify(options));
  });

  check("unloaded, it answers nothing until it is loaded again", async (t) => {
    const engine = open(t);
    const model = { kind: "network", network: tinyNetwork, weights: weightsOf(1), generation: 1, vocabulary: vocabulary() } as const;
    await engine.load(model);
    const answers = [engine.infer(frameOf(0)), engine.infer(frameOf(1))];
    await engine.unload();
    t.deepEqual((await Promise.all(answers)).map(({ sequence }) => sequence), [0, 1]);
    t.is(engine.loaded, undefined);
    await t.throwsAsync(() => engine.infer(frameOf(0)), { message: /^E_ENGINE: expected a loaded model/ });
    await t.throwsAsync(() => engine.setVocabulary(vocabulary()), { message: /^E_ENGINE: expected a loaded model/ });
    await engine.load({ ...model, generation: 2 });
    t.is((await engine.infer(frameOf(0))).generation, 2);
  });

  check("a damaged or missing bundle is refused with the code that readers give", async (t) => {
    const engine = open(t);
    const directory = await bundleOf(t, 0);
    await t.throwsAsync(() => engine.load({ kind: "bundle", directory: join(directory, "none") }), { message: /^E_BUNDLE_MISSING/ });
    const path = join(directory, "weights.safetensors");
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, 200));
    await t.throwsAsync(() => engine.load({ kind: "bundle", directory }), { message: /^E_BUNDLE_FORMAT/ });
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1;
    await writeFile(path, bytes);
    await t.throwsAsync(() => engine.load({ kind: "bundle", directory }), { message: /^E_BUNDLE_HASH/ });
  });

  check("an ONNX file serves frames and vocabularies of its own size alone", async (t) => {
    const engine = open(t);
    const model = inferenceModel(tinyNetwork, weightsOf(1), { frame: { width: 80, height: 48 }, names: 16 });
    const onnx = { kind: "onnx", model, frame: { width: 80, height: 48 }, network: tinyNetwork, names: 16, generation: 4, vocabulary: vocabulary() } as const;
    await engine.load(onnx);
    t.is((await engine.infer(frameOf(0))).generation, 4);
    await t.throwsAsync(() => engine.infer(frameOf(0, 64, 48)), { message: /^E_ENGINE/ });
    await t.throwsAsync(() => engine.setVocabulary(names), { message: /^E_VOCABULARY/ });
    await t.throwsAsync(() => engine.setVocabulary(vocabulary(manyNames)), { message: /^E_VOCABULARY: expected a vocabulary with room for 16 names.*received 40 names/ });
    await t.throwsAsync(() => engine.load({ ...onnx, names: 64 }), { message: /^E_VOCABULARY/ });
    t.deepEqual((await engine.infer(frameOf(0))).vocabulary, [...names]);
  });

  check("closing during runs answers them first; afterwards everything is refused", async (t) => {
    const engine = create(t);
    await t.throwsAsync(() => engine.infer(frameOf(0)), { message: /^E_ENGINE: expected a loaded model/ });
    await engine.load({ kind: "bundle", directory: await bundleOf(t, 0) });
    const answers = Promise.all(Array.from({ length: 20 }, (_, at) => engine.infer(frameOf(at))));
    const closed = engine.close();
    t.is((await answers).length, 20);
    await closed;
    await t.throwsAsync(() => engine.infer(frameOf(0)), { message: /^E_CLOSED/ });
    await t.notThrowsAsync(() => engine.close());
  });
}
