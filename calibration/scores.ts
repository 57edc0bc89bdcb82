import { BundleText } from "../sdk/adaptation/trainer/bundle-text.js";
import { type Bundle, type Quantisation, vocabularyOf } from "../sdk/bundle/index.js";
import { answersBoxes } from "../sdk/network/architecture.js";
import type { Dataset } from "../sdk/training/dataset.js";
import { evaluate, type Evaluation, scoringEngine } from "../sdk/training/evaluate.js";

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
  readonly perClass: Readonly<Record<string, Both>>;
}

export interface Scores {
  readonly miou: Score | null;
  readonly ap50: Score | null;
}

/** Scores a bundle in float and in int8 or float16 on the same frames. Throws `E_DATASET_UNLABELLED`, and as engines do. */
export async function scoreBoth(bundle: Bundle, quantisation: Quantisation, dataset: Dataset, threads: number, onProgress: (line: string) => void): Promise<Scores> {
  const text = new BundleText(bundle);
  const score = async (isReduced: boolean): Promise<Evaluation> => {
    const { network, weights, manifest } = bundle;
    const vocabulary = vocabularyOf(bundle.embeddings(), manifest.vocabulary);
    const engine = await scoringEngine({ kind: "network", network, weights, ...(isReduced && { quantisation }), generation: manifest.generation, vocabulary }, threads);
    try {
      return await evaluate(engine, (names) => text.vocabulary(names), dataset, {
        boxes: answersBoxes(network),
        onProgress: (done, total) => onProgress(`${dataset.name} in ${isReduced ? quantisation.precision : "float"}: ${done} of ${total} frames`),
      });
    } finally {
      await engine.close();
    }
  };
  const [float, reduced] = [await score(false), await score(true)];
  const both = (a: number | null, b: number | null, perClass: "perClass" | "perClassAp50"): Score | null =>
    a === null || b === null
      ? null
      : {
          on: dataset.name,
          frames: float.frames,
          float: a,
          reduced: b,
          lost: a - b,
          perClass: Object.fromEntries(Object.entries(float[perClass]).map(([name, value]) => [name, { float: value, reduced: reduced[perClass][name] ?? NaN }])),
        };
  return { miou: both(float.miou, reduced.miou, "perClass"), ap50: both(float.ap50, reduced.ap50, "perClassAp50") };
}
