import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { judge, judgeBoundsFor, untimed } from "../adaptation/judge/index.js";
import { type LabelledSet, train, trainingOptionsFor, type TrainingJob, type TrainingOptions } from "../adaptation/trainer/index.js";
import { learners } from "../adaptation/trainer/learners.js";
import { findBundle, readBundle } from "../bundle/index.js";
import { NightshiftError } from "../errors.js";
import { isTrainable, type Trainable, trainableForms } from "../network/trainable.js";
import { packageRoot } from "../paths.js";
import { median } from "../quantile.js";
import { evaluateBundle } from "../training/evaluate.js";
import { readYaml } from "../yaml.js";
import type { ConditionName } from "../stream/events.js";
import { asExemplars } from "./exemplars.js";
import { asText, hashOf, keepResults, keptResults, replaceBy } from "./kept-results.js";
import { type Frames, framesSchema, openFrames, openSets, pictures } from "./study-frames.js";

const share = z.number().min(0).max(1);
const oneOrAPart = z.union([z.string().min(1), framesSchema]);

/** What a row changes in the defaults of adaptation on the vehicle. */
export const rowSchema = z.strictObject({
  /** Labelled frames that are replayed besides the bundle's own exemplars: a folder, or a part of one, or several of them. */
  exemplars: z.union([oneOrAPart, z.array(oneOrAPart).min(1)]).optional(),
  steps: z.number().int().min(0).optional(),
  sourceBatch: z.number().int().min(1).optional(),
  targetBatch: z.number().int().min(1).optional(),
  statisticsMix: share.optional(),
  restyledShare: share.optional(),
  pastedShare: share.optional(),
  recolouredShare: share.optional(),
  maskRatio: share.optional(),
  recompute: z.enum(["none", "blocks"]).optional(),
  trains: z.custom<Trainable>((value) => typeof value === "string" && isTrainable(value), `must be ${trainableForms}`).optional(),
  rampSteps: z.number().int().min(0).optional(),
  rates: z
    .strictObject({ encoder: z.number(), decoder: z.number(), prompts: z.number(), alpha: share, supervised: z.number(), selfTraining: z.number(), lmc: z.number(), lmcBoxes: z.number(), align: z.number(), guidance: z.number(), entropy: z.number(), soft: z.number(), restore: share })
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
  rows: z.record(
    z.string(),
    rowSchema.extend({
      /** What this row adapts to, in the place of the study's targets: a transductive row adapts to what is scored. */
      targets: framesSchema.optional(),
    }),
  ),
  /** The row that learns from the targets' labels: others are told as a share of what it gains. */
  oracle: z.string().optional(),
  /** Rows that run once more, with as many steps as take the time of another row's: their own steps may be cheaper. */
  equalTime: z.strictObject({ of: z.string(), rows: z.array(z.string()).min(1) }).optional(),
});

type Study = z.infer<typeof studySchema>;
type StudyRow = Study["rows"][string];
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
  readonly changes: StudyRow;
  readonly seed: number | null;
  readonly seconds: number;
  /** The median over its steps; null where it makes fewer than two. */
  readonly stepSeconds: number | null;
  /** Where its steps were chosen so that they take as long as another row's: that row. */
  readonly inTimeOf?: string;
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
  /** As the study says. */
  readonly oracle?: string;
  readonly runs: readonly Run[];
}

export interface StudyOptions {
  /** A file's name in `calibration/studies`, without its suffix, or any YAML file; results go beside it. */
  readonly name: string;
  /** The folder that the study's paths start from. */
  readonly data: string;
  readonly threads: number;
  /** Only these rows are run, and those that are in the file already stay; all of the study where it is left out. */
  readonly rows?: readonly string[];
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
export async function runStudy({ name, data, threads, rows: chosen, onProgress }: StudyOptions): Promise<StudyResults> {
  const whole = await readStudy(`${stemOf(name)}.yaml`);
  const study = chosen ? withRows(whole, chosen) : whole;
  const bundle = findBundle(study.bundle);
  const named = study.textEncoder !== undefined && { textEncoder: join(data, study.textEncoder) };
  const { manifest } = await readBundle(bundle, { verify: "model" });
  const of = hashOf(manifest, study.textEncoder, study.targets, study.scores, trainingOptionsFor(study.condition), judgeBoundsFor(study.condition));
  const file = `${stemOf(name)}.json`;
  const runs: Run[] = [...((await keptResults<StudyResults>(file, of))?.runs ?? [])];
  const { about, oracle } = study;
  const results = (): StudyResults => ({ study: name, about, command: ["npx nightshift ablate", name, ...(chosen ?? []).map((row) => `--row "${row}"`)].join(" "), of, ...(oracle !== undefined && { oracle }), runs });
  const keep = async (run: Run): Promise<void> => {
    replaceBy(runs, run, ({ row, seed }) => row === run.row && seed === run.seed);
    await keepResults(file, asText(results()));
  };
  for (const frames of [study.targets, ...Object.values(study.rows).flatMap(framesOf)]) await openFrames(frames, data);
  const scoring = await openSets(study.scores, data);
  const score = async (directory: string, what: string): Promise<Run["scores"]> => {
    const scores: Record<string, Score> = {};
    for (const [on, dataset] of scoring) {
      const { miou, ap50, perClass, perClassAp50 } = await evaluateBundle(directory, dataset, { threads, ...named, onProgress: (done, total) => onProgress(`${what}: scoring on ${on}, ${done} of ${total} frames`) });
      scores[on] = { miou, ap50, perClass, perClassAp50 };
    }
    return scores;
  };
  const isDone = (row: string, changes: StudyRow, seed: number | null): boolean => runs.some((run) => run.row === row && run.seed === seed && JSON.stringify(run.changes) === JSON.stringify(changes));
  if (!isDone("before", {}, null)) await keep({ row: "before", changes: {}, seed: null, seconds: 0, stepSeconds: null, accepted: null, scores: await score(bundle, "before") });
  const { network, vocabulary, generation } = manifest;
  const shrunk = new Map<string, readonly Uint8Array[]>();
  const targetsOf = async (frames: Frames): Promise<readonly Uint8Array[]> => {
    const key = JSON.stringify(frames);
    const known = shrunk.get(key) ?? (await pictures(await openFrames(frames, data), network));
    shrunk.set(key, known);
    return known;
  };
  const adapt = async (row: string, changes: StudyRow, seed: number, inTimeOf?: string): Promise<void> => {
    const { targets: own, ...others } = changes;
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
        targets: await targetsOf(own ?? study.targets),
        ...(await changed(study.condition, others, data, { seed, threads })),
      };
      const ends: number[] = [];
      const { measurements, seconds } = await train(job, await learners.lmc(), ({ phase, step, steps }) => {
        if (phase === "learning") ends.push(performance.now());
        onProgress(`${row}, seed ${seed}: ${phase}, ${step} of ${steps} steps`);
      });
      const { accepted, reasons } = judge(measurements, untimed(judgeBoundsFor(study.condition)));
      const stepSeconds = ends.length < 2 ? null : median(ends.slice(1).map((end, at) => (end - ends[at]) / 1000));
      await keep({ row, changes, seed, seconds, stepSeconds, ...(inTimeOf !== undefined && { inTimeOf }), accepted, ...(!accepted && { reasons }), scores: await score(outDirectory, `${row}, seed ${seed}`) });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  const { of: clock, rows: timed } = study.equalTime ?? { rows: [] };
  for (const seed of study.seeds) {
    for (const [row, changes] of Object.entries(study.rows)) if (!isDone(row, changes, seed)) await adapt(row, changes, seed);
    for (const row of timed) {
      const runOf = (name: string | undefined): Run | undefined => runs.find((run) => run.row === name && run.seed === seed);
      const changes = { ...study.rows[row], steps: stepsInTime(runOf(row), runOf(clock), trainingOptionsFor(study.condition).steps) };
      if (!isDone(inEqualTime(row), changes, seed)) await adapt(inEqualTime(row), changes, seed, clock);
    }
  }
  return results();
}

/** What a row makes of the defaults of a condition. */
export async function changed(condition: ConditionName, { rates = {}, exemplars, ...others }: Row, data: string, own: Pick<TrainingOptions, "seed" | "threads">): Promise<Pick<TrainingJob, "options" | "exemplars">> {
  const start = trainingOptionsFor(condition);
  const options = { ...start, ...others, rates: { ...start.rates, ...rates }, ...own };
  const sets: LabelledSet[] = [];
  for (const frames of exemplarsOf({ exemplars })) sets.push(await asExemplars(await openFrames(frames, data)));
  return { options, exemplars: sets };
}

const exemplarsOf = ({ exemplars = [] }: Row): Frames[] => [exemplars].flat().map((frames) => (typeof frames === "string" ? { folder: frames } : frames));

/** All frames that a row names: opened before the first run, so that a name that is wrong ends nothing half way. */
const framesOf = ({ targets, ...row }: StudyRow): Frames[] => [...(targets ? [targets] : []), ...exemplarsOf(row)];

const inEqualTime = (row: string): string => `${row}, in equal time`;

/** How many steps of a row take as long as another row's. */
function stepsInTime(own: Run | undefined, clock: Run | undefined, defaultSteps: number): number {
  if (!own?.stepSeconds || !clock?.stepSeconds)
    throw new NightshiftError("E_CONFIG", { expected: "rows of two steps or more in equalTime", received: `${own?.row} and ${clock?.row}`, remedy: "Correct it in the study." });
  return Math.round(((clock.changes.steps ?? defaultSteps) * clock.stepSeconds) / own.stepSeconds);
}

/** The study with some of its rows alone, none of them in another's time. */
function withRows({ equalTime: _, ...study }: Study, chosen: readonly string[]): Study {
  requireRows(study, chosen);
  return { ...study, rows: Object.fromEntries(Object.entries(study.rows).filter(([row]) => chosen.includes(row))) };
}

/** Throws `E_CONFIG` for a name that no row of the study has. */
function requireRows({ rows }: Pick<Study, "rows">, named: readonly (string | undefined)[]): void {
  const stranger = named.find((row) => row !== undefined && !(row in rows));
  if (stranger !== undefined) throw new NightshiftError("E_CONFIG", { expected: `a row of the study: ${Object.keys(rows).join(", ")}`, received: JSON.stringify(stranger), remedy: "Correct it." });
}

async function readStudy(path: string): Promise<Study> {
  const study = await readYaml({ path, schema: studySchema, expected: "a study as those in calibration/studies", remedy: "Name one of the studies there, or mend the file." });
  const { oracle, equalTime } = study;
  requireRows(study, [oracle, equalTime?.of, ...(equalTime?.rows ?? [])]);
  return study;
}
