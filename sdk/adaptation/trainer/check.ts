import { z } from "zod";
import { NightshiftError } from "../../errors.js";
import { issuesOf } from "../../issues.js";
import { isTrainable, type Trainable, trainableForms } from "../../network/trainable.js";
import type { LearningRates } from "../learner.js";
import type { TrainingChanges } from "./defaults.js";
import { ranges } from "./ranges.js";

const share = z.number().min(0).max(1);
const count = z.int().min(1);
const weight = z.number().min(0);

const rates: z.ZodType<LearningRates> = z.strictObject({
  encoder: weight,
  decoder: weight,
  prompts: weight.optional(),
  alpha: share,
  supervised: weight,
  selfTraining: weight,
  lmc: weight,
  lmcBoxes: weight,
  align: weight,
  guidance: z.number(),
  entropy: weight,
  soft: weight,
  restore: share,
});

const schema: z.ZodType<TrainingChanges> = z.strictObject({
  ...ranges,
  learner: z.enum(["lmc", "in-memory"]),
  /** None: statistics alone. */
  steps: z.int().min(0),
  sourceBatch: count,
  targetBatch: count,
  rates,
  maskRatio: share,
  trains: z.custom<Trainable>((value) => typeof value === "string" && isTrainable(value), `expected ${trainableForms}`),
  recompute: z.enum(["none", "blocks"]),
  rampSteps: z.int().min(0),
  restyledShare: share,
  pastedShare: share,
  recolouredShare: share,
  seed: z.int().min(0),
  provider: z.string().min(1),
  judgeEvery: z.int().min(2),
  judgeFrames: count,
}).partial();

/** Throws `E_CONFIG` for options that are none or cannot be: a training would fail of them hours later, or never end. */
export function checkTrainingOptions(options: TrainingChanges): void {
  const { error } = schema.safeParse(options, { reportInput: true });
  if (!error) return;
  const [{ path, message }] = issuesOf(error);
  throw new NightshiftError("E_CONFIG", { expected: "options of a training as their types and comments say", received: `${["training", ...path].join(".")}: ${message}`, remedy: "Correct the option, or leave it out." });
}
