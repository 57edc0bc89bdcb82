import { type Bundle, keptPrompts, readBundle } from "../../bundle/index.js";
import type { Weights } from "../../graph/tensor.js";
import { disagreement, type Exam, latencies, measure, measureExemplars, type Measurements, OnnxPredictor, type Predictor } from "../judge/index.js";
import { BundleText } from "./bundle-text.js";
import type { TrainingJob } from "./job.js";

/** Frames on which stored and trained weights are compared. */
const comparedFrames = 4;

/** What is compared with what. */
export interface Candidates {
  /** What serves now. */
  readonly bundle: Bundle;
  /** What was delivered, where that is another one. */
  readonly delivered?: Bundle;
  readonly trained: Weights;
}

/** Measures the weights that serve, unless they are `known`, and the new ones, which are read back from the disk: what is measured is what would serve. */
export async function examine(job: TrainingJob, { bundle, delivered, trained }: Candidates, exam: Exam, beforeFrame: () => Promise<void>, known?: Pick<Measurements, "delivered" | "before">): Promise<Measurements> {
  const stored = await readBundle(job.outDirectory, { verify: "model" });
  const { threads } = job.options;
  // In the precision that serves. What serves now is asked in the exam's words.
  const before = new OnnxPredictor(bundle, threads);
  const [after, exact] = [stored, { ...bundle, weights: trained }].map((deployable) => new OnnxPredictor(deployable, threads)).map(inWordsOf(stored, bundle, job));
  try {
    const start = known ? known.delivered : delivered && (await deliveredScore(delivered, bundle, job, exam, beforeFrame));
    const [measuredBefore, measuredAfter] = [known?.before ?? (await measure(before, true, exam, beforeFrame)), await measure(after, true, exam, beforeFrame)];
    const [beforeMs, afterMs] = await latencies(before, after, exam.targets, exam.targetNames, beforeFrame);
    return {
      ...(start && { delivered: start }),
      before: { ...measuredBefore, latencyMs: beforeMs },
      after: { ...measuredAfter, latencyMs: afterMs },
      deployedDisagreement: await disagreement(after, exact, exam.targets.slice(0, comparedFrames), exam.targetNames, exam.detectsOnly),
    };
  } finally {
    for (const predictor of [before, after, exact]) await predictor.close();
  }
}

async function deliveredScore(delivered: Bundle, serving: Bundle, job: TrainingJob, exam: Exam, beforeFrame: () => Promise<void>): Promise<Measurements["delivered"]> {
  const predictor = inWordsOf(delivered, serving, job)(new OnnxPredictor(delivered, job.options.threads));
  try {
    return await measureExemplars(predictor, exam, beforeFrame);
  } finally {
    await predictor.close();
  }
}

/** Asks a predictor for the same names in its own bundle's words: where prompts learnt, names mean something else to it. The exam has those of what serves, which are the same where neither has prompts. */
function inWordsOf(own: Bundle, serving: Bundle, { textEncoder }: TrainingJob): (predictor: Predictor) => Predictor {
  if (!keptPrompts(own.embeddings()) && !keptPrompts(serving.embeddings())) return (predictor) => predictor;
  const text = new BundleText(own, textEncoder);
  return (predictor) => ({
    predict: async (rgb, { names }) => predictor.predict(rgb, await text.vocabulary(names)),
    close: () => predictor.close(),
  });
}
