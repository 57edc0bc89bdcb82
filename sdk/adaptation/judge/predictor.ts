import type { Vocabulary } from "../../bundle/index.js";
import type { ScoredBox } from "../../frame.js";

/** What a model answers to one frame of the network's input size. */
export interface Prediction {
  /** `[height, width]`: index into the vocabulary. */
  readonly mask: Uint8Array;
  /** `[height / 4, width / 4]`: 0 to 255 for 0 to 1. */
  readonly maskScore: Uint8Array;
  /** As they are served, in pixels of the network's input, the surest first; down to `evaluationThreshold`. */
  readonly boxes: readonly ScoredBox[];
  /** Whether boxes and their scores are all finite. */
  readonly finite: boolean;
}

/** One set of weights that answers, for measuring. */
export interface Predictor {
  /** `rgb`: `[height, width, 3]`. */
  predict(rgb: Uint8Array, vocabulary: Vocabulary): Promise<Prediction>;
  close(): Promise<void>;
}
