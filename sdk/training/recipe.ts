import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { taskKinds } from "../network/contract.js";
import { packageRoot } from "../paths.js";
import { readYaml } from "../yaml.js";

const shared = {
  share: z.number().positive(),
  /** How likely a sample is given what is rare in another one of its source (`batch/paste.ts`). */
  paste: z.number().min(0).max(1).default(0),
  /** How likely a sample is seen through fog (`batch/haze.ts`). */
  haze: z.number().min(0).max(1).optional(),
  /** How likely one without fog is seen after sunset (`batch/darkness.ts`). */
  darkness: z.number().min(0).max(1).optional(),
  terms: z.string().min(1),
};

const drive = z.strictObject({ seed: z.number().int(), length: z.number().int().positive(), condition: z.enum(["day", "dusk", "night", "fog"]) });

const sourceSchema = z.union([
  z.strictObject({
    folder: z.string().min(1),
    boxesFrom: z.array(z.string()).optional(),
    /** For a class, the words that its pixels may bear, any of them (`inFinerWords`). */
    finer: z.record(z.string(), z.array(z.string().min(1)).min(1)).optional(),
    /** Names that stand beside those of its masks, though no pixel bears them: each that is called so is a mistake (`askedBeside`). */
    also: z.array(z.string().min(1)).min(1).optional(),
    ...shared,
  }),
  z.strictObject({ drive, ...shared }),
]);

/** `vectors`, drawn at random, before each text, which learn: a step after `every` steps of the network. Or the `words` of an ordinary prompt ("a photo of a"), which learn where `every` and `rate` are given. */
const promptsSchema = z.union([
  z.strictObject({ vectors: z.number().int().min(1).max(32), every: z.number().int().positive(), rate: z.number().positive() }),
  z.strictObject({ words: z.string().min(1), every: z.number().int().positive(), rate: z.number().positive() }),
  z.strictObject({ words: z.string().min(1) }),
]);

const recipeSchema = z.strictObject({
  name: z.string(),
  /** Masks and boxes, from the first weight on. */
  task: z.literal("perception").optional(),
  /** A shipped bundle's name, or a folder, whose network is taught further; random weights where it is left out. */
  start: z.string().min(1).optional(),
  seed: z.number().int(),
  /** Steps of the whole schedule; the learning rate falls to zero over them, or over `--minutes` if that ends sooner. */
  steps: z.number().int().positive(),
  /** Images a step. */
  batch: z.number().int().positive(),
  rates: z.strictObject({ encoder: z.number().positive(), decoder: z.number().positive(), decay: z.number().min(0) }),
  /** Prompts for the text encoder (eq. 2), learnt or ordinary. Without it texts are encoded bare. */
  prompts: promptsSchema.optional(),
  /** A folder with a CLIP text tower, whose embeddings names have then; the bundled text encoder's without it. */
  textEncoder: z.string().min(1).optional(),
  vocabulary: z.array(z.string()).min(1),
  /** What the network answers; both where it is left out. */
  tasks: z.array(z.enum(taskKinds)).min(1).max(taskKinds.length).optional(),
  /** False: names do not look at the image before they become queries. */
  fusion: z.boolean().optional(),
  /** How much the losses of boxes count beside those of masks in L^S; 1 where it is left out. */
  detectionWeight: z.number().positive().optional(),
  /** Names that are not taught, however sources label them. */
  heldOut: z.array(z.string().min(1)).min(1).optional(),
  sources: z.array(sourceSchema).min(1),
  /** A labelled folder that the finished bundle is scored on; it teaches nothing. */
  validation: z.string().optional(),
});

/** What a study may change in a recipe. */
export const recipeChanges = recipeSchema.pick({ prompts: true, tasks: true, fusion: true, detectionWeight: true, heldOut: true, sources: true }).partial();

/** Teaches a bundle that is there already to tell depth besides. */
const depthSchema = z.strictObject({
  name: z.string(),
  task: z.literal("depth"),
  /** A shipped bundle's name, or a folder. */
  start: z.string().min(1),
  seed: z.number().int(),
  steps: z.number().int().positive(),
  batch: z.number().int().positive(),
  /** AdamW's, before the schedule's factor. */
  rate: z.number().positive(),
  sources: z.array(z.strictObject({ drive, ...shared })).min(1),
  /** Rendered frames that the finished bundle is scored on; they teach nothing. */
  validation: z.strictObject({ drive }).optional(),
});

/** What is learnt from, and how. */
export type Recipe = z.infer<typeof recipeSchema>;
export type DepthRecipe = z.infer<typeof depthSchema>;
export type RecipeSource = Recipe["sources"][number];

/** By their task, so that mistakes are told of the kind that is meant. */
const anyRecipe = z.discriminatedUnion("task", [recipeSchema, depthSchema]);

/** Reads `calibration/recipes/NAME.yaml`, or any file. Throws `E_CONFIG`. */
export async function readRecipe(nameOrFile: string): Promise<Recipe | DepthRecipe> {
  const shipped = join(packageRoot(), "calibration", "recipes", `${nameOrFile}.yaml`);
  const path = existsSync(shipped) ? shipped : nameOrFile;
  return readYaml({ path, schema: anyRecipe, expected: "a recipe as those in calibration/recipes", remedy: "Name one of the shipped recipes, or mend the file." });
}
