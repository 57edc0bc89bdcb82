/** Values of categories by name. */
export type ByName = Readonly<Record<string, number>>;

export interface LabelledScore {
  /** Percent. NaN where nothing was labelled. */
  readonly miou: number;
  /** IoU in percent of each class that enough labels hold. */
  readonly perClass: ByName;
  readonly frames: number;
  /** Where labelled boxes are many enough to say anything. */
  readonly boxes?: BoxScore;
}

/** How boxes score, as they are served. */
export interface BoxScore {
  /** Mean of `perClass`, percent. */
  readonly ap50: number;
  /** AP50 in percent of each class that enough labelled boxes hold. */
  readonly perClass: ByName;
}

/** How answers to target frames look, where no labels are. */
export interface TargetScore {
  /** Mean over categories of the agreement (percent) between answers to a frame and to its mirrored, recoloured twin: IoU of masks, AP50 of boxes; 0 where no box is answered. */
  readonly consistency: number;
  /** Mean greatest probability, or mean score of boxes, percent. */
  readonly confidence: number;
  /** Share of pixels, or of boxes, by category, 0 to 1. */
  readonly shares: ByName;
  readonly frames: number;
}

/** What one set of weights scored on labelled exemplars that were not taught. */
export interface ExemplarScore {
  /** As they are: what must not be forgotten. */
  readonly exemplars: LabelledScore;
  /** In the colours of the target frames: what should have been learnt, as far as labels can tell. */
  readonly restyled: LabelledScore;
}

/** What one set of weights scored. */
export interface ModelScore extends ExemplarScore {
  /** Whether it names no pixels. Boxes are all that is judged of it then, on target frames too. */
  readonly detectsOnly?: true;
  /** Whether every weight and every number that it answered is finite. */
  readonly finite: boolean;
  /** On target frames that were not learnt from. */
  readonly target: TargetScore;
}

/** That, and how long it takes. */
export interface ModelMeasurement extends ModelScore {
  /** Of one frame where it was measured, milliseconds (`latencies`). */
  readonly latencyMs: number;
}

/** All that the judge knows. */
export interface Measurements {
  /** The weights that serve now. */
  readonly before: ModelMeasurement;
  /** The delivered weights, where those that serve were learnt from them: losses count from there, so that they do not add up over rounds. */
  readonly delivered?: ExemplarScore;
  /** The weights that might, as stored. */
  readonly after: ModelMeasurement;
  /** Share of pixels, or of boxes where nothing else is answered, in percent, on which the weights as stored and as trained disagree. */
  readonly deployedDisagreement: number;
}
