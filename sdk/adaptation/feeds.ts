import type { Feeds } from "../network/steps/step-graph.js";
import type { Batch } from "../training/batch/index.js";
import type { Words } from "../network/text/words.js";

export interface BatchShape {
  readonly width: number;
  readonly height: number;
  /** K. */
  readonly names: number;
}

/** A batch as the data inputs of `supervisedStep`. */
export function supervisedFeeds(batch: Batch, words: Words, { width, height, names }: BatchShape): Feeds {
  const n = batch.names.length;
  const g = batch.boxLabels.length / n;
  return {
    frames: { dtype: "uint8", shape: [n, height, width, 3], data: batch.frames },
    labels: { dtype: "uint8", shape: [n, height / 4, width / 4], data: batch.labels },
    ...words.batch(batch.names, names),
    boxes: { dtype: "float32", shape: [n, g, 4], data: batch.boxes },
    boxLabels: { dtype: "int64", shape: [n, g], data: BigInt64Array.from(batch.boxLabels, BigInt) },
    hasMask: { dtype: "float32", shape: [n], data: batch.hasMask },
    hasBoxes: { dtype: "float32", shape: [n], data: batch.hasBoxes },
  };
}
