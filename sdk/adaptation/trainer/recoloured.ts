import { randomColour, recolour, unitGrain } from "../../training/batch/colour.js";
import { Random } from "../../training/batch/index.js";

/** Made when it is first wanted: by default it never is. */
let grain: Int32Array | undefined;

/**
 * Target frames `[count, height, width, 3]` as the student meets them masked: each with this probability in other colours than the teacher's, so that what is learnt does
 * not hang on exposure and cast.
 */
export function recoloured(targets: Uint8Array, count: number, share: number, random: Random): Uint8Array {
  grain ??= unitGrain(new Random("recoloured"));
  const views = new Uint8ClampedArray(targets);
  const size = targets.length / count;
  for (let at = 0; at < count; at++) if (random.chance(share)) recolour(views.subarray(at * size, (at + 1) * size), randomColour(random), grain, random);
  return new Uint8Array(views.buffer);
}
