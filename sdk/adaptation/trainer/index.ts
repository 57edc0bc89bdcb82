export { checkTrainingOptions } from "./check.js";
export { defaultLesserShares, defaultTrainingOptions, type TrainingChanges, trainingOptionsFor } from "./defaults.js";
export type { LabelledSet, LearnerName, Trainer, TrainingJob, TrainingOptions, TrainingProgress, TrainingResult } from "./job.js";
export { Machine } from "./machine.js";
export { train } from "./train.js";
export { stepProcess, TrainerProcess, type TrainerProcessOptions } from "./trainer-process.js";
