import { join, resolve } from "node:path";
import { refuseExisting } from "../bundle/index.js";
import { Learner } from "../engine/learner.js";
import { runModel } from "../engine/run.js";
import { NightshiftError } from "../errors.js";
import { checkVocabulary, defaultNetwork, paddedVocabularySize, textWidth, type NetworkConfig } from "../network/contract.js";
import { initialWeights } from "../network/initial.js";
import { initialPrompts, promptNames } from "../network/steps/prompts.js";
import { supervisedStep } from "../network/steps/supervised.js";
import { promptsOf } from "../network/text/prompts.js";
import { TextEncoder } from "../network/text/text-encoder.js";
import { defaultDataFolder } from "../paths.js";
import { PrefetchingLoader, type SourceSpec } from "./batch/index.js";
import { checkpointFor, writeCheckpoint } from "./checkpoint.js";
import { checkHeldOut, inTaughtWords, type OpenDataset, openerOf, withoutNames } from "./dataset.js";
import type { Evaluation } from "./evaluate.js";
import { exportBundle, type ExportedBundle } from "./export.js";
import { supervisedFeeds } from "../adaptation/feeds.js";
import { startOf } from "./start.js";
import { goThrough, teacherAlpha } from "./steps.js";
import { trainDepth } from "./train-depth.js";
import { PromptLearner } from "../adaptation/prompt-learner.js";
import { readRecipe, type Recipe, type RecipeSource } from "./recipe.js";
import { validate } from "./validate.js";
import { Words } from "../network/text/words.js";

export interface TrainOptions {
  /** Where the bundle goes. */
  readonly out: string;
  /** Where checkpoints are kept. */
  readonly checkpoint: string;
  /** A shipped recipe's name, or a file. */
  readonly recipe: string;
  /** Goes on from the checkpoint there; without it a checkpoint that is there is an error. */
  readonly resume: boolean;
  /** Stops after this long, over all runs together. */
  readonly minutes?: number;
  /** The folder that the recipe's paths start from. */
  readonly data?: string;
  /** URL of the module that exports `openDataset`. */
  readonly openModule: URL;
  readonly threads?: number;
  readonly network?: NetworkConfig;
  /** The folder of a CLIP text tower; the recipe's, else the bundled text encoder, where it is left out. */
  readonly textEncoder?: string;
  /** Files of public keys, of which one must have signed the bundle that a recipe starts from. */
  readonly trust?: readonly string[];
  readonly onProgress?: (line: string) => void;
}

export interface Trained extends ExportedBundle {
  readonly steps: number;
  readonly minutes: number;
  /** The losses averaged over the last hundred steps. */
  readonly losses: Readonly<Record<string, number>>;
  /** What the bundle scores on the recipe's validation frames. */
  readonly validation?: Evaluation;
}

const maxBoxes = 32;
const warmUp = 200;

/** A recipe's source as plain JSON, its paths resolved. */
const specOf = (source: RecipeSource, data: string, heldOut: Recipe["heldOut"]): SourceSpec<unknown> => ({
  ...("folder" in source && { finer: source.finer, also: source.also }),
  heldOut,
  share: source.share,
  paste: source.paste,
  haze: source.haze,
  darkness: source.darkness,
  boxes: true,
  spec:
    "folder" in source
      ? { kind: "folder", path: join(data, source.folder), boxesFrom: source.boxesFrom }
      : { kind: "drive", ...source.drive },
});

/**
 * How long the longest list of names is that a sample comes with. Throws `E_CONFIG` where a name is held out that no source has, `E_DATASET_UNLABELLED` for a source that teaches none, and as
 * they are opened.
 */
async function mostNames(sources: readonly SourceSpec<unknown>[], openDataset: OpenDataset, heldOut: readonly string[] = []): Promise<number> {
  const datasets = await Promise.all(sources.map(async ({ spec, ...words }) => inTaughtWords(await openDataset(spec), words)));
  checkHeldOut(heldOut, datasets);
  let most = 0;
  for (const dataset of datasets) {
    const { name, names, boxNames } = withoutNames(dataset, heldOut);
    const { size } = new Set([...names, ...boxNames]);
    if (size === 0)
      throw new NightshiftError("E_DATASET_UNLABELLED", { expected: "labels that teach something in each source of the recipe", received: `none in ${name}`, remedy: "Add labels and name their classes in classes.json, or leave the source out." });
    most = Math.max(most, size);
  }
  return most;
}

/** Trains a bundle from labelled frames (L^S of eq. 1), writes it and validates it; its weights are the EMA's; or, by a recipe for depth, teaches one that. Throws as its parts do. */
export async function train(options: TrainOptions): Promise<Trained> {
  const recipe = await readRecipe(options.recipe);
  await refuseExisting(options.out);
  if (recipe.task === "depth") return trainDepth(recipe, options);
  const data = resolve(options.data ?? defaultDataFolder());
  const found = await checkpointFor(options);
  if (found?.state.has(promptNames.category) && !(recipe.prompts && "every" in recipe.prompts))
    throw new NightshiftError("E_CONFIG", {
      expected: "a recipe with prompts that learn, as the checkpoint has",
      received: `recipe ${recipe.name} without them`,
      remedy: "Go on with the recipe that the checkpoint was made with, or name another --checkpoint folder.",
    });
  const textEncoder = options.textEncoder ?? (recipe.textEncoder && join(data, recipe.textEncoder));
  const encoder = await TextEncoder.open(runModel, textEncoder);
  const { tower } = encoder;
  if (found?.textEncoder !== undefined && found.textEncoder !== tower.sha256)
    throw new NightshiftError("E_TEXT_ENCODER", {
      expected: `the text encoder that the checkpoint was made with, SHA-256 ${found.textEncoder}`,
      received: `${tower.id}, SHA-256 ${tower.sha256}`,
      remedy: "Go on with the same --text-encoder, or name another --checkpoint folder.",
    });
  const start = await startOf(recipe, tower, options.trust);
  const sources = recipe.sources.map((source) => specOf(source, data, recipe.heldOut));
  const finer = sources.some((source) => source.finer !== undefined);
  const openDataset = await openerOf(options.openModule);
  const names = paddedVocabularySize(await mostNames(sources, openDataset, recipe.heldOut));
  checkVocabulary(recipe.vocabulary);
  const judged = recipe.validation === undefined ? undefined : await openDataset({ kind: "folder", path: join(data, recipe.validation) });
  const { textWidth: _, ...sizes } = options.network ?? defaultNetwork;
  const { tasks, fusion } = recipe;
  const config: NetworkConfig = start?.network ?? { ...sizes, ...(tower.width !== textWidth && { textWidth: tower.width }), ...(tasks && { tasks }), ...(fusion !== undefined && { fusion }) };
  const firstPrompts = recipe.prompts ? ("words" in recipe.prompts ? promptsOf(tower, recipe.prompts.words) : initialPrompts(tower.words, recipe.prompts.vectors, recipe.seed)) : start?.prompts;
  const learning = recipe.prompts && "every" in recipe.prompts ? recipe.prompts : undefined;
  const prompts =
    firstPrompts && learning
      ? new PromptLearner(encoder, { start: firstPrompts, every: learning.every, threads: options.threads, state: found?.state, steps: found?.promptSteps })
      : undefined;
  const words = new Words(encoder, prompts?.prompts ?? firstPrompts);
  const graph = supervisedStep(config, start?.weights ?? initialWeights(config, recipe.seed), { batch: recipe.batch, names, boxes: maxBoxes, finer });
  const learner = await Learner.create(graph, { threads: options.threads ?? 2, spinning: true, state: found?.state, steps: found?.steps });
  const loader = new PrefetchingLoader({
    openModule: options.openModule,
    sources,
    batch: { batchSize: recipe.batch, width: config.width, height: config.height, seed: recipe.seed, maxBoxes },
    firstStep: learner.steps,
  });
  let learnt;
  try {
    const progress = await goThrough({
      learner,
      steps: recipe.steps,
      warmUp,
      minutes: options.minutes,
      found,
      onProgress: options.onProgress,
      checkpoint: (minutes) =>
        writeCheckpoint(options.checkpoint, {
          state: new Map([...learner.state(), ...(prompts?.state() ?? [])]),
          steps: learner.steps,
          minutes,
          promptSteps: prompts?.steps,
          textEncoder: tower.sha256,
        }),
      step: async (factor) => {
        const batch = await loader.next();
        await words.learn(batch.names.flat());
        const result = await learner.step(supervisedFeeds(batch, words, { ...config, names, finer }), {
          rateEncoder: recipe.rates.encoder * factor,
          rateDecoder: recipe.rates.decoder * factor,
          decay: recipe.rates.decay,
          ...(recipe.detectionWeight !== undefined && { weightDetection: recipe.detectionWeight }),
          clip: 5,
          alpha: teacherAlpha(learner),
        });
        if (learning) await prompts?.learn([{ names: batch.names, textGradient: result.textGradient }], { words, rate: learning.rate * factor });
        return result;
      },
    });
    learnt = { ...progress, steps: learner.steps, weights: learner.weights("teacher") };
  } finally {
    await loader.close();
    await prompts?.close();
    await learner.close();
  }
  const { weights, ...progress } = learnt;
  options.onProgress?.("estimating statistics and writing the bundle");
  const exported = await exportBundle({ out: options.out, config, weights, words, tower, recipe, names, sources, openModule: options.openModule, taughtBy: start?.data });
  const trained = { ...exported, ...progress };
  if (!judged) return trained;
  options.onProgress?.(`validating on ${recipe.validation}`);
  return { ...trained, validation: await validate(options.out, judged, { threads: options.threads, textEncoder }) };
}
