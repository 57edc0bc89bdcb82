import type { ConditionName } from "../../stream/events.js";
import { defaultLearningRates } from "../learner.js";
import type { TrainingOptions } from "./job.js";
import { type MethodName, methods } from "./methods.js";

/** For two CPU cores that also answer frames. */
export const defaultTrainingOptions: TrainingOptions = {
  learner: "lmc",
  steps: 80,
  sourceBatch: 2,
  targetBatch: 1,
  rates: defaultLearningRates,
  maskRatio: 0.5,
  trains: "default",
  recompute: "none",
  rampSteps: 60,
  statisticsMix: 0.2,
  restyledShare: 0.35,
  pastedShare: 0,
  recolouredShare: 0,
  seed: 1,
  threads: 1,
  engine: "onnxruntime",
  provider: "cpu",
  duty: 1,
  niceness: 19,
  memoryMb: 1536,
  judgeEvery: 4,
  judgeFrames: 16,
};

/** At night everything looks otherwise, the sky above all, so more is learnt there and half of the statistics are the night's; it costs the day, when the delivered weights serve. Chosen on rendered nights, for a bundle that knows the night and for one that does not. */
const night: Partial<TrainingOptions> = {
  statisticsMix: 0.5,
  restyledShare: 0.7,
  rates: { ...defaultLearningRates, encoder: 3e-5, decoder: 6e-5 },
};

/** More of the dusk's statistics costs the day nothing. Chosen on real day frames, darkened. */
const dusk: Partial<TrainingOptions> = { statisticsMix: 0.35 };

const byCondition: Partial<Record<ConditionName, Partial<TrainingOptions>>> = { dusk, night };

/** As `TrainingJob.lesserShares`. Of 11 trainings that helped and that the judge refused as a whole in its campaign, 8 pass at the first of these and 2 at the last (`bench judge`). */
export const defaultLesserShares: readonly number[] = [0.8, 0.6, 0.45, 0.3];

/** What is to differ from the options for a condition. */
export interface TrainingChanges extends Partial<TrainingOptions> {
  /** `whole` unless told otherwise; the other changes go before it. */
  readonly method?: MethodName;
}

/** The options for learning in a condition, and what is to differ from them. */
export function trainingOptionsFor(condition: ConditionName, { method = "whole", ...changes }: TrainingChanges = {}): TrainingOptions {
  const usual = { ...defaultTrainingOptions, ...byCondition[condition] };
  return { ...usual, ...methods[method], rates: { ...usual.rates, ...methods[method].rates }, ...changes };
}
