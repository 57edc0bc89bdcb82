import type { Batch, Random } from "../../training/batch/index.js";
import { restyle, styleOf } from "../judge/restyle.js";

/**
 * A batch some of whose frames wear the colours of target frames, each of one drawn at random: what is known of labelled frames is
 * then learnt in the dark as well. `share` is the probability of each frame; labels stay.
 */
export function restyledBatch(batch: Batch, targets: readonly Uint8Array[], share: number, random: Random, width: number, height: number): Batch {
  const size = width * height * 3;
  const frames = batch.frames.slice();
  for (let start = 0; start < frames.length; start += size)
    if (random.chance(share)) {
      const target = targets[random.below(targets.length)];
      frames.set(restyle(frames.subarray(start, start + size), width, height, styleOf([target], width, height)), start);
    }
  return { ...batch, frames };
}
