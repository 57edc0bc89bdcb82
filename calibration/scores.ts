import { BundleText } from "../sdk/adaptation/trainer/bundle-text.js";
import { type Bundle, type Quantisation, vocabularyOf } from "../sdk/bundle/index.js";
import { ThreadEngine } from "../sdk/engine/thread-engine.js";
import type { Dataset } from "../sdk/training/dataset.js";
import { evaluate, type Evaluation, evaluationThreshold } from "../sdk/training/evaluate.js";

/** A score in float and in int8, percent. */
export interface Score {
  readonly on: string;
  readonly frames: number;
  readonly float: number;
  readonly int8: number;
  /** float - int8; below 0 where int8 is better. */
  readonly lost: number;
  readonly perClass: Readonly<Record<string, { readonly float: number; readonly int8: number }>>;
}

export interface Scores {
  readonly miou: Score | null;
  readonly ap50: Score | null;
}

/** Scores a bundle in float and in int8 on the same frames. Throws `E_DATASET_UNLABELLED`, and as engines do. */
export async function scoreBoth(bundle: Bundle, quantisation: Quantisation, dataset: Dataset, threads: number, onProgress: (line: string) => void): Promise<Scores> {
  const text = new BundleText(bundle);
  const score = async (inInt8: boolean): Promise<Evaluation> => {
    const { network, weights, manifest } = bundle;
    const engine = new ThreadEngine({ threads, scoreThreshold: evaluationThreshold });
    try {
      const vocabulary = vocabularyOf(bundle.embeddings(), manifest.vocabulary);
      await engine.load({ kind: "network", network, weights, ...(inInt8 && { quantisation }), generation: manifest.generation, vocabulary });
      return await evaluate(engine, (names) => text.vocabulary(names), dataset, {
        onProgress: (done, total) => onProgress(`${dataset.name} in ${inInt8 ? "int8" : "float"}: ${done} of ${total} frames`),
      });
    } finally {
      await engine.close();
    }
  };
  const [float, int8] = [await score(false), await score(true)];
  const both = (a: number | null, b: number | null, perClass: "perClass" | "perClassAp50"): Score | null =>
    a === null || b === null
      ? null
      : {
          on: dataset.name,
          frames: float.frames,
          float: a,
          int8: b,
          lost: a - b,
          perClass: Object.fromEntries(Object.entries(float[perClass]).map(([name, value]) => [name, { float: value, int8: int8[perClass][name] ?? NaN }])),
        };
  return { miou: both(float.miou, int8.miou, "perClass"), ap50: both(float.ap50, int8.ap50, "perClassAp50") };
}
