import type { BundleText } from "../sdk/adaptation/trainer/bundle-text.js";
import { type Bundle, type Quantisation, vocabularyOf } from "../sdk/bundle/index.js";
import { answersBoxes, answersMasks, isImported } from "../sdk/network/architecture.js";
import type { Dataset } from "../sdk/training/dataset.js";
import { evaluationOf, scoreFrames, scoringEngine } from "../sdk/training/evaluate.js";
import { boxGains, type FrameScores, maskGains } from "../sdk/training/frame-scores.js";
import type { Interval } from "../sdk/training/metrics/index.js";

/** Something of a bundle in float, and of the same in int8 or float16. */
export interface Both {
  readonly float: number;
  readonly reduced: number;
}

/** A score, percent. */
export interface Score extends Both {
  readonly on: string;
  readonly frames: number;
  /** float - reduced; below 0 where that is better. */
  readonly lost: number;
  /** Of what is lost: 95 %, by bootstrap over frames. Null where one of the two scores nothing. */
  readonly interval: Interval | null;
  readonly perClass: Readonly<Record<string, Both>>;
}

export interface Scores {
  readonly miou: Score | null;
  readonly ap50: Score | null;
}

/** What scores are made of. */
export interface Judging {
  readonly bundle: Bundle;
  /** Labelled frames that nothing is chosen on. */
  readonly heldOut: Dataset;
  /** Labelled boxes, where those frames have none. */
  readonly boxes: Dataset;
  /** The bundle's. One for all that is scored, as it opens the text encoder where names ask for it. */
  readonly text: BundleText;
  readonly threads: number;
  readonly onProgress: (line: string) => void;
}

/** A score of one precision, percent. */
export interface Scored extends Pick<Score, "on" | "frames"> {
  readonly score: number;
  readonly perClass: Readonly<Record<string, number>>;
  readonly each: FrameScores;
}

/** Null where the network answers none, or no label tells. */
export interface Judged {
  readonly miou: Scored | null;
  readonly ap50: Scored | null;
}

/**
 * Scores what a bundle's network answers, in float or as it is quantised. Boxes are scored on those of rendered frames where the labelled ones have none, unless the network knows
 * names of its own alone. Throws `E_DATASET_UNLABELLED`, `E_VOCABULARY`, `E_TEXT_ENCODER`, and as engines do.
 */
export async function judged(judging: Judging, quantisation?: Quantisation): Promise<Judged> {
  const { network } = judging.bundle;
  const { miou, ap50 } = await scored(judging, judging.heldOut, quantisation);
  const own = { miou: answersMasks(network) ? miou : null, ap50 };
  if (!answersBoxes(network) || ap50 || isImported(network)) return own;
  return { ...own, ap50: (await scored(judging, { ...judging.boxes, names: [] }, quantisation)).ap50 };
}

async function scored({ bundle, text, threads, onProgress }: Judging, dataset: Dataset, quantisation: Quantisation | undefined): Promise<Judged> {
  const { network, weights, manifest } = bundle;
  const vocabulary = vocabularyOf(bundle.embeddings(), manifest.vocabulary);
  const engine = await scoringEngine({ kind: "network", network, weights, ...(quantisation && { quantisation }), generation: manifest.generation, vocabulary }, threads);
  try {
    const all = await scoreFrames(engine, (names) => text.vocabulary(names), dataset, {
      boxes: answersBoxes(network),
      onProgress: (done, total) => onProgress(`${dataset.name} in ${quantisation?.precision ?? "float"}: ${done} of ${total} frames`),
    });
    const { miou, perClass, ap50, perClassAp50 } = evaluationOf(all);
    const score = (value: number | null, byName: Scored["perClass"]): Scored | null => (value === null ? null : { on: dataset.name, frames: all.frames, score: value, perClass: byName, each: all.each });
    return { miou: score(miou, perClass), ap50: score(ap50, perClassAp50) };
  } finally {
    await engine.close();
  }
}

/** Scores in float beside those in int8 or float16 of the same frames. Where only float has one, as its like names no pixel any more, all is lost. */
export function beside(float: Judged, reduced: Judged): Scores {
  const both = (a: Scored | null, b: Scored | null, gains: typeof maskGains): Score | null =>
    a && {
      on: a.on,
      frames: a.frames,
      float: a.score,
      reduced: b?.score ?? 0,
      lost: a.score - (b?.score ?? 0),
      interval: (b && gains(b.each, a.each).mean?.interval) ?? null,
      perClass: Object.fromEntries(Object.entries(a.perClass).map(([name, value]) => [name, { float: value, reduced: b?.perClass[name] ?? 0 }])),
    };
  return { miou: both(float.miou, reduced.miou, maskGains), ap50: both(float.ap50, reduced.ap50, boxGains) };
}
