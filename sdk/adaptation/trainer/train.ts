import { rm } from "node:fs/promises";
import { type Bundle, checkFinite, descriptionOf, readBundle, vocabularyOf, writeBundle } from "../../bundle/index.js";
import { makeGolden } from "../../engine/golden.js";
import { NightshiftError } from "../../errors.js";
import { isImported, answersMasks } from "../../network/architecture.js";
import { lossNames } from "../../network/steps/lmc.js";
import { requireTrainable } from "../../network/trainable.js";
import { BatchLoader, Random } from "../../training/batch/index.js";
import { type Exam, judgeBoundsFor, untimed } from "../judge/index.js";
import type { LearnerFactory, LearningRates, StepLosses } from "../learner.js";
import { Budget } from "./budget.js";
import { BundleText } from "./bundle-text.js";
import { examine } from "./examine.js";
import { datasetOf, exemplarsOf, judgingFrames, splitExemplars } from "./exemplars.js";
import type { LabelledSet, TrainingJob, TrainingProgress, TrainingResult } from "./job.js";
import { type Learnt, offer } from "./offer.js";
import { pastedBatch } from "./pasted-batch.js";
import { recoloured } from "./recoloured.js";
import { restyledBatch } from "./restyled-batch.js";
import { drawTargets, splitTargets } from "./targets.js";

/**
 * One adaptation, in this process: statistics, then steps, then the new bundle on disk and everything the judge wants to know of it, then the same of less of what was learnt where that is called for. The trainer's process runs
 * it on the vehicle, `nightshift adapt` offline. Throws `E_NOT_TRAINABLE`, `E_WEIGHTS_NOT_FINITE` where learning diverges, `E_DATASET_UNLABELLED` without exemplars, and as
 * bundles do.
 */
export async function train(job: TrainingJob, createLearner: LearnerFactory, onProgress: (progress: TrainingProgress) => void, budget = new Budget(job.options.duty)): Promise<TrainingResult> {
  const begun = performance.now();
  const { options } = job;
  const bundle = await readBundle(job.bundleDirectory, { trust: job.trust });
  requireTrainable(bundle.network);
  const delivered = await deliveredBundle(job);
  const text = new BundleText(bundle, job.textEncoder);
  const exemplars = splitExemplars([...(await exemplarsOf(bundle)), ...job.exemplars], options, bundle.network);
  const targets = splitTargets(job);
  const losses: StepLosses[] = [];
  const trained = await learn({ job, bundle, delivered, text, teaching: exemplars.teaching, targets: targets.teaching }, createLearner, budget, (progress) => {
    if (progress.losses) losses.push(progress.losses);
    onProgress(progress);
  });
  const at = { step: options.steps, steps: options.steps };
  const { width, height } = bundle.network;
  const exam: Exam = {
    width,
    height,
    detectsOnly: !answersMasks(bundle.network),
    exemplars: await judgingFrames(exemplars.judging, text, bundle.network),
    targets: targets.judging,
    targetNames: await text.vocabulary(job.vocabulary),
  };
  const beforeFrame = async (): Promise<void> => {
    onProgress({ phase: "measuring", ...at });
    await budget.rest();
  };
  let isWritten = false;
  const start = { weights: bundle.weights, ...(trained.prompts && { prompts: (await text.openPrompts()).prompts }) };
  const offered = await offer(start, trained, job.lesserShares ?? [], untimed(judgeBoundsFor(job.condition)), {
    async write(learnt) {
      onProgress({ phase: "writing", ...at });
      // What is there before the first is not ours.
      if (isWritten) await rm(job.outDirectory, { recursive: true });
      await writeGeneration(job, bundle, text, learnt);
      isWritten = true;
    },
    measure: ({ weights }, known) => examine(job, { bundle, delivered, trained: weights }, exam, beforeFrame, known),
  });
  return { directory: job.outDirectory, generation: job.generation, ...offered, seconds: (performance.now() - begun) / 1000, losses };
}

/** What was delivered, where another generation serves. */
async function deliveredBundle({ deliveredDirectory, bundleDirectory, trust }: TrainingJob): Promise<Bundle | undefined> {
  if (deliveredDirectory === undefined || deliveredDirectory === bundleDirectory) return undefined;
  return readBundle(deliveredDirectory, { verify: "model", trust });
}

/** What is learnt from what. */
export interface Lesson {
  readonly job: Pick<TrainingJob, "options" | "vocabulary" | "generation">;
  readonly bundle: Bundle;
  /** What was delivered, where that is another one: statistics are taken between its own and the targets', as shares of shares would add up over rounds. */
  readonly delivered?: Bundle;
  readonly text: BundleText;
  readonly teaching: readonly LabelledSet[];
  readonly targets: readonly Uint8Array[];
}

/** Statistics and steps; what is learnt is the teacher's. Throws `E_WEIGHTS_NOT_FINITE` where losses are not, and as the learner does. */
export async function learn({ job, bundle, delivered, text, teaching, targets }: Lesson, createLearner: LearnerFactory, budget: Budget, onProgress: (progress: TrainingProgress) => void): Promise<Learnt> {
  const { steps, sourceBatch, targetBatch, maskRatio, trains, recompute, rates, rampSteps, statisticsMix, restyledShare, pastedShare, recolouredShare, threads, engine, provider } = job.options;
  const { network } = bundle;
  // Rounds that drew the same would teach the same again.
  const seed = new Random(job.options.seed, job.generation).below(2 ** 31);
  const sources = teaching.map((set) => ({ dataset: datasetOf(set), share: set.samples.length, boxes: set.boxNames.length > 0 }));
  const loader = new BatchLoader(sources, { batchSize: sourceBatch, width: network.width, height: network.height, seed, cacheMb: 0 });
  const losses = lossNames.filter((name) => rates[name] > 0);
  const learner = await createLearner(network, bundle.weights, text, { vocabulary: job.vocabulary, mostNames: loader.mostNames, sourceBatch, targetBatch, maskRatio, trains, recompute, losses, seed, threads, engine, provider });
  try {
    if (statisticsMix > 0) {
      onProgress({ phase: "statistics", step: 0, steps });
      await budget.work(() => learner.estimateStatistics(targets, statisticsMix, delivered?.weights));
    }
    for (let step = 0; step < steps; step++) {
      const losses = await budget.work(async () => {
        const random = new Random(seed, step);
        const { width, height } = network;
        const restyled = restyledBatch(await loader.batch(step), targets, restyledShare, random, width, height);
        const source = pastedBatch(restyled, targets, pastedShare, new Random(seed, step, "paste"), width, height);
        const drawn = drawTargets(targets, targetBatch, random);
        const views = recolouredShare > 0 && { views: recoloured(drawn, targetBatch, recolouredShare, new Random(seed, step, "colours")) };
        return learner.step({ targets: drawn, ...views, source }, scheduled(rates, step / steps, step / rampSteps));
      });
      if (!Number.isFinite(losses.total)) throw diverged(step, losses);
      onProgress({ phase: "learning", step: step + 1, steps, losses });
    }
    const prompts = learner.prompts?.();
    return { weights: learner.teacher(), ...(prompts && { prompts }) };
  } finally {
    await learner.close();
  }
}

/**
 * Learning rates fall along half a cosine: the weights came from training that ended so, and steps that do not get smaller would leave them worse off than before. That of prompts stays, as it was chosen.
 * Weights of losses without labels rise to theirs, but for those of methods that are compared with.
 *
 * @param progress of the steps, 0 to 1
 * @param ramp of the rise; 1 and more is all of it
 */
function scheduled(rates: LearningRates, progress: number, ramp: number): LearningRates {
  const factor = 0.5 + 0.5 * Math.cos(Math.PI * progress);
  const part = ramp < 1 ? ramp : 1;
  const { encoder, decoder, selfTraining, lmc, align } = rates;
  return { ...rates, encoder: encoder * factor, decoder: decoder * factor, selfTraining: selfTraining * part, lmc: lmc * part, align: align * part };
}

async function writeGeneration(job: TrainingJob, bundle: Bundle, text: BundleText, { weights, prompts }: Learnt): Promise<void> {
  const description = descriptionOf(bundle.manifest);
  const { network, quantisation } = bundle;
  const exemplars = await bundle.exemplarFiles();
  for (const [name, tensor] of weights) checkFinite(name, tensor, "the trained weights");
  const embeddings = prompts ? await text.embeddingsWith(prompts) : bundle.embeddings();
  const golden = await makeGolden(network, weights, vocabularyOf(embeddings, description.vocabulary), bundle.golden.frame, quantisation);
  await writeBundle(job.outDirectory, {
    description: {
      ...description,
      generation: job.generation,
      parent: description.generation,
      createdAt: new Date().toISOString(),
      condition: job.condition,
      // The parent's scores are not these weights'.
      metrics: {},
    },
    ...(isImported(network) && { model: network.model }),
    weights,
    // The ranges stay; the judge sees what that does, as it measures what would serve.
    quantisation,
    embeddings,
    golden,
    notice: bundle.notice,
    exemplars,
  });
}

const diverged = (step: number, losses: StepLosses): NightshiftError =>
  new NightshiftError("E_WEIGHTS_NOT_FINITE", {
    expected: "finite losses",
    received: `${JSON.stringify(losses)} at step ${step}`,
    remedy: "Lower the rates; the weights that serve are untouched.",
  });
