import type { FloatTensor } from "../graph/tensor.js";
import type { Feeds } from "../network/steps/step-graph.js";
import type { Batch } from "../training/batch/index.js";
import type { Words } from "../network/text/words.js";

export interface BatchShape {
  readonly width: number;
  readonly height: number;
  /** K. */
  readonly names: number;
  /** Whether the step asks which names a label stands for. */
  readonly finer?: boolean;
}

/** A batch as the data inputs of `supervisedStep`. */
export function supervisedFeeds(batch: Batch, words: Words, { width, height, names, finer = false }: BatchShape): Feeds {
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
    ...(finer && { members: members(batch, names) }),
  };
}

/** Which names a pixel of each label may bear: [N, K, K] of 1 and 0, a row for each label. */
function members({ names: lists, alsoNames }: Batch, k: number): FloatTensor {
  const data = new Float32Array(lists.length * k * k);
  lists.forEach((names, i) => {
    names.forEach((name, row) => {
      for (const word of [name, ...(alsoNames?.[i]?.get(name) ?? [])]) if (names.includes(word)) data[(i * k + row) * k + names.indexOf(word)] = 1;
    });
  });
  return { dtype: "float32", shape: [lists.length, k, k], data };
}
