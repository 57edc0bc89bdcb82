import { defaultLearningRates } from "../learner.js";
import type { TrainingOptions } from "./job.js";

/** For two CPU cores that also answer frames. */
export const defaultTrainingOptions: TrainingOptions = {
  learner: "lmc",
  steps: 80,
  sourceBatch: 2,
  targetBatch: 1,
  rates: defaultLearningRates,
  maskRatio: 0.5,
  trains: "default",
  rampSteps: 60,
  statisticsMix: 0.2,
  restyledShare: 0.35,
  pastedShare: 0,
  seed: 1,
  threads: 1,
  duty: 1,
  niceness: 19,
  judgeEvery: 4,
  judgeFrames: 16,
};
