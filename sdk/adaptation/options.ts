import type { ConditionName } from "../stream/events.js";
import { defaultProbationLimits, type ProbationLimits } from "./probation.js";
import type { TrainingChanges } from "./trainer/index.js";

export interface LoopOptions {
  /** The conditions that are adapted to without being asked. */
  readonly conditions: readonly ConditionName[];
  /** Frames that a new condition must hold before it triggers, on top of the monitor's own hysteresis. */
  readonly triggerFrames: number;
  /** One frame in so many of each camera's is offered to the memory. */
  readonly offerEvery: number;
  /** Frames of the condition that a training wants. */
  readonly framesWanted: number;
  /** Frames that it starts with after `patienceFrames` of waiting for more. Of fewer than 16, one in four is too few for the judge (`leastFrames`). */
  readonly framesNeeded: number;
  /** Frames, counted in the stream. */
  readonly patienceFrames: number;
  /** Further trainings while a condition lasts, and how many frames after the last one each begins. */
  readonly furtherRounds: number;
  readonly furtherAfterFrames: number;
  /** After a failed training, milliseconds; doubled by each further one. */
  readonly failureBackoffMs: number;
  /** After a rejected one, likewise. */
  readonly rejectionBackoffMs: number;
  readonly mostBackoffMs: number;
  /** Failures in a row after which adaptation is paused. */
  readonly mostFailures: number;
  /** Generations that stay on disk. */
  readonly generationsKept: number;
  readonly probation: ProbationLimits;
  /** What differs from the options for each condition (`trainingOptionsFor`). */
  readonly training: TrainingChanges;
  /** Milliseconds on a clock that does not go back. */
  readonly now: () => number;
}

/** What of it may change while the loop works. */
export type LoopChanges = Partial<Pick<LoopOptions, "conditions" | "furtherRounds" | "training">>;

export const defaultLoopOptions: LoopOptions = {
  conditions: ["dusk", "night", "fog"],
  triggerFrames: 15,
  offerEvery: 3,
  framesWanted: 32,
  framesNeeded: 16,
  patienceFrames: 300,
  furtherRounds: 3,
  furtherAfterFrames: 450,
  failureBackoffMs: 30_000,
  rejectionBackoffMs: 60_000,
  mostBackoffMs: 900_000,
  mostFailures: 5,
  generationsKept: 6,
  probation: defaultProbationLimits,
  training: {},
  now: () => performance.now(),
};
