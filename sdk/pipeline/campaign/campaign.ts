import { join } from "node:path";
import { z } from "zod";
import { judge, judgeBoundsFor, type ModelScore, type Verdict } from "../../adaptation/judge/index.js";
import { trainingOptionsFor } from "../../adaptation/trainer/index.js";
import { defaultProbationLimits, LiveWindow, Probation } from "../../adaptation/probation.js";
import { asStored, findBundle, readBundle } from "../../bundle/index.js";
import type { Weights } from "../../graph/tensor.js";
import { packageRoot } from "../../paths.js";
import { Random } from "../../random.js";
import { readYaml } from "../../yaml.js";
import { hashOf, keepResults, keptResults } from "../kept-results.js";
import { framesSchema } from "../study-frames.js";
import { harmful, helpful, type Update } from "./updates.js";
import { World, type Worth } from "./world.js";

const worldSchema = z.strictObject({ condition: z.enum(["clear", "dusk", "night", "fog"]), targets: framesSchema, hidden: framesSchema, elsewhere: framesSchema });

const campaignSchema = z.strictObject({
  /** What it asks, in a sentence. */
  about: z.string().min(1),
  worlds: z.record(z.string(), worldSchema),
});

/** One update and what the judge can know of it. Whether it passes is not kept: that is asked of the judge as it is now. */
export interface Trial {
  readonly world: string;
  readonly kind: string;
  readonly seed: number;
  readonly strength: number;
  /** Points of mIoU on the hidden frames that it gained; null where it answers nothing that can be scored. */
  readonly change: number | null;
  /** Likewise points of AP50, where boxes are labelled there. */
  readonly boxChange?: number;
  /** Null where its weights are not finite, which no bundle is written with. */
  readonly after: ModelScore | null;
  /** Whether it would end on probation by what its answers look like; null where it was not asked. */
  readonly endsOnProbation: boolean | null;
}

export interface Campaign {
  readonly campaign: string;
  readonly about: string;
  readonly command: string;
  /** SHA-256 over the bundle, the worlds, what is examined there and by which options is learnt: trials of others are not mixed in. */
  readonly of: string;
  /** By world: the weights that serve. */
  readonly before: Readonly<Record<string, Worth>>;
  readonly trials: readonly Trial[];
  /** Kinds of which fewer were found than were asked for, and all that should help where too little did. */
  readonly short: readonly string[];
}

/** An update is harmful that loses so many points of hidden mIoU, or of hidden AP50, which is noisier; it helps when it gains so many of mIoU. */
export const harmPoints = 2;
export const harmBoxPoints = 3;
export const helpPoints = 1;

/** Updates of one kind and seed that are judged; further strengths would only repeat gross harm. */
const mostGrades = 3;
/** Points beyond which more strength is not tried. */
const grossHarm = 30;

export interface CampaignOptions {
  readonly bundle: string;
  /** Harmful updates to reach; a quarter as many that help. */
  readonly count: number;
  readonly data: string;
  readonly threads: number;
  readonly onProgress: (line: string) => void;
}

const stem = join(packageRoot(), "calibration", "campaigns", "judge");
const file = `${stem}.json`;

/**
 * Makes updates until enough of each kind are harmful and enough help, or `mostSeeds` of each are made, measures each as the judge would, and keeps that beside the campaign; what is there already is not made again.
 * Throws as bundles, datasets and learning do.
 */
export async function runCampaign({ bundle: name, count, data, threads, onProgress }: CampaignOptions): Promise<Campaign> {
  const { about, worlds: specs } = await readYaml({ path: `${stem}.yaml`, schema: campaignSchema, expected: "worlds as in calibration/campaigns", remedy: "Mend the file." });
  const bundle = await readBundle(findBundle(name), { verify: "model" });
  const worlds: World[] = [];
  for (const [world, spec] of Object.entries(specs)) worlds.push(await World.open(world, spec, bundle, data, threads));
  const of = hashOf(bundle.manifest, specs, worlds.map(({ condition, digest }) => [digest, trainingOptionsFor(condition)]));
  const known = await keptResults<Campaign>(file, of);
  const trials: Trial[] = [...(known?.trials ?? [])];
  const before: Record<string, Worth> = { ...known?.before };

  const wanted = { harmfulOfKind: Math.ceil(count / Object.keys(harmful).length), good: Math.ceil(count / 4) };
  const isEnough = (kind: string): boolean =>
    kind in helpful ? trials.filter(isGood).length >= wanted.good : trials.filter((trial) => trial.kind === kind && isHarmful(trial)).length >= wanted.harmfulOfKind;
  const kinds = { ...harmful, ...helpful };
  const short = (): string[] => Object.keys(kinds).filter((kind) => !isEnough(kind));
  const campaign = (): Campaign => ({ campaign: "judge", about, command: "npx nightshift bench judge", of, before, trials, short: short() });
  const isDone = (world: string, kind: string, seed: number): boolean => trials.some((trial) => trial.world === world && trial.kind === kind && trial.seed === seed);
  for (const world of worlds) before[world.name] ??= await worthOf(world, bundle.weights);
  for (let seed = 1; seed <= mostSeeds && short().length > 0; seed++)
    for (const [kind, { make, strengths }] of Object.entries(kinds))
      for (const world of worlds) {
        if (isEnough(kind) || isDone(world.name, kind, seed)) continue;
        onProgress(`${trials.filter(isHarmful).length} harmful, ${trials.filter(isGood).length} good; ${world.name}: ${kind}, seed ${seed}`);
        // Of its own in each world, so that no two updates are one.
        const own = new Random(seed, world.name).below(2 ** 31);
        trials.push(...(await graded(world, await make(world, own), strengths, { world: world.name, kind, seed }, before[world.name])));
        await keepResults(file, written(campaign()));
      }
  return campaign();
}

const mostSeeds = 24;

/** Trials of one update at growing strengths. Weak ones that neither help nor harm are kept too: they count as neither, and are not made again. */
async function graded(world: World, update: Update, strengths: readonly number[], named: Pick<Trial, "world" | "kind" | "seed">, before: Worth): Promise<Trial[]> {
  const trials: Trial[] = [];
  for (const strength of strengths) {
    const weights = asStored(update(strength));
    const isFinite = [...weights.values()].every(({ data }) => data.every(Number.isFinite));
    const predictor = world.predictor(weights);
    try {
      const { hidden, hiddenBoxes } = await world.hiddenScore(predictor);
      const change = hidden - before.hidden;
      const graded = { ...named, strength, change: Number.isNaN(change) ? null : change, ...(hiddenBoxes !== null && { boxChange: hiddenBoxes - (before.hiddenBoxes ?? 0) }) };
      const after = (isHarmful(graded) || isGood(graded)) && isFinite ? await world.measure(predictor, true) : null;
      const accepted = after !== null && verdictOn(after, before).accepted;
      trials.push({ ...graded, after, endsOnProbation: accepted ? await endsOnProbation(world, weights) : null });
      if (!(named.kind in helpful) && (!(change > -grossHarm) || trials.filter(isHarmful).length >= mostGrades)) break;
    } finally {
      await predictor.close();
    }
  }
  return trials;
}

/** What the judge says to an update, as it is now. All are measured in one graph, which takes as long with any weights; and as they are stored. */
export const verdictOn = (after: ModelScore, { condition, measured }: Worth): Verdict =>
  judge({ before: { ...measured, latencyMs: 1 }, after: { ...after, latencyMs: 1 }, deployedDisagreement: 0 }, judgeBoundsFor(condition));

type Graded = Pick<Trial, "kind" | "change" | "boxChange">;

const harmsBoxes = ({ boxChange = 0 }: Graded): boolean => !(boxChange > -harmBoxPoints);

export const isHarmful = (trial: Graded): boolean => !(trial.kind in helpful) && (!(trial.change !== null && trial.change > -harmPoints) || harmsBoxes(trial));

export const isGood = (trial: Graded): boolean => trial.kind in helpful && trial.change !== null && trial.change >= helpPoints && !harmsBoxes(trial);

async function worthOf(world: World, weights: Weights): Promise<Worth> {
  const predictor = world.predictor(weights);
  try {
    return { condition: world.condition, measured: await world.measure(predictor, true), ...(await world.hiddenScore(predictor)) };
  } finally {
    await predictor.close();
  }
}

/** Whether the stream would go back by itself: the weights that serve on the frames before, the new ones on those after. */
async function endsOnProbation(world: World, weights: Weights): Promise<boolean> {
  const [old, fresh] = [world.predictor(world.bundle.weights), world.predictor(weights)];
  try {
    const usual = new LiveWindow(defaultProbationLimits.frames);
    for (const sample of await world.live(old)) usual.add(sample);
    const probation = new Probation(usual.means, defaultProbationLimits);
    return (await world.live(fresh)).some((sample) => probation.observe(sample)?.passed === false);
  } finally {
    await old.close();
    await fresh.close();
  }
}

/** A trial a line, numbers to three places: enough to judge by, and small enough to keep. */
function written({ trials, ...campaign }: Campaign): string {
  const plain = (value: unknown): string => JSON.stringify(value, (_, each: unknown) => (typeof each === "number" && Math.abs(each) >= 1e-3 ? Number(each.toFixed(3)) : each));
  return `${plain(campaign).slice(0, -1)},\n"trials":[\n${trials.map(plain).join(",\n")}\n]}\n`;
}
