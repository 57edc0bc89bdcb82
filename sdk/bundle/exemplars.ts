import sharp from "sharp";
import { z } from "zod";
import { NightshiftError, reasonOf } from "../errors.js";
import { type Box, mostPixels } from "../frame.js";
import type { Sample } from "../training/dataset.js";
import type { Manifest } from "./manifest.js";

/** A labelled frame that travels with a bundle. */
export type Exemplar = Sample;

/** Labelled frames that travel with a bundle, so that learning new weather does not unlearn the old; and the words for their labels. */
export interface ExemplarSet {
  /** What the values of masks mean. */
  readonly names: readonly string[];
  /** The names that boxes carry. */
  readonly boxNames: readonly string[];
  /** Their ids are letters, digits, `-` and `_`; files are named after them. */
  readonly samples: readonly Sample[];
}

/** Exemplars as files, which pass from one generation to the next unchanged: pictures lose a little when they are encoded. */
export interface EncodedExemplars extends Omit<ExemplarSet, "samples"> {
  readonly ids: readonly string[];
  /** By their path in the bundle. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

const folder = "exemplars";
/** WebP's scale to 100. A 512 x 288 frame takes some 45 kB, a quarter of what it takes without loss. */
const pictureQuality = 92;
const imagePath = (id: string): string => `${folder}/${id}.webp`;
const maskPath = (id: string): string => `${folder}/${id}.mask.png`;
const boxesPath = (id: string): string => `${folder}/${id}.boxes.json`;

/** Whether a file of a bundle belongs to its exemplars. */
export const isExemplarFile = (path: string): boolean => path.startsWith(`${folder}/`);

const boxesSchema = z.array(z.strictObject({ x1: z.number(), y1: z.number(), x2: z.number(), y2: z.number(), label: z.string().min(1) }));

/** Makes the files of exemplars; masks keep every label. Throws `E_BUNDLE_FORMAT` for an identifier that cannot name a file. */
export async function encodeExemplars({ names, boxNames, samples }: ExemplarSet): Promise<EncodedExemplars> {
  const files = new Map<string, Uint8Array>();
  for (const { id, width, height, rgb, mask, boxes } of samples) {
    if (!/^[A-Za-z0-9_-]+$/.test(id) || files.has(imagePath(id)))
      throw malformed("identifiers of letters, digits, '-' and '_' that differ", JSON.stringify(id), "Rename the exemplar.");
    files.set(imagePath(id), await sharp(rgb, { raw: { width, height, channels: 3 } }).webp({ quality: pictureQuality, smartSubsample: true }).toBuffer());
    if (mask) files.set(maskPath(id), await maskPng(mask, width, height));
    if (boxes) files.set(boxesPath(id), new TextEncoder().encode(JSON.stringify(boxes.map(({ x1, y1, x2, y2, label }) => ({ x1, y1, x2, y2, label })))));
  }
  return { names, boxNames, ids: samples.map(({ id }) => id), files };
}

/** Reads the exemplars that a manifest lists. `read` answers with the verified bytes of a file, undefined where the manifest has no such file. */
export async function decodeExemplars(manifest: Manifest, read: (path: string) => Promise<Uint8Array | undefined>): Promise<Sample[]> {
  const exemplars: Sample[] = [];
  for (const id of manifest.exemplars?.ids ?? []) {
    const [image, maskBytes, boxBytes] = await Promise.all([read(imagePath(id)), read(maskPath(id)), read(boxesPath(id))]);
    if (!image) throw malformed(`${imagePath(id)} in the manifest`, "none");
    const { width, height, data: rgb } = await readPixels(imagePath(id), image, 3);
    const mask = maskBytes && (await readPixels(maskPath(id), maskBytes, 1));
    if (mask && (mask.width !== width || mask.height !== height)) throw malformed(`a mask of ${width} x ${height} pixels in ${maskPath(id)}`, `${mask.width} x ${mask.height}`);
    exemplars.push({ id, width, height, rgb, ...(mask && { mask: mask.data }), ...(boxBytes && { boxes: readBoxes(boxesPath(id), boxBytes) }) });
  }
  return exemplars;
}

const maskPng = (mask: Uint8Array, width: number, height: number): Promise<Uint8Array> =>
  sharp(mask, { raw: { width, height, channels: 1 } })
    .toColourspace("b-w")
    .png({ compressionLevel: 9 })
    .toBuffer();

async function readPixels(path: string, bytes: Uint8Array, channels: 1 | 3): Promise<{ width: number; height: number; data: Uint8Array }> {
  try {
    const image = sharp(bytes, { failOn: "error", limitInputPixels: mostPixels }).toColourspace(channels === 1 ? "b-w" : "srgb");
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
    if (info.channels !== channels) throw new Error(`${info.channels} channels where ${channels} were expected`);
    return { width: info.width, height: info.height, data: new Uint8Array(data) };
  } catch (cause) {
    throw malformed(`a readable image in ${path}`, reasonOf(cause), undefined, cause);
  }
}

function readBoxes(path: string, bytes: Uint8Array): Box[] {
  try {
    return boxesSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw malformed(`a list of boxes in ${path}`, reasonOf(cause), undefined, cause);
  }
}

const malformed = (expected: string, received: string, remedy = "Fetch or write the bundle again.", cause?: unknown): NightshiftError =>
  new NightshiftError("E_BUNDLE_FORMAT", { expected, received, remedy, cause });
