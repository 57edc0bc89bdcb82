import { createHash } from "node:crypto";
import { posix } from "node:path";
import { z } from "zod";
import { NightshiftError, reasonOf } from "../errors.js";
import { issuesOf } from "../issues.js";
import { checkVocabulary, taskKinds } from "../network/contract.js";
import { reducedPrecisions } from "./quantisation.js";

export const manifestFile = "manifest.json";

/** The version that this code reads and writes. It changes when an older reader would misread a bundle. */
export const formatVersion = 1;

/** Of a manifest; of another file of a bundle; and how many there may be. The shipped bundles take 60 kB, 6 MB and 220. */
export const largestManifest = 16 * 2 ** 20;
const largestFile = 2 ** 30;
const mostFiles = 10_000;

/** Of a network: more than any that runs on a vehicle, and little enough that nothing overflows. */
const count = z.number().int().min(1).max(65_536);
const four = z.tuple([count, count, count, count]).readonly();
const side = count.multipleOf(32).max(8192);

const networkSchema = z.strictObject({
  width: side,
  height: side,
  stem: count,
  channels: four,
  depths: four,
  expansion: z.number().positive(),
  embedding: count,
  heads: count,
  decoderLayers: z.number().int().min(0),
  regions: count,
  textWidth: count.optional(),
  depth: z.boolean().optional(),
  tasks: z.array(z.enum(taskKinds)).min(1).max(taskKinds.length).refine((given) => new Set(given).size === given.length, "must differ").readonly().optional(),
  fusion: z.boolean().optional(),
});

const three = z.tuple([z.number(), z.number(), z.number()]).readonly();
const positive = z.number().positive();

/** A model that was made elsewhere; its graph is a file of the bundle. */
const importedSchema = z.strictObject({
  kind: z.literal("imported"),
  width: side,
  height: side,
  input: z.strictObject({
    name: z.string().min(1),
    layout: z.enum(["nchw", "nhwc"]),
    channels: z.enum(["rgb", "bgr"]),
    scale: positive,
    mean: three,
    std: z.tuple([positive, positive, positive]).readonly(),
    size: z.tuple([count, count]).readonly(),
  }),
  output: z.union([
    z.strictObject({ name: z.string().min(1), channels: z.array(z.number().int().min(0)).min(1).readonly(), none: z.number().int().min(0).optional() }),
    z.strictObject({ kind: z.literal("boxes"), logits: z.string().min(1), boxes: z.string().min(1) }),
  ]),
});

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in lower-case hexadecimal");

const fileSchema = z.strictObject({
  /** Relative to the bundle, with `/` between folders. */
  path: z.string().min(1).max(255).refine(staysInside, "must be a path inside the bundle"),
  bytes: z.number().int().min(0).max(largestFile),
  sha256,
});

/** SHA-256 of what a manifest states of its files: the same for two bundles with the same content, whenever they were made. */
export const contentOf = ({ files }: Pick<Manifest, "files">): string => createHash("sha256").update(JSON.stringify(files.map(({ path, sha256: hash }) => [path, hash]))).digest("hex");

/** What weights may be for; `unknown` where nobody could tell. */
export const conditions = ["clear", "dusk", "night", "fog", "unknown"] as const;

export type Condition = (typeof conditions)[number];

const descriptionSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "must be letters, digits, '.', '_' and '-'"),
  /** Counts the weights: 0 for a bundle as it was delivered, higher for what a vehicle learnt since. */
  generation: z.number().int().min(0),
  /** ISO 8601, UTC. */
  createdAt: z.iso.datetime(),
  /** The generation that these weights were learnt from; null where there was none. */
  parent: z.number().int().min(0).nullable(),
  network: z.union([networkSchema, importedSchema]),
  /** What the network computes in where it is deployed; float32 where it is left out. */
  precision: z.enum(reducedPrecisions).optional(),
  /** What is answered unless something else is asked for. */
  vocabulary: z.array(z.string()).readonly().superRefine((names, context) => {
    try {
      checkVocabulary(names);
    } catch (error) {
      context.addIssue({ code: "custom", message: reasonOf(error) });
    }
  }),
  /** What the weights were taught with, and what follows from that for their use. */
  training: z.strictObject({
    statement: z.string().min(1),
    data: z.array(z.strictObject({ name: z.string().min(1), terms: z.string().min(1) })).readonly(),
  }),
  /** The encoder that made the embeddings, and that new names must go through. */
  textEncoder: z.strictObject({ id: z.string().min(1), sha256 }),
  /** The conditions that these weights are for. */
  condition: z.enum(conditions),
  /** Scores as measured, by name, for example `miou day-test`. Shares in percent. */
  metrics: z.record(z.string(), z.number()),
});

const manifestSchema = descriptionSchema.extend({
  formatVersion: z.literal(formatVersion),
  /** Labelled rendered frames in the bundle, if any. */
  exemplars: z.strictObject({ names: z.array(z.string()), boxNames: z.array(z.string()), ids: z.array(z.string()) }).optional(),
  files: z.array(fileSchema).max(mostFiles),
});

/** What whoever writes a bundle says about it. */
export type Description = Readonly<z.infer<typeof descriptionSchema>>;

/** `manifest.json`: the description, and every file with its size and hash. */
export type Manifest = Readonly<z.infer<typeof manifestSchema>>;

/** What a manifest says of its bundle, without what writing the files adds: where another bundle's description begins. */
export function descriptionOf({ formatVersion: _, files: __, exemplars: ___, ...description }: Manifest): Description {
  return description;
}

export type ManifestFile = Readonly<z.infer<typeof fileSchema>>;

/** Reads a manifest. Throws `E_BUNDLE_FORMAT` where it is not JSON, not of this version, or says something impossible. */
export function parseManifest(text: string, path: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw malformed(path, reasonOf(cause), cause);
  }
  return checkManifest(json, path);
}

export const encodeManifest = (manifest: Manifest): Uint8Array => new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`);

/** Throws `E_BUNDLE_FORMAT` unless `value` is a manifest. `path` names it in the error. */
export function checkManifest(value: unknown, path: string): Manifest {
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) throw malformed(path, z.prettifyError({ issues: issuesOf(parsed.error) }).replaceAll(/\s+/g, " "), parsed.error);
  const paths = parsed.data.files.map((file) => file.path);
  const twice = paths.find((name, at) => paths.indexOf(name) !== at);
  if (twice !== undefined) throw malformed(path, `the file ${twice} twice`, undefined);
  return parsed.data;
}

/** Whether a manifest's path names a file inside the bundle on every system. */
function staysInside(path: string): boolean {
  const isPlain = !path.includes("\\") && !path.includes("\0") && !path.includes(":");
  return isPlain && !posix.isAbsolute(path) && posix.normalize(path) === path && path.split("/").every((part) => part !== ".." && part !== ".");
}

const malformed = (path: string, received: string, cause: unknown): NightshiftError =>
  new NightshiftError("E_BUNDLE_FORMAT", {
    expected: `a manifest of format version ${formatVersion} in ${path}`,
    received,
    remedy: "Fetch or write the bundle again.",
    cause,
  });
