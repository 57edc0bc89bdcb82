import type { Batch, Random } from "../../training/batch/index.js";
import { ignoreLabel } from "../../training/dataset.js";

/** Side of a label's cell, pixels. */
const cell = 4;

/**
 * A batch some of whose frames are target frames, over which half of what is labelled in the source frame is pasted (ClassMix of a labelled into an unlabelled frame):
 * what is known is then met before the backgrounds of the dark. Only what was pasted is labelled; boxes are not, as the target's own objects are unknown.
 * `share` is the probability of each frame.
 */
export function pastedBatch(batch: Batch, targets: readonly Uint8Array[], share: number, random: Random, width: number, height: number): Batch {
  if (share === 0) return batch;
  const [pixels, cells] = [width * height, (width * height) / cell ** 2];
  const frames = batch.frames.slice();
  const labels = batch.labels.slice();
  const hasBoxes = batch.hasBoxes.slice();
  for (let at = 0; at < batch.ids.length; at++) {
    if (!random.chance(share) || batch.hasMask[at] !== 1) continue;
    const frame = frames.subarray(at * pixels * 3, (at + 1) * pixels * 3);
    const own = labels.subarray(at * cells, (at + 1) * cells);
    const present = [...new Set(own)].filter((label) => label !== ignoreLabel);
    const order = random.permutation(present.length);
    const pasted = new Set([...order.subarray(0, Math.ceil(present.length / 2))].map((place) => present[place]));
    const target = targets[random.below(targets.length)];
    for (let place = 0; place < cells; place++) {
      if (pasted.has(own[place])) continue;
      own[place] = ignoreLabel;
      const [row, column] = [Math.floor(place / (width / cell)), place % (width / cell)];
      for (let y = row * cell; y < (row + 1) * cell; y++) {
        const start = (y * width + column * cell) * 3;
        frame.set(target.subarray(start, start + cell * 3), start);
      }
    }
    hasBoxes[at] = 0;
  }
  return { ...batch, frames, labels, hasBoxes };
}
