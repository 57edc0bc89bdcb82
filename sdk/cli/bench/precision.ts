import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { convolutionsOf } from "../../../calibration/layers.js";
import { type Bundle, findBundle, readBundle, vocabularyOf } from "../../bundle/index.js";
import { foldConstants } from "../../engine/constants.js";
import { deployedModel } from "../../engine/deployed.js";
import { vocabularyFeeds } from "../../engine/feeds.js";
import { exactIntegers } from "../../engine/onnxruntime.js";
import { NightshiftError } from "../../errors.js";
import { textWidthOf } from "../../network/architecture.js";
import { inputNames, paddedVocabularySize } from "../../network/contract.js";
import { inferenceGraph, type InferenceOptions } from "../../network/inference.js";
import { median } from "../../quantile.js";
import type { Bench } from "../benches.js";
import { driveFrames, type Pixels } from "./looped-camera.js";
import { type NodeTime, nodeTimes, summed } from "./profile.js";
import { rounded } from "./statistics.js";

/** Frames in a block; blocks of both precisions take turns. */
const blockFrames = 20;
const defaultFrames = 400;
const camera = { width: 1280, height: 720 };
const profiledFrames = 40;
/** Operators that are told one by one; the others take next to nothing. */
const toldOperators = 12;

/** A bundle in int8 beside the same weights in float, on ONNX Runtime in this thread: frames of the network's size and of a camera's, and where the time goes. */
export const bench: Bench = async ({ bundle: name, threads = 2, count = defaultFrames, onProgress }) => {
  const directory = findBundle(name ?? "default");
  const int8 = await readBundle(directory, { verify: "model" });
  if (int8.quantisation?.precision !== "int8")
    throw new NightshiftError("E_CONFIG", { expected: "a bundle in int8", received: directory, remedy: "Make one with `nightshift calibrate` and name it with --bundle." });
  const { quantisation: _, ...float } = int8;
  const { width, height } = int8.network;
  const onNetworkSize = await compare(float, int8, { width, height }, threads, count, onProgress);
  const onCamera = await compare(float, int8, camera, threads, count, onProgress);
  onProgress("profiling");
  return { frame: `${width}x${height}`, ...onNetworkSize, camera: { frame: `${camera.width}x${camera.height}`, ...onCamera }, ...(await whereTimeGoes(float, int8, threads)), threads, bundle: directory };
};

interface Opened {
  /** Runs over frames; answers with the milliseconds that each took. */
  readonly run: (count: number) => Promise<number[]>;
  readonly session: InferenceSession;
  readonly modelBytes: number;
}

async function compare(float: Bundle, int8: Bundle, size: { readonly width: number; readonly height: number }, threads: number, count: number, onProgress: (line: string) => void) {
  const frames = driveFrames(size.width, size.height, 8);
  const [a, b] = [await open(float, frames, { intraOpNumThreads: threads }), await open(int8, frames, { intraOpNumThreads: threads })];
  for (const each of [a, b]) await each.run(blockFrames);
  const rounds: { readonly floatMs: number; readonly int8Ms: number }[] = [];
  for (let round = 0; round * blockFrames < count; round++) {
    onProgress(`${size.width} x ${size.height}: ${round * blockFrames} of ${count} frames`);
    // Each goes first every other time, so that neither has the cooler processor.
    const early = round % 2 === 0 ? await a.run(blockFrames) : undefined;
    const int8Ms = median(await b.run(blockFrames));
    rounds.push({ floatMs: median(early ?? (await a.run(blockFrames))), int8Ms });
  }
  for (const { session } of [a, b]) await session.release();
  const ratios = rounds.map(({ floatMs, int8Ms }) => floatMs / int8Ms);
  const fps = (ms: readonly number[]): number => rounded(1000 / median(ms), 1);
  return {
    fps: { float: fps(rounds.map(({ floatMs }) => floatMs)), int8: fps(rounds.map(({ int8Ms }) => int8Ms)) },
    speedup: rounded(median(ratios), 2),
    speedupSpread: { min: rounded(Math.min(...ratios), 2), max: rounded(Math.max(...ratios), 2) },
    modelBytes: { float: a.modelBytes, int8: b.modelBytes },
    framesMeasured: rounds.length * blockFrames,
  };
}

async function open(bundle: Bundle, frames: readonly Pixels[], options: InferenceSession.SessionOptions): Promise<Opened> {
  const [{ width, height }] = frames;
  const model = await deployedModel(bundle, graphOptions(bundle, { width, height }));
  const session = await InferenceSession.create(model, { logSeverityLevel: 3, extra: { session: { set_denormal_as_zero: "1", ...(await exactIntegers()) } }, ...options });
  const words = Object.entries(vocabularyFeeds(vocabularyOf(bundle.embeddings(), bundle.manifest.vocabulary), textWidthOf(bundle.network)));
  const feeds = frames.map(({ rgb }) => ({
    [inputNames.frame]: new OrtTensor("uint8", rgb, [1, height, width, 3]),
    ...Object.fromEntries(words.map(([input, { dtype, data, shape }]) => [input, new OrtTensor(dtype, data, shape)])),
  }));
  const run = async (count: number): Promise<number[]> => {
    const ms: number[] = [];
    for (let at = 0; at < count; at++) {
      const start = performance.now();
      await session.run(feeds[at % feeds.length] ?? {});
      ms.push(performance.now() - start);
    }
    return ms;
  };
  return { run, session, modelBytes: model.length };
}

const graphOptions = ({ manifest }: Bundle, frame: InferenceOptions["frame"]): InferenceOptions => ({ frame, names: paddedVocabularySize(manifest.vocabulary.length) });

/** Milliseconds by operator, and by the layers that are in int8, of frames of the network's size. */
async function whereTimeGoes(float: Bundle, int8: Bundle, threads: number) {
  const [a, b] = [await profiled(float, threads), await profiled(int8, threads)];
  const [floatOperators, int8Operators] = [summed(a, ({ operator }) => operator), summed(b, ({ operator }) => operator)];
  const sum = (times: readonly NodeTime[]): number => rounded(times.reduce((total, { ms }) => total + ms, 0), 2);
  const convolving = ({ operator }: NodeTime): boolean => operator.endsWith("Conv");
  const told = (operators: ReadonlyMap<string, number>) => Object.fromEntries([...operators].slice(0, toldOperators).map(([operator, ms]) => [operator, rounded(ms, 2)]));
  return {
    nodesMs: { float: sum(a), int8: sum(b) },
    convolutionsMs: { float: sum(a.filter(convolving)), int8: sum(b.filter(convolving)) },
    operatorsMs: { float: told(floatOperators), int8: told(int8Operators) },
    layers: await byLayer(int8, a.filter(convolving), b.filter(convolving)),
  };
}

async function profiled(bundle: Bundle, threads: number): Promise<readonly NodeTime[]> {
  const { width, height } = bundle.network;
  const folder = await mkdtemp(join(tmpdir(), "nightshift-profile-"));
  try {
    const { run, session } = await open(bundle, driveFrames(width, height, 2), { intraOpNumThreads: threads, enableProfiling: true, profileFilePrefix: join(folder, "profile") });
    await run(profiledFrames);
    const times = await nodeTimes(session, async () => join(folder, (await readdir(folder))[0] ?? ""));
    await session.release();
    return times;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Convolutions in float and in int8, the least gained first. A ReLU that is computed with a convolution gives its name to it. */
async function byLayer(int8: Bundle, a: readonly NodeTime[], b: readonly NodeTime[]) {
  const source = inferenceGraph(int8.network, int8.weights, graphOptions(int8, int8.network));
  const folded = await foldConstants(source);
  const named = (times: readonly NodeTime[]): ReadonlyMap<string, number> => summed(times, ({ node }) => node);
  const [floatMs, int8Ms] = [named(a), named(b)];
  const layers = convolutionsOf({ graph: folded, source, parameters: new Set(int8.weights.keys()) }).flatMap(({ name, tensors: [tensor], work }) => {
    const relu = folded.nodes.find(({ operator, inputs }) => operator === "Relu" && inputs[0].name === tensor)?.outputs[0].name ?? tensor;
    const [before, after] = [floatMs, int8Ms].map((times) => times.get(tensor) ?? times.get(relu));
    return before === undefined || after === undefined ? [] : [{ layer: name, work: rounded(work, 1), float: rounded(before), int8: rounded(after), speedup: rounded(before / after, 2) }];
  });
  return layers.sort((x, y) => x.float - x.int8 - (y.float - y.int8));
}
