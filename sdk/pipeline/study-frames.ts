import { join } from "node:path";
import { z } from "zod";
import { openDataset } from "../../adapters/datasets/open.js";
import { shrink } from "../adaptation/shrink.js";
import { NightshiftError } from "../errors.js";
import { Random } from "../random.js";
import { recolour, unitGrain } from "../training/batch/colour.js";
import type { Dataset, Sample } from "../training/dataset.js";

const share = z.number().min(0).max(1);

/** A change of light, as training's `Colour`: what darkens a labelled day, so that settings can be chosen without labels of a real dusk. */
const lightSchema = z.strictObject({
  gain: z.tuple([z.number(), z.number(), z.number()]),
  gamma: z.number().positive(),
  brightness: z.number().positive(),
  contrast: z.number().positive(),
  saturation: z.number().min(0),
  noise: z.number().min(0),
});

/** Frames of a folder, or a part of it by its order ([0, 0.5] is the first half), perhaps with some of its boxes alone, by name, or in another light; or a rendered drive. */
export const framesSchema = z.union([
  z.strictObject({ folder: z.string().min(1), part: z.tuple([share, share]).optional(), boxes: z.array(z.string()).min(1).optional(), light: lightSchema.optional() }),
  z.strictObject({ drive: z.strictObject({ seed: z.number().int(), length: z.number().int().positive(), condition: z.enum(["day", "dusk", "night", "fog"]) }) }),
]);

export type Frames = z.infer<typeof framesSchema>;

/** `data` is where folders start from. Throws as datasets do. */
export async function openFrames(frames: Frames, data: string): Promise<Dataset> {
  if ("drive" in frames) return openDataset({ kind: "drive", ...frames.drive });
  const whole = await openDataset({ kind: "folder", path: join(data, frames.folder) });
  const [from, to] = (frames.part ?? [0, 1]).map((place) => Math.round(place * whole.length));
  const part: Dataset = { ...whole, length: to - from, sample: (index) => whole.sample(from + index) };
  const chosen = frames.boxes ? withBoxes(part, frames.boxes) : part;
  return frames.light ? inLight(chosen, frames.light) : chosen;
}

/** Several sets, by what they are called. Throws as datasets do. */
export async function openSets(sets: Readonly<Record<string, Frames>>, data: string): Promise<ReadonlyMap<string, Dataset>> {
  const opened = new Map<string, Dataset>();
  for (const [name, frames] of Object.entries(sets)) opened.set(name, await openFrames(frames, data));
  return opened;
}

/** The same frames with boxes of these names alone. Throws `E_CONFIG` for one that the dataset does not have. */
function withBoxes(dataset: Dataset, names: readonly string[]): Dataset {
  const stranger = names.find((name) => !dataset.boxNames.includes(name));
  if (stranger !== undefined)
    throw new NightshiftError("E_CONFIG", { expected: `names of boxes in ${dataset.name}: ${dataset.boxNames.join(", ")}`, received: JSON.stringify(stranger), remedy: "Correct it in the study." });
  return {
    ...dataset,
    boxNames: names,
    sample: async (index) => {
      const { boxes, ...sample } = await dataset.sample(index);
      return { ...sample, ...(boxes && { boxes: boxes.filter(({ label }) => names.includes(label)) }) };
    },
  };
}

/** The same frames in another light, each always with the same noise. */
function inLight(dataset: Dataset, light: z.infer<typeof lightSchema>): Dataset {
  const grain = unitGrain(new Random("light"));
  return {
    ...dataset,
    sample: async (index) => {
      const sample = await dataset.sample(index);
      const rgb = Uint8ClampedArray.from(sample.rgb);
      recolour(rgb, { ...light, hueTurns: 0 }, grain, new Random("light", index));
      return { ...sample, rgb: new Uint8Array(rgb.buffer) };
    },
  };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Every frame, at the network's size. */
export async function pictures(dataset: Dataset, size: Size): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for (let index = 0; index < dataset.length; index++) all.push(picture(await dataset.sample(index), size));
  return all;
}

/** `[height, width, 3]` of a frame, at the network's size. */
export const picture = ({ width, height, rgb }: Sample, size: Size): Uint8Array => shrink({ camera: "study", sequence: 0, captureTimeNs: 0n, width, height, rgb }, size);
