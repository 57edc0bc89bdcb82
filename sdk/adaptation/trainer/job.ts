import type { Recompute } from "../../autodiff/recompute.js";
import type { Exemplar, Trust } from "../../bundle/index.js";
import type { StepEngine } from "../../engine/learner.js";
import type { ConditionName } from "../../stream/events.js";
import type { RestsFor } from "../../stream/status.js";
import type { Trainable } from "../../network/trainable.js";
import type { LearningRates, StepLosses } from "../learner.js";
import type { Measurements } from "../judge/index.js";
import type { Reading } from "./sensors.js";

/** Which learner the trainer's process makes (see `learners.ts`). */
export type LearnerName = "lmc" | "in-memory";

export interface TrainingOptions {
  readonly learner: LearnerName;
  readonly steps: number;
  /** Source exemplars and target frames in a step. */
  readonly sourceBatch: number;
  readonly targetBatch: number;
  readonly rates: LearningRates;
  /** Share of a target frame's patches that are masked. */
  readonly maskRatio: number;
  readonly trains: Trainable;
  /** `blocks`: activations are computed again in the backward pass, which takes more time and less memory. */
  readonly recompute: Recompute;
  /** Steps over which the losses without labels rise to their weights: at first the teacher is wrong in the dark where it is sure. */
  readonly rampSteps: number;
  /**
   * Share of the target in the normalisation statistics, estimated before the first step; 0 leaves them alone. About half gained most on real dusk
   * frames, all of it cost the day ten points.
   */
  readonly statisticsMix: number;
  /** Probability with which a labelled exemplar is taught in the colours of a target frame. */
  readonly restyledShare: number;
  /** Probability with which it is pasted into a target frame. */
  readonly pastedShare: number;
  /** Probability with which a target frame's masked view is in other colours than the teacher sees. */
  readonly recolouredShare: number;
  readonly seed: number;
  /** Threads of the sessions, of learning and of judging. */
  readonly threads: number;
  /** Who computes the steps, and on which execution provider of ONNX Runtime. All else of the trainer's runs on the CPU. */
  readonly engine: StepEngine;
  readonly provider: string;
  /** Share of time in which the trainer works, above 0 to 1; it sleeps the rest. */
  readonly duty: number;
  /** Niceness of the process, 0 to 19. */
  readonly niceness: number;
  /** Memory of the process, all of it, megabytes: a training that takes more is ended. */
  readonly memoryMb: number;
  /** Learning rests while the machine is hotter, degrees, or takes more power, watts; no limits where they are left out. */
  readonly mostCelsius?: number;
  readonly mostWatts?: number;
  /** Of the exemplars and of the target frames, one in so many is kept for judging. */
  readonly judgeEvery: number;
  /** No more than so many of each are judged by. */
  readonly judgeFrames: number;
}

/** What one training is given. Frames are passed beside it, one message each. */
export interface TrainingJob {
  /** The bundle to start from, which serves now. */
  readonly bundleDirectory: string;
  /** The bundle that was delivered; `bundleDirectory` itself where it is left out. */
  readonly deliveredDirectory?: string;
  /** Keys of which one must have signed the bundles that are read; any bundle is read where none are given. */
  readonly trust?: Trust;
  /** Where the new bundle goes; nothing is there yet. */
  readonly outDirectory: string;
  /** The new generation's number. */
  readonly generation: number;
  readonly condition: ConditionName;
  /** The names that are answered now. */
  readonly vocabulary: readonly string[];
  /** As `BundleText` takes it. */
  readonly textEncoder?: string;
  /** `[height, width, 3]` each, at the network's input size. */
  readonly targets: readonly Uint8Array[];
  /** Labelled frames besides those of the bundle. */
  readonly exemplars: readonly LabelledSet[];
  readonly options: TrainingOptions;
  /** Shares of what was learnt that are tried, in this order, where the judge would refuse all of it; none unless told otherwise. */
  readonly lesserShares?: readonly number[];
}

/** Labelled frames with the words for their labels. */
export interface LabelledSet {
  readonly name: string;
  readonly names: readonly string[];
  readonly boxNames: readonly string[];
  readonly samples: readonly Exemplar[];
}

export interface TrainingProgress {
  readonly phase: "statistics" | "learning" | "writing" | "measuring";
  /** Steps that were made, of `steps`. */
  readonly step: number;
  readonly steps: number;
  /** Of the latest step, once there was one. */
  readonly losses?: StepLosses;
  /** Why it rests between two pieces of work, where it does. */
  readonly rest?: { readonly because: RestsFor } & Reading;
}

export interface TrainingResult {
  /** The new bundle, whole and synced. */
  readonly directory: string;
  readonly generation: number;
  /** Of what was learnt that the new bundle holds; 1 is all. */
  readonly share: number;
  readonly measurements: Measurements;
  readonly seconds: number;
  /** Losses of all steps. */
  readonly losses: readonly StepLosses[];
}

/** Whoever trains: the loop knows no more of it. */
export interface Trainer {
  /** Trains once. Throws `E_TRAINER` where the training fails, hangs or is stopped by the signal. */
  train(job: TrainingJob, onProgress: (progress: TrainingProgress) => void, signal: AbortSignal): Promise<TrainingResult>;
}
