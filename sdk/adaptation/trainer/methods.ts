import type { LearningRates } from "../learner.js";
import type { TrainingOptions } from "./job.js";

/** How a bundle learns without labels, by name. */
export const methodNames = ["whole", "entropy", "self-training", "statistics"] as const;

export type MethodName = (typeof methodNames)[number];

/** What of the options for a condition each method changes. */
export const methods: Readonly<Record<MethodName, Partial<Omit<TrainingOptions, "rates">> & { readonly rates?: Partial<LearningRates> }>> = {
  /** Masked consistency with a teacher, alignment, and labelled exemplars beside (LAMDA). */
  whole: {},
  /**
   * The entropy of its own answers, on normalisation alone (TENT, Wang et al. 2021): no teacher, and nothing is replayed. A step costs a quarter of the whole
   * method's, so there are four times as many.
   */
  entropy: { trains: "norm", steps: 320, rates: { supervised: 0, selfTraining: 0, lmc: 0, align: 0, entropy: 1, alpha: 0 } },
  /** The teacher's answers to whole frames, exemplars beside. */
  "self-training": { rates: { lmc: 0, align: 0, selfTraining: 1 } },
  /** Statistics of normalisation alone: no step is taken. */
  statistics: { steps: 0 },
};
