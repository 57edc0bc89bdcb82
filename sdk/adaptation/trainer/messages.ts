import type { Failure } from "../../errors.js";
import type { Exemplar } from "../../bundle/index.js";
import type { LabelledSet, TrainingJob, TrainingProgress, TrainingResult } from "./job.js";

/** To the trainer's process. Frames come one a message, so that sending them does not hold up the stream. */
export type ToTrainer =
  | { readonly kind: "job"; readonly job: Omit<TrainingJob, "targets" | "exemplars">; readonly sets: readonly Omit<LabelledSet, "samples">[] }
  | { readonly kind: "target"; readonly rgb: Uint8Array }
  | { readonly kind: "exemplar"; readonly set: number; readonly sample: Exemplar }
  | { readonly kind: "start" }
  /** No piece of work begins until it is told to go on. */
  | { readonly kind: "rest" }
  | { readonly kind: "go on" };

/** From the trainer's process. */
export type FromTrainer =
  | { readonly kind: "ready" }
  | { readonly kind: "progress"; readonly progress: TrainingProgress }
  | { readonly kind: "done"; readonly result: TrainingResult }
  | { readonly kind: "failed"; readonly failure: Failure };
