import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { z } from "zod";
import { NightshiftError } from "../errors.js";
import { defaultNetwork, type NetworkConfig, patchSize } from "../network/contract.js";
import { evaluateBundle, type Evaluation, seenAndUnseen } from "../training/evaluate.js";
import { intervalText } from "../training/metrics/index.js";
import { readRecipe, recipeChanges } from "../training/recipe.js";
import { train } from "../training/train.js";
import { readYaml } from "../yaml.js";
import { asText, hashOfValues, keepResults, keptResults, replaceBy } from "./kept-results.js";
import { stemOf, type StudyOptions } from "./study.js";
import { framesSchema, openFrames, openSets } from "./study-frames.js";

const trainingsSchema = z.strictObject({
  /** What it asks, in a sentence. */
  about: z.string().min(1),
  /** A recipe of `calibration/recipes`, which all rows share but for what they change. */
  recipe: z.string().min(1),
  steps: z.number().int().positive(),
  seed: z.number().int(),
  /** Of the network's input, pixels; the default network's where it is left out. */
  size: z.strictObject({ width: z.number().int().multipleOf(patchSize).positive(), height: z.number().int().multipleOf(patchSize).positive() }).optional(),
  scores: z.record(z.string(), framesSchema),
  rows: z.record(z.string(), recipeChanges),
});

type Row = z.infer<typeof trainingsSchema>["rows"][string];

/** How a bundle scored on one set: percent, with 95 % intervals by bootstrap over frames; per name too. */
export type TrainingScore = Omit<Evaluation, "seconds"> & Partial<ReturnType<typeof seenAndUnseen>>;

/** A bundle that was trained from scratch. */
export interface TrainingRun {
  readonly row: string;
  /** What the row changed in the recipe. */
  readonly changes: Row;
  readonly minutes: number;
  readonly scores: Readonly<Record<string, TrainingScore>>;
}

export interface TrainingsResults {
  readonly study: string;
  readonly about: string;
  readonly command: string;
  /** SHA-256 over the recipe, its length, seed and size, and what is scored. */
  readonly of: string;
  readonly runs: readonly TrainingRun[];
}

export interface TrainingsOptions extends StudyOptions {
  /** A folder for checkpoints. */
  readonly work: string;
  /** The default network's sizes where it is left out. */
  readonly network?: NetworkConfig;
}

/**
 * Runs a study that trains a bundle from scratch for each row, all by one recipe but for what the row changes, for as many steps from one seed, and scores them. One training is one
 * draw: the intervals are over frames. Trainings resume from checkpoints in `work`; results are written after each, and those that are there are not made again.
 * Throws `E_CONFIG` where there is no such study, and as training and evaluation do.
 */
export async function runTrainings({ name, data, threads, onProgress, work, network = defaultNetwork }: TrainingsOptions): Promise<TrainingsResults> {
  const study = await readYaml({ path: `${stemOf(name)}.yaml`, schema: trainingsSchema, expected: "a study of trainings as those in calibration/studies", remedy: "Name one of the studies there, or mend the file." });
  const { recipe: named, steps, seed, size } = study;
  const recipe = await readRecipe(named);
  if (recipe.task === "depth")
    throw new NightshiftError("E_CONFIG", { expected: "a recipe of a whole bundle", received: `${named}, which teaches depth to one`, remedy: "Name another recipe in the study." });
  const of = hashOfValues(recipe, steps, seed, study.scores, size);
  const file = `${stemOf(name)}.json`;
  const runs: TrainingRun[] = [...((await keptResults<TrainingsResults>(file, of))?.runs ?? [])];
  const results = (): TrainingsResults => ({ study: name, about: study.about, command: `npx nightshift ablate ${name}`, of, runs });
  // Opened before the first training, so that a name that is wrong ends nothing half way.
  for (const source of [recipe, ...Object.values(study.rows)].flatMap(({ sources = [] }) => sources)) await openFrames("folder" in source ? { folder: source.folder } : { drive: source.drive }, data);
  const scoring = await openSets(study.scores, data);
  for (const [row, changes] of Object.entries(study.rows)) {
    if (runs.some((run) => run.row === row && JSON.stringify(run.changes) === JSON.stringify(changes))) continue;
    const folder = join(work, hashOfValues(of, row, changes).slice(0, 16));
    const [out, checkpoint, own] = [join(folder, "bundle"), join(folder, "checkpoint"), join(folder, "recipe.yaml")];
    await mkdir(folder, { recursive: true });
    // What was cut off between its end and its scores is written anew from its checkpoint.
    await rm(out, { recursive: true, force: true });
    // Scored below on all of its sets.
    const { validation: _, ...shared } = recipe;
    await writeFile(own, stringify({ ...shared, ...changes, name: recipe.name, steps, seed }));
    const openModule = new URL("../../adapters/datasets/open.js", import.meta.url);
    const { minutes } = await train({ out, checkpoint, recipe: own, resume: existsSync(checkpoint), data, openModule, threads, network: { ...network, ...size }, onProgress: (line) => onProgress(`${row}: ${line}`) });
    const scores: Record<string, TrainingScore> = {};
    for (const [on, dataset] of scoring) {
      const { seconds: _, ...evaluation } = await evaluateBundle(out, dataset, { threads, intervals: true, onProgress: (done, total) => onProgress(`${row}: scoring on ${on}, ${done} of ${total} frames`) });
      scores[on] = { ...evaluation, ...(changes.heldOut && seenAndUnseen(evaluation, changes.heldOut)) };
    }
    replaceBy(runs, { row, changes, minutes, scores }, (run) => run.row === row);
    await keepResults(file, asText(results()));
    await rm(folder, { recursive: true });
  }
  return results();
}

const between = (value: number | null | undefined, interval: readonly number[] | null | undefined): string =>
  value == null ? "-" : `${value.toFixed(1)}${interval ? ` (${intervalText(interval)})` : ""}`;

/** A line for each row and set: mIoU and AP50 with their intervals, and of held-out names apart. */
export const trainingLines = ({ runs }: TrainingsResults): string[] =>
  runs.flatMap(({ row, scores }) =>
    Object.entries(scores).map(([on, { miou, ap50, intervals, seen, unseen }]) => {
      const apart = seen && unseen ? `  learnt ${between(seen.miou, null)} / ${between(seen.ap50, null)}, held out ${between(unseen.miou, null)} / ${between(unseen.ap50, null)}` : "";
      return `${row.padEnd(28)} ${on.padEnd(16)} mIoU ${between(miou, intervals?.miou)}  AP50 ${between(ap50, intervals?.ap50)}${apart}`;
    }),
  );
