import { NightshiftError } from "../../errors.js";
import { ignoreLabel } from "../dataset.js";

export interface SegmentationScore {
  /** Mean over `perClass`, percent; undefined where nothing was labelled. */
  readonly miou: number | undefined;
  /** Intersection over union in percent, for each class that the labels hold. */
  readonly perClass: Readonly<Record<string, number>>;
  /** Share of labelled pixels that were answered rightly, percent; undefined where nothing was labelled. */
  readonly pixelAccuracy: number | undefined;
}

/**
 * Counts answers against labels over a whole dataset; the intersection over union is taken of the sums, as is usual, not averaged over frames.
 *
 * A class that no label holds is left out of the mean, also where it was answered: one stray pixel would else cost a small
 * set the share of a whole class. The stray pixels still count against the classes whose place they took.
 */
export class ConfusionMatrix {
  /** `[truth, answer]`, with one more answer than names: "none". */
  private readonly counts: Float64Array;

  constructor(readonly names: readonly string[]) {
    this.counts = new Float64Array(names.length * (names.length + 1));
  }

  /**
   * Adds one frame. Both hold indices into `names`; pixels whose truth is `ignoreLabel` do not count, and an answer of `ignoreLabel` is a miss.
   * Throws `E_FRAME_SIZE` where the lengths differ, `E_VOCABULARY` where an index is beyond the names.
   */
  add(answer: Uint8Array, truth: Uint8Array): void {
    if (answer.length !== truth.length) throw sizeError(`${truth.length} pixels, as the labels have`, `${answer.length}`);
    const classes = this.names.length;
    for (let pixel = 0; pixel < truth.length; pixel++) {
      const right = truth[pixel];
      if (right === ignoreLabel) continue;
      const given = answer[pixel];
      const beyond = right >= classes ? right : given >= classes && given !== ignoreLabel ? given : undefined;
      if (beyond !== undefined) throw indexError(this.names, beyond);
      this.counts[right * (classes + 1) + Math.min(given, classes)] += 1;
    }
  }

  /** Adds what another of the same names counted. */
  include({ counts }: ConfusionMatrix): void {
    for (let at = 0; at < counts.length; at++) this.counts[at] += counts[at];
  }

  score(): SegmentationScore {
    const perClass: Record<string, number> = {};
    const classes = this.names.length;
    const at = (truth: number, answer: number): number => this.counts[truth * (classes + 1) + answer];
    let [correct, labelled] = [0, 0];
    this.names.forEach((name, index) => {
      let [inTruth, inAnswer] = [0, 0];
      for (let answer = 0; answer <= classes; answer++) inTruth += at(index, answer);
      for (let truth = 0; truth < classes; truth++) inAnswer += at(truth, index);
      if (inTruth === 0) return;
      perClass[name] = (100 * at(index, index)) / (inTruth + inAnswer - at(index, index));
      correct += at(index, index);
      labelled += inTruth;
    });
    const values = Object.values(perClass);
    return {
      miou: values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length,
      perClass,
      pixelAccuracy: labelled === 0 ? undefined : (100 * correct) / labelled,
    };
  }

  /** Mean intersection over union, percent; undefined where nothing was labelled. */
  miou(): number | undefined {
    return this.score().miou;
  }

  /** Intersection over union in percent, for each class that the labels hold. */
  perClass(): Readonly<Record<string, number>> {
    return this.score().perClass;
  }
}

function sizeError(expected: string, received: string): NightshiftError {
  return new NightshiftError("E_FRAME_SIZE", { expected, received, remedy: "Bring the answer to the labels' size with resizeMaskNearest." });
}

function indexError(names: readonly string[], index: number): NightshiftError {
  return new NightshiftError("E_VOCABULARY", {
    expected: `indices into ${names.length} names, or ${ignoreLabel}`,
    received: String(index),
    remedy: "Score answers and labels by the same list of names.",
  });
}
