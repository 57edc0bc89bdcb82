import { NightshiftError } from "../../errors.js";

/** Farther than this nothing is scored, metres: as is usual for street scenes. */
const farthest = 80;
const ratio = 1.25;

export interface DepthScores {
  /** Mean of |told - true| / true, percent. */
  readonly absRel: number;
  /** Pixels whose depth is told within a factor of 1.25, percent. */
  readonly within125: number;
}

/** Errors of depth over all pixels up to 80 m. */
export class DepthErrors {
  private relative = 0;
  private within = 0;
  private count = 0;

  /** Adds one frame: `told` of `width` x `height` metres, `truth` of `fullWidth` x `fullHeight`. Throws `E_FRAME_SIZE`. */
  add(told: Float32Array, width: number, height: number, truth: Float32Array, fullWidth: number, fullHeight: number): void {
    if (told.length !== width * height || truth.length !== fullWidth * fullHeight)
      throw new NightshiftError("E_FRAME_SIZE", {
        expected: `${width * height} depths told and ${fullWidth * fullHeight} true ones`,
        received: `${told.length} and ${truth.length}`,
        remedy: "State the sizes as they are.",
      });
    for (let y = 0; y < fullHeight; y++) {
      const row = Math.floor(((y + 0.5) * height) / fullHeight) * width;
      for (let x = 0; x < fullWidth; x++) {
        const metres = truth[y * fullWidth + x];
        if (!(metres > 0 && metres <= farthest)) continue;
        const found = told[row + Math.floor(((x + 0.5) * width) / fullWidth)];
        this.relative += Math.abs(found - metres) / metres;
        this.within += Number(found < metres * ratio && metres < found * ratio);
        this.count++;
      }
    }
  }

  /** Undefined where nothing was added. */
  score(): DepthScores | undefined {
    const { relative, within, count } = this;
    return count === 0 ? undefined : { absRel: (100 * relative) / count, within125: (100 * within) / count };
  }
}
