import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { judge, judgeBoundsFor, untimed } from "../adaptation/judge/index.js";
import { defaultLesserShares, train, trainingOptionsFor } from "../adaptation/trainer/index.js";
import { learners } from "../adaptation/trainer/learners.js";
import { findBundle, GenerationStore, readBundle, shelvedFor } from "../bundle/index.js";
import type { ConditionName } from "../stream/events.js";
import { evaluateBundle } from "../training/evaluate.js";
import { readYaml } from "../yaml.js";
import { asText, hashOf, keepResults, keptResults, replaceBy } from "./kept-results.js";
import { changed, rowSchema, stemOf, type StudyOptions } from "./study.js";
import { type Frames, framesSchema, openFrames, openSets, pictures } from "./study-frames.js";

const condition = z.enum(["clear", "dusk", "night", "fog"]);
const perCondition = z.partialRecord(condition, framesSchema);

const journeySchema = z.strictObject({
  /** What it asks, in a sentence. */
  about: z.string().min(1),
  bundle: z.string().default("default"),
  seeds: z.array(z.number().int()).min(1),
  /** How often the stops are passed. Rendered streets are others each time. */
  rounds: z.number().int().min(1),
  /** Where something is learnt, in this order, without labels. */
  stops: perCondition,
  /** What is scored after each stop, by the weights that serve in that condition then. */
  scores: perCondition,
  rows: z.record(
    z.string(),
    z.strictObject({
      /** Whether each condition has weights of its own; without, all go on from one. */
      shelf: z.boolean().default(true),
      /** Whether the judge decides; without, everything serves. */
      judged: z.boolean().default(true),
      changes: rowSchema.default({}),
    }),
  ),
});

type Row = z.infer<typeof journeySchema>["rows"][string];

export interface Stop {
  /** From 1; 0 before the first. */
  readonly round: number;
  /** Null before the first. */
  readonly condition: ConditionName | null;
  readonly accepted: boolean | null;
  readonly reasons: readonly string[];
  /** mIoU and AP50 in percent, by condition. */
  readonly scores: Readonly<Record<string, { readonly miou: number | null; readonly ap50: number | null; readonly perClass: Readonly<Record<string, number>> }>>;
}

export interface Journey {
  readonly row: string;
  readonly is: Row;
  readonly seed: number;
  readonly stops: readonly Stop[];
}

export interface JourneyResults {
  readonly study: string;
  readonly about: string;
  readonly command: string;
  /** SHA-256 over the bundle, the frames, and by what is learnt and judged. */
  readonly of: string;
  readonly journeys: readonly Journey[];
}

/**
 * Runs a study that passes several conditions again and again, and scores all of them after each stop. Journeys are written when they are through, and not made again.
 * Throws `E_CONFIG` where there is no such study, and as adaptation and evaluation do.
 */
export async function runJourney({ name, data, threads, onProgress }: StudyOptions): Promise<JourneyResults> {
  const study = await readYaml({ path: `${stemOf(name)}.yaml`, schema: journeySchema, expected: "a journey as those in calibration/studies", remedy: "Name one of the studies there, or mend the file." });
  const delivered = findBundle(study.bundle);
  const { manifest } = await readBundle(delivered, { verify: "model" });
  const conditions = Object.keys(study.stops) as (keyof typeof study.stops)[];
  const of = hashOf(manifest, study.rounds, study.stops, study.scores, conditions.map((where) => trainingOptionsFor(where)), conditions.map(judgeBoundsFor), defaultLesserShares);
  const file = `${stemOf(name)}.json`;
  const journeys: Journey[] = [...((await keptResults<JourneyResults>(file, of))?.journeys ?? [])];
  const results = (): JourneyResults => ({ study: name, about: study.about, command: `npx nightshift ablate ${name}`, of, journeys });
  // Opened before the first stop, so that a name that is wrong ends nothing half way.
  await openSets(study.stops, data);
  const scoring = await openSets(study.scores, data);

  const travel = async (row: string, { shelf: hasShelf, judged, changes }: Row, seed: number): Promise<Stop[]> => {
    const state = await mkdtemp(join(tmpdir(), "nightshift-journey-"));
    try {
      const store = await GenerationStore.open(state);
      /** The weights that serve in a condition. */
      const serving = async (where: ConditionName): Promise<string> => {
        const generation = hasShelf ? shelvedFor(await store.shelf(), where)?.generation : await store.current();
        return generation === undefined ? delivered : store.pathOf(generation);
      };
      const scores = async (what: string): Promise<Stop["scores"]> => {
        const all: Record<string, Stop["scores"][string]> = {};
        for (const [where, dataset] of scoring) {
          const { miou, ap50, perClass } = await evaluateBundle(await serving(where as ConditionName), dataset, { threads, onProgress: (done, total) => onProgress(`${what}: scoring ${where}, ${done} of ${total} frames`) });
          all[where] = { miou, ap50, perClass };
        }
        return all;
      };
      const stops: Stop[] = [{ round: 0, condition: null, accepted: null, reasons: [], scores: await scores(`${row}, seed ${seed}`) }];
      for (let round = 1; round <= study.rounds; round++)
        for (const where of conditions) {
          const what = `${row}, seed ${seed}, round ${round}, ${where}`;
          const targets = await pictures(await openFrames(onward(study.stops[where]!, round), data), manifest.network);
          const generation = await store.next();
          const job = {
            bundleDirectory: await serving(where),
            deliveredDirectory: delivered,
            outDirectory: store.pathOf(generation),
            generation,
            condition: where,
            vocabulary: manifest.vocabulary,
            targets,
            ...(judged && { lesserShares: defaultLesserShares }),
            ...(await changed(where, changes, data, { seed: seed + 100 * round, threads })),
          };
          const { measurements } = await train(job, await learners.lmc(), ({ phase, step, steps }) => onProgress(`${what}: ${phase}, ${step} of ${steps} steps`));
          const { accepted, reasons } = judge(measurements, untimed(judgeBoundsFor(where)));
          if (accepted || !judged) {
            if (hasShelf) await store.shelve(where, generation);
            else await store.setCurrent(generation);
          } else await rm(job.outDirectory, { recursive: true });
          stops.push({ round, condition: where, accepted: judged ? accepted : null, reasons, scores: await scores(what) });
        }
      return stops;
    } finally {
      await rm(state, { recursive: true, force: true });
    }
  };

  const isDone = (row: string, is: Row, seed: number): boolean => journeys.some((journey) => journey.row === row && journey.seed === seed && JSON.stringify(journey.is) === JSON.stringify(is));
  for (const seed of study.seeds)
    for (const [row, is] of Object.entries(study.rows)) {
      if (isDone(row, is, seed)) continue;
      const stops = await travel(row, is, seed);
      replaceBy(journeys, { row, is, seed, stops }, (journey) => journey.row === row && journey.seed === seed);
      await keepResults(file, asText(results()));
    }
  return results();
}

/** The frames of a later round: of a folder the same, of a drive other streets. */
const onward = (frames: Frames, round: number): Frames =>
  "drive" in frames ? { drive: { ...frames.drive, seed: frames.drive.seed + round } } : frames;

/** A line for each stop: what was decided, and mIoU by condition. */
export const journeyLines = ({ journeys }: JourneyResults): string[] =>
  journeys.flatMap(({ row, seed, stops }) => [
    `${row}, seed ${seed}`,
    ...stops.map(({ round, condition: where, accepted, scores }) => {
      const figures = Object.entries(scores).map(([name, { miou }]) => `${name} ${miou?.toFixed(1) ?? "-"}`);
      return `  ${where === null ? "before" : `round ${round}, ${where}`.padEnd(16)} ${accepted === null ? "" : accepted ? "accepted " : "refused  "} ${figures.join("  ")}`;
    }),
  ]);
