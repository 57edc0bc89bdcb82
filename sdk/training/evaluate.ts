import { BundleText } from "../adaptation/trainer/bundle-text.js";
import { readBundle, type Trust, type Vocabulary } from "../bundle/index.js";
import type { Engine } from "../engine/engine.js";
import type { Model } from "../engine/model.js";
import type { Perception } from "../engine/perception.js";
import { ThreadEngine } from "../engine/thread-engine.js";
import { NightshiftError } from "../errors.js";
import type { Box, ScoredBox } from "../frame.js";
import { answersBoxes } from "../network/architecture.js";
import { noName } from "../network/contract.js";
import { type Dataset, ignoreLabel, noneLabelled, type Sample } from "./dataset.js";
import { FrameScores, gains, type Gains } from "./frame-scores.js";
import { BoxMatches, ConfusionMatrix, DepthErrors, type DepthScores, evaluationThreshold, type Interval, resizeMaskNearest } from "./metrics/index.js";

/** What a model scored on a dataset. Scores are percent; null where the dataset has no such labels. */
export interface Evaluation {
  readonly miou: number | null;
  /** Intersection over union of each name that the labels hold. */
  readonly perClass: Readonly<Record<string, number>>;
  readonly ap50: number | null;
  readonly perClassAp50: Readonly<Record<string, number>>;
  /** Where the model tells depth and the dataset knows it. */
  readonly depth?: DepthScores;
  readonly frames: number;
  readonly seconds: number;
  /** Where they were asked for: 95 % intervals of the first two, by bootstrap over frames. */
  readonly intervals?: { readonly miou: Interval | null; readonly ap50: Interval | null };
  /** Where another model was scored on the same frames: how much more this one scores. */
  readonly gain?: Gains;
}

export interface EvaluateOptions {
  /** Only so many frames, spread over the dataset; all unless told otherwise. */
  readonly frames?: number;
  /** Whether boxes are scored; not where the model answers none. */
  readonly boxes?: boolean;
  /** Whether to tell how the scores would spread over other frames. */
  readonly intervals?: boolean;
  /** Hears after each frame how many of how many are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What is scored: an engine, or what stands for several. */
export interface Answering extends Pick<Engine, "infer"> {
  setVocabulary(vocabulary: Vocabulary): Promise<unknown>;
}

/** An engine with a model, for `evaluate`. Throws as `Engine.load`. */
export async function scoringEngine(model: Model, threads: number): Promise<Engine> {
  const engine = new ThreadEngine({ threads, scoreThreshold: evaluationThreshold });
  try {
    await engine.load(model);
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** What an engine answered to a dataset, scored frame by frame. */
export interface ScoredFrames {
  readonly each: FrameScores;
  readonly depth?: DepthScores;
  readonly frames: number;
  readonly seconds: number;
}

/** Scores an engine of `scoringEngine`. Throws as `scoreFrames`. */
export async function evaluate(engine: Answering, vocabularyOf: (names: readonly string[]) => Promise<Vocabulary>, dataset: Dataset, options: EvaluateOptions = {}): Promise<Evaluation> {
  return evaluationOf(await scoreFrames(engine, vocabularyOf, dataset, options), options);
}

/**
 * Answers a dataset and scores each frame. The dataset's own class names, given to `vocabularyOf`, are
 * what the network is asked for: that is what its text encoder is for. Names of boxes that masks lack are asked for in a second pass.
 * Throws `E_DATASET_UNLABELLED`, `E_DATASET` where no pixel has a class, and as the engine and the dataset do.
 */
export async function scoreFrames(engine: Answering, vocabularyOf: (names: readonly string[]) => Promise<Vocabulary>, dataset: Dataset, options: Pick<EvaluateOptions, "frames" | "boxes" | "onProgress"> = {}): Promise<ScoredFrames> {
  const { names } = dataset;
  const boxNames = options.boxes === false ? [] : dataset.boxNames;
  if (names.length === 0 && dataset.boxNames.length === 0)
    throw new NightshiftError("E_DATASET_UNLABELLED", {
      expected: `labels in the dataset ${dataset.name}`,
      received: "frames only",
      remedy: "Add labels/*.png or boxes/*.xml and name their classes in classes.json, or choose a labelled dataset.",
    });
  const start = performance.now();
  const indices = spread(dataset.length, options.frames ?? dataset.length);
  /** One a frame. */
  let confusions: ConfusionMatrix[] = [];
  let namesPixels = false;
  let areLabelled = false;
  const found: (readonly ScoredBox[])[] = [];
  const wanted: (readonly Box[])[] = [];
  const takeMask = ({ mask, width, height }: Sample, answer: Perception): void => {
    if (!mask) return;
    namesPixels ||= answer.mask.some((index) => index !== noName);
    areLabelled ||= mask.some((index) => index !== ignoreLabel);
    const confusion = new ConfusionMatrix(names);
    confusion.add(resizeMaskNearest(answer.mask, answer.width, answer.height, width, height), mask);
    confusions.push(confusion);
  };
  const takeBoxes = ({ boxes }: Sample, answer: Perception): void => {
    if (!boxes || boxNames.length === 0) return;
    found.push(answer.boxes);
    wanted.push(boxes);
  };
  const depths = new DepthErrors();
  const takeDepth = ({ depth, width, height }: Sample, answer: Perception): void => {
    if (depth && answer.depth) depths.add(answer.depth, answer.width / 4, answer.height / 4, depth, width, height);
  };
  const inOnePass = names.length > 0 && boxNames.every((name) => names.includes(name));
  const passes = inOnePass
    ? [{ asked: names, take: [takeMask, takeBoxes, takeDepth] }]
    : [{ asked: names, take: [takeMask, takeDepth] }, { asked: boxNames, take: [takeBoxes] }].filter(({ asked }) => asked.length > 0);
  for (const [pass, { asked, take }] of passes.entries()) {
    await engine.setVocabulary(await vocabularyOf(asked));
    let done = 0;
    for await (const { sample, answer } of answers(engine, dataset, indices)) {
      for (const each of take) each(sample, answer);
      options.onProgress?.(pass * indices.length + ++done, passes.length * indices.length);
    }
  }
  if (confusions.length > 0 && !areLabelled) throw noneLabelled(dataset.name, confusions.length);
  // A model that names no pixel of any frame answers no masks, and is not scored on them.
  if (!namesPixels) confusions = [];
  const depth = depths.score();
  return { each: new FrameScores(names, confusions, new BoxMatches(found, wanted)), ...(depth && { depth }), frames: indices.length, seconds: (performance.now() - start) / 1000 };
}

/** Over all frames. `before`: what another model answered to the same ones. */
export function evaluationOf({ each, ...others }: ScoredFrames, { intervals, before }: { readonly intervals?: boolean; readonly before?: ScoredFrames } = {}): Evaluation {
  const [masks, boxes] = [each.masks(), each.boxes()];
  return {
    miou: masks.miou ?? null,
    perClass: masks.perClass,
    ap50: boxes.ap50 ?? null,
    perClassAp50: boxes.perClass,
    ...others,
    ...(intervals && { intervals: each.intervals() }),
    ...(before && { gain: gains(before.each, each) }),
  };
}

/** Means over the names that a bundle never learnt and over the others; null where there are none of them. */
export function seenAndUnseen({ perClass, perClassAp50 }: Pick<Evaluation, "perClass" | "perClassAp50">, heldOut: readonly string[]) {
  const means = (unseen: boolean) => {
    const mean = (scores: Readonly<Record<string, number>>): number | null => {
      const values = Object.entries(scores).flatMap(([name, value]) => (heldOut.includes(name) === unseen ? value : []));
      return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
    };
    return { miou: mean(perClass), ap50: mean(perClassAp50) };
  };
  return { seen: means(false), unseen: means(true) };
}

interface BundleOptions extends EvaluateOptions {
  readonly threads?: number;
  /** As `BundleText` takes it. */
  readonly textEncoder?: string;
  /** Who must have signed it; anyone, or nobody, unless told otherwise. */
  readonly trust?: Trust;
}

/** Scores a bundle on disk, with an engine of its own. Throws as `readBundle` and `evaluate`. */
export async function evaluateBundle(directory: string, dataset: Dataset, options: BundleOptions = {}): Promise<Evaluation> {
  return evaluationOf(await scoreBundle(directory, dataset, options), options);
}

/** Likewise, frame by frame. */
export async function scoreBundle(directory: string, dataset: Dataset, { threads = 2, textEncoder, trust, ...options }: BundleOptions = {}): Promise<ScoredFrames> {
  const bundle = await readBundle(directory, { verify: "model", trust });
  const text = new BundleText(bundle, textEncoder);
  const engine = await scoringEngine({ kind: "bundle", directory, trust }, threads);
  try {
    return await scoreFrames(engine, (names) => text.vocabulary(names), dataset, { ...options, boxes: answersBoxes(bundle.network) });
  } finally {
    await engine.close();
  }
}

/** Samples with their answers, in order. The next sample is read while one is answered. */
async function* answers(engine: Answering, dataset: Dataset, indices: readonly number[]): AsyncGenerator<{ sample: Sample; answer: Perception }> {
  const read = (at: number): Promise<Sample | Error> => {
    const index = indices[at];
    // Turned into a value, so that a failure while the engine works is not an unhandled one.
    return index === undefined ? Promise.resolve(new Error("past the end")) : dataset.sample(index).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
  };
  let next = read(0);
  for (let at = 0; at < indices.length; at++) {
    const sample = await next;
    next = read(at + 1);
    if (sample instanceof Error) throw sample;
    const { width, height, rgb } = sample;
    yield { sample, answer: await engine.infer({ camera: "dataset", sequence: at, captureTimeNs: 0n, width, height, rgb }) };
  }
}

/** `count` of `length` indices, evenly over all of them. */
const spread = (length: number, count: number): number[] =>
  Array.from({ length: Math.min(length, count) }, (_, at) => Math.floor((at * length) / Math.min(length, count)));
