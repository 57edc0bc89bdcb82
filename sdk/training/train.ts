import { join, resolve } from "node:path";
import { Learner } from "../engine/learner.js";
import { runModel } from "../engine/run.js";
import { NightshiftError } from "../errors.js";
import { defaultNetwork, paddedVocabularySize, textWidth, type NetworkConfig } from "../network/contract.js";
import { initialWeights } from "../network/initial.js";
import { promptNames } from "../network/steps/prompts.js";
import { supervisedStep } from "../network/steps/supervised.js";
import { TextEncoder } from "../network/text/textEncoder.js";
import { defaultDataFolder } from "../paths.js";
import { PrefetchingLoader, type SourceSpec } from "./batch/index.js";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.js";
import type { Dataset } from "./dataset.js";
import { evaluateBundle, type Evaluation } from "./evaluate.js";
import { exportBundle, type ExportedBundle } from "./export.js";
import { supervisedFeeds } from "../adaptation/feeds.js";
import { PromptLearner } from "./prompt-learner.js";
import { readRecipe, type RecipeSource } from "./recipe.js";
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

const names = paddedVocabularySize(16);
const maxBoxes = 32;
const warmUp = 200;
const minutesBetweenCheckpoints = 3;

/** A recipe's source as plain JSON, its paths resolved. */
const specOf = (source: RecipeSource, data: string): SourceSpec<unknown> => ({
  share: source.share,
  paste: source.paste,
  boxes: true,
  spec:
    "folder" in source
      ? { kind: "folder", path: join(data, source.folder), ...(source.boxesFrom && { boxesFrom: source.boxesFrom }) }
      : { kind: "drive", ...source.drive },
});

/** Warms up linearly, then falls along half a cosine. `progress` from 0 to 1. */
const rateFactor = (step: number, progress: number): number =>
  Math.min(1, (step + 1) / warmUp) * (0.5 + 0.5 * Math.cos(Math.PI * Math.min(1, progress)));

/** Trains a bundle from labelled frames (L^S of eq. 1), writes it and validates it; its weights are the EMA's. Throws as its parts do. */
export async function train(options: TrainOptions): Promise<Trained> {
  const recipe = await readRecipe(options.recipe);
  const data = resolve(options.data ?? defaultDataFolder());
  const found = await readCheckpoint(options.checkpoint);
  if (found && !options.resume)
    throw new NightshiftError("E_CONFIG", {
      expected: "no checkpoint where training starts anew",
      received: `one of ${found.steps} steps in ${options.checkpoint}`,
      remedy: "Add --resume to go on from it, or name another --checkpoint folder.",
    });
  if (found?.state.has(promptNames.category) && !recipe.prompts)
    throw new NightshiftError("E_CONFIG", {
      expected: "a recipe with prompts, as the checkpoint has",
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
  const { textWidth: _, ...sizes } = options.network ?? defaultNetwork;
  const config: NetworkConfig = { ...sizes, ...(tower.width !== textWidth && { textWidth: tower.width }) };
  const prompts =
    recipe.prompts &&
    new PromptLearner(encoder, { ...recipe.prompts, seed: recipe.seed, threads: options.threads, ...(found && { state: found.state, steps: found.promptSteps }) });
  const words = new Words(encoder, prompts?.prompts);
  const graph = supervisedStep(config, initialWeights(config, recipe.seed), { batch: recipe.batch, names, boxes: maxBoxes });
  const learner = await Learner.create(graph, { threads: options.threads ?? 2, spinning: true, ...(found && { state: found.state, steps: found.steps }) });
  const sources = recipe.sources.map((source) => specOf(source, data));
  const loader = new PrefetchingLoader({
    openModule: options.openModule,
    sources,
    batch: { batchSize: recipe.batch, width: config.width, height: config.height, seed: recipe.seed, maxBoxes },
    firstStep: learner.steps,
  });
  const started = performance.now();
  const minutesBefore = found?.minutes ?? 0;
  const minutes = (): number => minutesBefore + (performance.now() - started) / 60_000;
  const progress = (): number => Math.max(learner.steps / recipe.steps, minutes() / (options.minutes ?? Infinity));
  const losses: Record<string, number> = {};
  const checkpoint = (): Promise<void> =>
    writeCheckpoint(options.checkpoint, {
      state: new Map([...learner.state(), ...(prompts?.state() ?? [])]),
      steps: learner.steps,
      minutes: minutes(),
      promptSteps: prompts?.steps,
      textEncoder: tower.sha256,
    });
  let lastCheckpoint = minutes();
  try {
    while (progress() < 1) {
      const batch = await loader.next();
      await words.learn(batch.names.flat());
      const factor = rateFactor(learner.steps, progress());
      const result = await learner.step(supervisedFeeds(batch, words, { ...config, names }), {
        rateEncoder: recipe.rates.encoder * factor,
        rateDecoder: recipe.rates.decoder * factor,
        decay: recipe.rates.decay,
        clip: 5,
        alpha: Math.min(0.998, (1 + learner.steps) / (10 + learner.steps)),
      });
      await prompts?.learn(batch.names, result.textGradient, words, factor);
      for (const [name, value] of Object.entries(result)) if (value.length === 1) losses[name] = (losses[name] ?? value[0]) * 0.99 + value[0] * 0.01;
      if (learner.steps % 20 === 0) {
        const left = (minutes() - minutesBefore) * ((1 - progress()) / Math.max(1e-6, progress() - progressBefore(found, recipe.steps, options)));
        const shown = Object.entries(losses).map(([name, value]) => `${name} ${value.toFixed(3)}`);
        options.onProgress?.(`step ${learner.steps} of ${recipe.steps}, ${minutes().toFixed(1)} min, ${left.toFixed(0)} min left: ${shown.join(", ")}`);
      }
      if (minutes() - lastCheckpoint > minutesBetweenCheckpoints) {
        lastCheckpoint = minutes();
        await checkpoint();
      }
    }
    await checkpoint();
  } finally {
    await loader.close();
    await prompts?.close();
  }
  const weights = learner.weights("teacher");
  const steps = learner.steps;
  await learner.close();
  options.onProgress?.("estimating statistics and writing the bundle");
  const exported = await exportBundle({ out: options.out, config, weights, words, tower, recipe, sources, openModule: options.openModule });
  const trained = { ...exported, steps, minutes: minutes(), losses };
  if (recipe.validation === undefined) return trained;
  options.onProgress?.(`validating on ${recipe.validation}`);
  const { openDataset } = (await import(options.openModule.href)) as { openDataset: (spec: unknown) => Promise<Dataset> };
  const frames = await openDataset({ kind: "folder", path: join(data, recipe.validation) });
  return { ...trained, validation: await evaluateBundle(options.out, frames, { threads: options.threads ?? 2, ...(textEncoder !== undefined && { textEncoder }) }) };
}

const progressBefore = (found: { steps: number; minutes: number } | undefined, steps: number, { minutes = Infinity }: TrainOptions): number =>
  found ? Math.max(found.steps / steps, found.minutes / minutes) : 0;
