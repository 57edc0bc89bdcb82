import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { findBundle, readBundle, vocabularyOf } from "../../bundle/index.js";
import { deployedModel } from "../../engine/deployed.js";
import { vocabularyFeeds } from "../../engine/feeds.js";
import { ThreadEngine } from "../../engine/thread-engine.js";
import { textWidthOf } from "../../network/architecture.js";
import { inputNames, paddedVocabularySize } from "../../network/contract.js";
import { AnswerStream } from "../../pipeline/answer-stream.js";
import { median, quantile } from "../../quantile.js";
import { Publisher } from "../../stream/publisher.js";
import type { Bench } from "../benches.js";
import { driveFrames, LoopedCamera, type Pixels } from "./looped-camera.js";
import { Receiver } from "./receiver.js";
import { rounded } from "./statistics.js";

/** Frames in a block; blocks of the stream and of the bare session take turns. */
const blockFrames = 40;
const defaultFrames = 400;
/** Of the full rate, for the frames whose latency is measured: a camera leaves the engine time to rest. */
const pacedShare = 0.7;
const sizes = [
  { width: 1280, height: 720 },
  { width: 640, height: 360 },
];

/**
 * Raw frames of a camera's size through slot, engine and publisher to a subscriber in another process that unpacks masks and boxes;
 * beside `session.run` of the same graph on the same frames, with as many threads and ONNX Runtime's other defaults.
 */
export const bench: Bench = async ({ bundle = "default", threads = 2, count = defaultFrames, onProgress }) => {
  const directory = findBundle(bundle);
  const publisher = await Publisher.open({
    addresses: ["tcp://127.0.0.1:*"],
    onError: (error) => {
      throw error;
    },
  });
  const subscriber: Subscribed = { publisher, receiver: await Receiver.of(publisher) };
  try {
    const figures = [];
    for (const { width, height } of sizes) {
      onProgress(`${width} x ${height}: rendering`);
      figures.push({ frame: `${width}x${height}`, ...(await measure(directory, driveFrames(width, height, 8), threads, count, subscriber, onProgress)) });
    }
    const [first, ...others] = figures;
    return { ...first, others: others.map(({ peakMb: _, ...rest }) => rest), threads, bundle };
  } finally {
    await publisher.close();
    await subscriber.receiver.close();
  }
};

interface Subscribed {
  readonly publisher: Publisher;
  readonly receiver: Receiver;
}

async function measure(directory: string, frames: readonly Pixels[], threads: number, count: number, subscriber: Subscribed, onProgress: (line: string) => void) {
  const engine = new ThreadEngine({ threads });
  const names = (await engine.load({ kind: "bundle", directory }, frames.slice(0, 1))).vocabulary.length;
  const stream = (block: number, fps: number) => streamed(engine, frames, block, fps, subscriber);
  const { fps: warm } = await stream(blockFrames, 0);
  const { latenciesMs } = await stream(count, warm * pacedShare);
  // Before the bare session is there, whose memory is not the stream's. A process has but one peak, so that of further sizes is not told.
  const peakMb = process.resourceUsage().maxRSS / 1024;

  const bare = await openBare(directory, frames, threads);
  await bare.run(blockFrames);
  const rates: { fps: number; bareFps: number }[] = [];
  for (let round = 0; round * blockFrames < count; round++) {
    onProgress(`${frames[0]?.width} x ${frames[0]?.height}: ${round * blockFrames} of ${count} frames`);
    // Each goes first every other time, so that neither has the cooler processor.
    const early = round % 2 === 0 ? await stream(blockFrames, 0) : undefined;
    const bareFps = await bare.run(blockFrames);
    const { fps } = early ?? (await stream(blockFrames, 0));
    rates.push({ fps, bareFps });
  }
  await bare.session.release();
  await engine.close();
  const spread = (values: readonly number[]) => ({ min: rounded(Math.min(...values)), max: rounded(Math.max(...values)) });
  const ratios = rates.map(({ fps, bareFps }) => fps / bareFps);
  return {
    fps: rounded(median(rates.map(({ fps }) => fps)), 2),
    bareFps: rounded(median(rates.map(({ bareFps }) => bareFps)), 2),
    ratioToBare: rounded(median(ratios)),
    ratioSpread: spread(ratios),
    latencyMs: { p50: rounded(quantile(latenciesMs, 0.5), 1), p95: rounded(quantile(latenciesMs, 0.95), 1), p99: rounded(quantile(latenciesMs, 0.99), 1) },
    latencyAtFps: rounded(warm * pacedShare, 1),
    peakMb: rounded(peakMb, 0),
    names,
    framesMeasured: rates.length * blockFrames,
  };
}

/** Streams frames until the other process has their answers. Answers with the rate in frames a second, and each frame's latency. */
async function streamed(engine: ThreadEngine, frames: readonly Pixels[], count: number, fps: number, { publisher, receiver }: Subscribed): Promise<{ fps: number; latenciesMs: readonly number[] }> {
  await receiver.expect(count);
  const start = performance.now();
  const stream = new AnswerStream({
    camera: new LoopedCamera(frames, count, fps),
    engine,
    take: async (_frame, perception) => publisher.publish(perception, "unknown"),
    onError: (error) => {
      throw error;
    },
  });
  await stream.run();
  const latenciesMs = await receiver.received();
  return { fps: (count * 1000) / (performance.now() - start), latenciesMs };
}

async function openBare(directory: string, frames: readonly Pixels[], threads: number) {
  const bundle = await readBundle(directory, { verify: "model" });
  const { manifest } = bundle;
  const { width, height } = frames[0] ?? { width: 0, height: 0 };
  const names = paddedVocabularySize(manifest.vocabulary.length);
  const model = await deployedModel(bundle, { frame: { width, height }, names });
  const session = await InferenceSession.create(model, { intraOpNumThreads: threads });
  const words = Object.entries(vocabularyFeeds(vocabularyOf(bundle.embeddings(), manifest.vocabulary), textWidthOf(bundle.network)));
  const feeds = frames.map(({ rgb }) => ({
    [inputNames.frame]: new OrtTensor("uint8", rgb, [1, height, width, 3]),
    ...Object.fromEntries(words.map(([name, { dtype, data, shape }]) => [name, new OrtTensor(dtype, data, shape)])),
  }));
  const run = async (count: number): Promise<number> => {
    const start = performance.now();
    for (let at = 0; at < count; at++) await session.run(feeds[at % feeds.length] ?? {});
    return (count * 1000) / (performance.now() - start);
  };
  return { session, run };
}
