import { resolve } from "node:path";
import type { Recompute } from "../autodiff/recompute.js";
import { judge, judgeBoundsFor, type ModelMeasurement, type Verdict } from "../adaptation/judge/index.js";
import { FrameMemory } from "../adaptation/memory.js";
import { WeatherMonitor } from "../adaptation/monitor/index.js";
import { shrink } from "../adaptation/shrink.js";
import { defaultLesserShares, train, trainingOptionsFor, type TrainingProgress } from "../adaptation/trainer/index.js";
import { learners } from "../adaptation/trainer/learners.js";
import type { MethodName } from "../adaptation/trainer/methods.js";
import type { StepLosses } from "../adaptation/learner.js";
import { readBundle, readTrust, refuseExisting } from "../bundle/index.js";
import type { StepEngine } from "../engine/learner.js";
import { NightshiftError } from "../errors.js";
import type { Frame } from "../frame.js";
import { checkTrains, requireTrainable, type Trainable } from "../network/trainable.js";
import type { ConditionName } from "../stream/events.js";
import { ownExemplars } from "./exemplars.js";
import { openSource, shownSource } from "./source.js";

export interface AdaptOptions {
  /** Folder of the bundle to start from. */
  readonly bundle: string;
  /** A folder of images. */
  readonly frames: string;
  /** Where the adapted bundle goes; nothing is there yet. */
  readonly out: string;
  readonly exemplars?: string;
  /** What the frames show; judged from them by default. */
  readonly condition?: ConditionName;
  readonly vocabulary?: readonly string[];
  /** As `BundleText` takes it. */
  readonly textEncoder?: string;
  /** As `NightshiftOptions.trust`. */
  readonly trust?: readonly string[];
  /** `whole` unless told otherwise. */
  readonly method?: MethodName;
  readonly steps?: number;
  readonly trains?: Trainable;
  /** As `TrainingOptions.statisticsMix`. */
  readonly statisticsMix?: number;
  readonly recompute?: Recompute;
  readonly seed: number;
  readonly threads: number;
  /** Who computes the steps, and on which execution provider of ONNX Runtime; from JavaScript on the CPU unless told otherwise. */
  readonly engine?: StepEngine;
  readonly provider?: string;
  readonly onProgress: (progress: TrainingProgress) => void;
}

export interface Adapted {
  readonly accepted: boolean;
  /** Of each round of learning; offline there is one. */
  readonly verdicts: readonly [Verdict];
  /** Of what was learnt that the new bundle holds, 0 to 1. */
  readonly share: number;
  readonly steps: number;
  readonly seconds: number;
  /** Of the first and the last step. */
  readonly losses: { readonly first: StepLosses | null; readonly last: StepLosses | null };
  readonly before: ModelMeasurement;
  readonly after: ModelMeasurement;
}

/** More frames than these teach no more in one round of steps. */
const mostFrames = 256;
/** Who names a folder wants it learnt from: frames are left out that repeat one, as those of a red light, and not all that the vehicle would leave. */
const leastNovelty = 0.005;

/**
 * One adaptation in this process, as the vehicle would make it, to the frames of a folder. The bundle is written whatever the judge says.
 * Throws `E_NOT_TRAINABLE`, `E_CONFIG` where the bundle has nothing of what is to learn, `E_CAMERA`, `E_IMAGE`, `E_TRAINER` for too few frames, `E_DATASET_UNLABELLED` without exemplars, `E_WEIGHTS_NOT_FINITE`, `E_DISK`, `E_KEY`, and as bundles do.
 */
export async function adaptOffline(options: AdaptOptions): Promise<Adapted> {
  const { bundle: directory, out, exemplars, vocabulary, textEncoder, method, steps, trains, statisticsMix, recompute, seed, threads, engine, provider, onProgress } = options;
  await refuseExisting(out);
  const trust = options.trust && { trust: await readTrust(options.trust) };
  const { manifest, network } = await readBundle(directory, { verify: "model", ...trust });
  requireTrainable(network);
  const changes = { seed, threads, method, ...(steps !== undefined && { steps }), ...(trains && { trains }), ...(statisticsMix !== undefined && { statisticsMix }), ...(recompute && { recompute }), ...(engine && { engine }), ...(provider !== undefined && { provider }) };
  // The same in every condition.
  checkTrains(trainingOptionsFor("clear", changes).trains, network);
  const { targets, condition } = await framesOf(options.frames, manifest.network, options.condition);
  const trained = await train(
    {
      bundleDirectory: directory,
      outDirectory: resolve(out),
      generation: manifest.generation + 1,
      condition,
      vocabulary: vocabulary ?? manifest.vocabulary,
      ...(textEncoder !== undefined && { textEncoder: resolve(textEncoder) }),
      ...trust,
      targets,
      lesserShares: defaultLesserShares,
      exemplars: exemplars === undefined ? [] : [await ownExemplars(exemplars, network)],
      options: trainingOptionsFor(condition, changes),
    },
    await learners.lmc(),
    onProgress,
  );
  const verdict = judge(trained.measurements, judgeBoundsFor(condition));
  const { before, after } = trained.measurements;
  const { share, losses, seconds } = trained;
  return { accepted: verdict.accepted, verdicts: [verdict], share, steps: losses.length, seconds, losses: { first: losses[0] ?? null, last: losses.at(-1) ?? null }, before, after };
}

/** Frames at the network's size, spread over the folder, and what most of them show. */
async function framesOf(folder: string, size: { readonly width: number; readonly height: number }, stated: ConditionName | undefined): Promise<{ targets: Uint8Array[]; condition: ConditionName }> {
  const memory = new FrameMemory({ ...size, capacity: mostFrames, leastNovelty });
  const monitor = new WeatherMonitor();
  const seen = new Map<ConditionName, number>();
  const take = (frame: Frame): void => {
    const { condition, statistics } = monitor.observe(frame);
    seen.set(condition, (seen.get(condition) ?? 0) + 1);
    const { camera, sequence, captureTimeNs } = frame;
    // Nothing is answered here: scenes differ by what they look like alone.
    const scene = { thumbnail: statistics.thumbnail, shares: new Map([["", 1]]) };
    memory.offer({ id: `${camera}/${sequence}`, condition: "unknown", captureTimeNs, scene, rgb: () => shrink(frame, size) });
  };
  const fail = (error: unknown): never => {
    throw error;
  };
  const { camera } = await openSource({ source: folder, fps: 0 }, { onError: fail, onLost: fail, onBack: () => undefined });
  if (folder === "drive" || camera.live)
    throw new NightshiftError("E_CONFIG", { expected: "a folder of images, whose frames come to an end", received: shownSource(folder), remedy: "Record the source (`nightshift record`), or let `nightshift run` learn from it." });
  for await (const frame of camera.frames(new AbortController().signal)) take(frame);
  const [most] = [...seen].filter(([condition]) => condition !== "unknown").sort(([, a], [, b]) => b - a);
  const condition = stated ?? most?.[0];
  if (!condition)
    throw new NightshiftError("E_CONFIG", {
      expected: `frames in ${folder} whose weather can be told`,
      received: "too few, or unclear ones",
      remedy: "State it with --condition.",
    });
  return { targets: memory.frames().map(({ rgb }) => rgb), condition };
}
