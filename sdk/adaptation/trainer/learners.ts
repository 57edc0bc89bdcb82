import type { LearnerFactory } from "../learner.js";
import type { LearnerName } from "./job.js";

/** How each learner is made; loaded when it is asked for. */
export const learners: Readonly<Record<LearnerName, () => Promise<LearnerFactory>>> = {
  lmc: async () => (await import("../lmc.js")).createLmcLearner,
  "in-memory": async () => (await import("../in-memory-learner.js")).createInMemoryLearner,
};
