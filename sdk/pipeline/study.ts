import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { judge, judgeBoundsFor } from "../adaptation/judge/index.js";
import { train, trainingOptionsFor, type TrainingJob, type TrainingOptions } from "../adaptation/trainer/index.js";
import { learners } from "../adaptation/trainer/learners.js";
import { findBundle, readBundle } from "../bundle/index.js";
import { isTrainable, type Trainable } from "../network/trainable.js";
import { packageRoot } from "../paths.js";
import type { Dataset } from "../training/dataset.js";
import { evaluateBundle } from "../training/evaluate.js";
import { readYaml } from "../yaml.js";
import type { ConditionName } from "../stream/events.js";
import { asExemplars } from "./exemplars.js";
import { asText, hashOf, keepResults, keptResults } from "./kept-results.js";
import { framesSchema, openFrames, pictures } from "./study-frames.js";

const share = z.number().min(0).max(1);

/** What a row changes in the defaults of adaptation on the vehicle. */
export const rowSchema = z.strictObject({
  /** Labelled frames that are replayed besides the bundle's own exemplars: a folder, or a part of one. */
  exemplars: z.union([z.string().min(1), framesSchema]).optional(),
  steps: z.number().int().min(0).optional(),
  sourceBatch: z.number().int().min(1).optional(),
  targetBatch: z.number().int().min(1).optional(),
  statisticsMix: share.optional(),
  restyledShare: share.optional(),
  pastedShare: share.optional(),
  maskRatio: share.optional(),
  recompute: z.enum(["none", "blocks"]).optional(),
  trains: z.custom<Trainable>((value) => typeof value === "string" && isTrainable(value), "must be default, all, norm, decoder, last:n, lora:r or /pattern/").optional(),
  rampSteps: z.number().int().min(0).optional(),
  rates: z
    .strictObject({ encoder: z.number(), decoder: z.number(), alpha: share, supervised: z.number(), selfTraining: z.number(), lmc: z.number(), lmcBoxes: z.number(), align: z.number(), guidance: z.number(), entropy: z.number(), soft: z.number(), restore: share })
    .partial()
    .optional(),
});

const studySchema = z.strictObject({
  /** What it asks, in a sentence. */
  about: z.string().min(1),
  bundle: z.string().default("default"),
  /** The folder of the CLIP text tower that the bundle was trained with, where names are asked for that it does not hold. */
  textEncoder: z.string().min(1).optional(),
  seeds: z.array(z.number().int()).min(1),
  /** What is adapted to, without its labels. */
  targets: framesSchema,
  condition: z.enum(["clear", "dusk", "night", "fog"]),
  /** What bundles are scored on, by name; `before` is scored on each too. */
  scores: z.record(z.string(), framesSchema),
  rows: z.record(z.string(), rowSchema),
});

type Study = z.infer<typeof studySchema>;
export type Row = z.infer<typeof rowSchema>;

export interface Score {
  readonly miou: number | null;
  readonly ap50: number | null;
  readonly perClass: Readonly<Record<string, number>>;
  readonly perClassAp50: Readonly<Record<string, number>>;
}

/** One adaptation and what came of it; of `before`, the bundle as it was, without a seed. */
export interface Run {
  readonly row: string;
  /** What the row changed in the defaults. */
  readonly changes: Row;
  readonly seed: number | null;
  readonly seconds: number;
  readonly accepted: boolean | null;
  /** Why the judge did not. */
  readonly reasons?: readonly string[];
  readonly scores: Readonly<Record<string, Score>>;
}

export interface StudyResults {
  readonly study: string;
  readonly about: string;
  /** The command that makes this file. */
  readonly command: string;
  /** SHA-256 over the bundle's weights, what they are adapted to and scored on, and what the rows change and are judged by: results of others are not mixed in. */
  readonly of: string;
  readonly runs: readonly Run[];
}

export interface StudyOptions {
  /** A file's name in `calibration/studies`, without its suffix, or any YAML file; results go beside it. */
  readonly name: string;
  /** The folder that the study's paths start from. */
  readonly data: string;
  readonly threads: number;
  readonly onProgress: (line: string) => void;
}

/** The file of a study, without its suffix. */
export const stemOf = (name: string): string => (name.endsWith(".yaml") ? name.slice(0, -".yaml".length) : join(packageRoot(), "calibration", "studies", name));

/** Of what form a study's file is: adaptations, a journey through several conditions (`journey.ts`), or trainings (`trainings.ts`). One that cannot be read is told of by whoever runs it. */
export async function formOf(name: string): Promise<"adaptations" | "journey" | "trainings"> {
  const study: unknown = parseDocument(await readFile(`${stemOf(name)}.yaml`, "utf8").catch(() => "")).toJS();
  const has = (key: string): boolean => typeof study === "object" && study !== null && key in study;
  return has("stops") ? "journey" : has("recipe") ? "trainings" : "adaptations";
}

/**
 * Runs a study: adapts the bundle once for each row and seed, as on the vehicle, and scores what comes out, whatever the judge says. Results are written
 * after every run, and runs that are in the file already are not made again.
 * Throws `E_CONFIG` where there is no such study, and as adaptation and evaluation do.
 */
export async function runStudy({ name, data, threads, onProgress }: StudyOptions): Promise<StudyResults> {
  const study = await readStudy(`${stemOf(name)}.yaml`);
  const bundle = findBundle(study.bundle);
  const named = study.textEncoder !== undefined && { textEncoder: join(data, study.textEncoder) };
  const { manifest } = await readBundle(bundle, { verify: "model" });
  const of = hashOf(manifest, study.targets, study.scores, trainingOptionsFor(study.condition), judgeBoundsFor(study.condition));
  const file = `${stemOf(name)}.json`;
  const runs: Run[] = [...((await keptResults<StudyResults>(file, of))?.runs ?? [])];
  const results = (): StudyResults => ({ study: name, about: study.about, command: `npx nightshift ablate ${name}`, of, runs });
  const keep = async (run: Run): Promise<void> => {
    const stale = runs.findIndex(({ row, seed }) => row === run.row && seed === run.seed);
    if (stale >= 0) runs.splice(stale, 1);
    runs.push(run);
    await keepResults(file, asText(results()));
  };
  const scoring = new Map<string, Dataset>();
  for (const [what, frames] of Object.entries(study.scores)) scoring.set(what, await openFrames(frames, data));
  const score = async (directory: string, what: string): Promise<Run["scores"]> => {
    const scores: Record<string, Score> = {};
    for (const [on, dataset] of scoring) {
      const { miou, ap50, perClass, perClassAp50 } = await evaluateBundle(directory, dataset, { threads, ...named, onProgress: (done, total) => onProgress(`${what}: scoring on ${on}, ${done} of ${total} frames`) });
      scores[on] = { miou, ap50, perClass, perClassAp50 };
    }
    return scores;
  };
  const isDone = (row: string, changes: Row, seed: number | null): boolean => runs.some((run) => run.row === row && run.seed === seed && JSON.stringify(run.changes) === JSON.stringify(changes));
  if (!isDone("before", {}, null)) await keep({ row: "before", changes: {}, seed: null, seconds: 0, accepted: null, scores: await score(bundle, "before") });
  const { network, vocabulary, generation } = manifest;
  let targets: readonly Uint8Array[] | undefined;
  for (const seed of study.seeds)
    for (const [row, changes] of Object.entries(study.rows)) {
      if (isDone(row, changes, seed)) continue;
      targets ??= await pictures(await openFrames(study.targets, data), network);
      const folder = await mkdtemp(join(tmpdir(), "nightshift-study-"));
      try {
        const outDirectory = join(folder, "bundle");
        const job = {
          bundleDirectory: bundle,
          outDirectory,
          generation: generation + 1,
          condition: study.condition,
          vocabulary,
          ...named,
          targets,
          ...(await changed(study.condition, changes, data, { seed, threads })),
        };
        const { measurements, seconds } = await train(job, await learners.lmc(), ({ phase, step, steps }) => onProgress(`${row}, seed ${seed}: ${phase}, ${step} of ${steps} steps`));
        const { accepted, reasons } = judge(measurements, judgeBoundsFor(study.condition));
        await keep({ row, changes, seed, seconds, accepted, ...(!accepted && { reasons }), scores: await score(outDirectory, `${row}, seed ${seed}`) });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }
  return results();
}

/** What a row makes of the defaults of a condition. */
export async function changed(condition: ConditionName, { rates = {}, exemplars, ...others }: Row, data: string, own: Pick<TrainingOptions, "seed" | "threads">): Promise<Pick<TrainingJob, "options" | "exemplars">> {
  const start = trainingOptionsFor(condition);
  const options = { ...start, ...others, rates: { ...start.rates, ...rates }, ...own };
  if (exemplars === undefined) return { options, exemplars: [] };
  return { options, exemplars: [await asExemplars(await openFrames(typeof exemplars === "string" ? { folder: exemplars } : exemplars, data))] };
}

const readStudy = (path: string): Promise<Study> =>
  readYaml({ path, schema: studySchema, expected: "a study as those in calibration/studies", remedy: "Name one of the studies there, or mend the file." });

/** Over seeds; the deviation of one is 0. */
export interface Spread {
  readonly mean: number;
  readonly deviation: number;
}

export interface Summary {
  readonly row: string;
  readonly on: string;
  readonly runs: number;
  /** Percent; null where masks are not labelled. */
  readonly miou: Spread | null;
  /** Percent; null where boxes are not. */
  readonly ap50: Spread | null;
  /** The class that lost most against `before`, points of its IoU, or of its AP50 where masks are not labelled. */
  readonly worst: { readonly name: string; readonly change: number } | null;
}

/** Mean and spread over seeds for each row and each set that was scored. */
export function summarise({ runs }: StudyResults): Summary[] {
  const before = runs.find(({ row }) => row === "before");
  const rows = [...new Set(runs.map(({ row }) => row))];
  const sets = [...new Set(runs.flatMap(({ scores }) => Object.keys(scores)))];
  return rows.flatMap((row) =>
    sets.map((on): Summary => {
      const scores = runs.filter((run) => run.row === row).flatMap((run) => run.scores[on] ?? []);
      const miou = spread(scores.map((score) => score.miou));
      const classes = ({ perClass, perClassAp50 }: Score): Score["perClass"] => (miou ? perClass : perClassAp50);
      const first = before?.scores[on];
      const changes = Object.entries(first ? classes(first) : {}).map(([name, value]) => ({ name, change: (spread(scores.map((score) => classes(score)[name] ?? null))?.mean ?? 0) - value }));
      return { row, on, runs: scores.length, miou, ap50: spread(scores.map(({ ap50 }) => ap50)), worst: changes.sort((a, b) => a.change - b.change)[0] ?? null };
    }),
  );
}

function spread(values: readonly (number | null)[]): Spread | null {
  const numbers = values.flatMap((value) => value ?? []);
  if (numbers.length === 0) return null;
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const squares = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / Math.max(1, numbers.length - 1)) };
}
