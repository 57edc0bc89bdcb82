import { type Bundle, readBundle } from "../../bundle/index.js";
import type { Weights } from "../../graph/tensor.js";
import { disagreement, type Exam, latencies, measure, measureExemplars, type LabelledScore, type Measurements, OnnxPredictor } from "../judge/index.js";
import type { TrainingJob } from "./job.js";

/** Frames on which stored and trained weights are compared. */
const comparedFrames = 4;

/** Measures the weights that serve, unless they are `known`, and the new ones, which are read back from the disk: what is measured is what would serve. */
export async function examine(job: TrainingJob, bundle: Bundle, trained: Weights, exam: Exam, beforeFrame: () => Promise<void>, known?: Pick<Measurements, "delivered" | "before">): Promise<Measurements> {
  const stored = await readBundle(job.outDirectory, { verify: "model" });
  // In the precision that serves.
  const [before, after, exact] = [bundle, stored, { ...bundle, weights: trained }].map((deployable) => new OnnxPredictor(deployable, job.options.threads));
  try {
    const delivered = known ? known.delivered : await deliveredScore(job, exam, beforeFrame);
    const [measuredBefore, measuredAfter] = [known?.before ?? (await measure(before, true, exam, beforeFrame)), await measure(after, true, exam, beforeFrame)];
    const [beforeMs, afterMs] = await latencies(before, after, exam.targets, exam.targetNames, beforeFrame);
    return {
      ...(delivered && { delivered }),
      before: { ...measuredBefore, latencyMs: beforeMs },
      after: { ...measuredAfter, latencyMs: afterMs },
      deployedDisagreement: await disagreement(after, exact, exam.targets.slice(0, comparedFrames), exam.targetNames, exam.detectsOnly),
    };
  } finally {
    for (const predictor of [before, after, exact]) await predictor?.close();
  }
}

/** Of the delivered weights, where another generation serves. */
async function deliveredScore({ deliveredDirectory, bundleDirectory, options, trust }: TrainingJob, exam: Exam, beforeFrame: () => Promise<void>): Promise<LabelledScore | undefined> {
  if (deliveredDirectory === undefined || deliveredDirectory === bundleDirectory) return undefined;
  const predictor = new OnnxPredictor(await readBundle(deliveredDirectory, { verify: "model", ...(trust && { trust }) }), options.threads);
  try {
    return await measureExemplars(predictor, exam, beforeFrame);
  } finally {
    await predictor.close();
  }
}
