import { readdir } from "node:fs/promises";
import { basename, join, parse } from "node:path";
import { NightshiftError, reasonOf } from "../../sdk/errors.js";
import { imagesAmong } from "../cameras/folder.js";
import type { Dataset, Sample } from "../../sdk/training/dataset.js";
import { readImage, readMask } from "./image-file.js";
import { readNames, type DatasetNames } from "./names.js";
import { readAnnotation } from "./voc.js";

/**
 * Opens a folder of frames as a dataset, in the order of their names (`frame9` before `frame10`):
 *
 *     images/NAME.jpg      or .png, .webp, .tif
 *     labels/NAME.png      one byte a pixel, the class id; where classes.json lists `classes`
 *     boxes/NAME.xml       PASCAL VOC, pixels; where classes.json lists `boxes`
 *     classes.json         {"classes": {"0": "sky"}, "ignore": [11], "boxes": ["car"]}
 *
 * A folder that holds image files and no `images` is a dataset without labels.
 * Throws `E_DATASET` where a part is missing or malformed; a sample throws `E_IMAGE` where a file cannot be decoded.
 */
export async function folderDataset(path: string): Promise<Dataset> {
  const entries = await list(path);
  if (!entries.includes("images")) return bareFolder(path, entries);
  const labels = await readNames(path);
  const images = imagesAmong(await list(join(path, "images")));
  if (images.length === 0) throw missing(`image files in ${join(path, "images")}`, "none");
  if (labels.names.length > 0) await requireOneEach(join(path, "labels"), ".png", images);
  if (labels.boxNames.length > 0) await requireOneEach(join(path, "boxes"), ".xml", images);
  return {
    name: basename(path),
    names: labels.names,
    boxNames: labels.boxNames,
    length: images.length,
    sample: async (index) => readSample(path, labels, at(images, index, path)),
  };
}

/** Throws `E_DATASET_UNLABELLED` unless the dataset has labels of the kind that is asked for. */
export function requireLabels(dataset: Dataset, kind: "mask" | "boxes" | "any" = "any"): void {
  const hasMask = dataset.names.length > 0;
  const hasBoxes = dataset.boxNames.length > 0;
  if (kind === "mask" ? hasMask : kind === "boxes" ? hasBoxes : hasMask || hasBoxes) return;
  throw new NightshiftError("E_DATASET_UNLABELLED", {
    expected: `${kind === "any" ? "masks or boxes" : kind === "mask" ? "masks" : "boxes"} in the dataset ${dataset.name}`,
    received: hasMask ? "masks only" : hasBoxes ? "boxes only" : "frames without labels",
    remedy: "Add labels/*.png or boxes/*.xml and name their classes in classes.json, or choose a labelled dataset.",
  });
}

function bareFolder(path: string, entries: readonly string[]): Dataset {
  const images = imagesAmong(entries);
  if (images.length === 0) throw missing(`images/ or image files in ${path}`, "neither");
  return {
    name: basename(path),
    names: [],
    boxNames: [],
    length: images.length,
    sample: async (index) => {
      const file = at(images, index, path);
      const { width, height, data } = await readImage(join(path, file));
      return { id: parse(file).name, width, height, rgb: data };
    },
  };
}

async function readSample(path: string, labels: DatasetNames, file: string): Promise<Sample> {
  const id = parse(file).name;
  const hasMask = labels.names.length > 0;
  const hasBoxes = labels.boxNames.length > 0;
  const [maskPath, boxesPath] = [join(path, "labels", `${id}.png`), join(path, "boxes", `${id}.xml`)];
  const [image, mask, annotation] = await Promise.all([
    readImage(join(path, "images", file)),
    hasMask ? readMask(maskPath) : undefined,
    hasBoxes ? readAnnotation(boxesPath, labels.boxNames) : undefined,
  ]);
  const { width, height } = image;
  for (const [file, label] of [[maskPath, mask], [boxesPath, annotation]] as const) {
    const { width: across = width, height: down = height } = label ?? {};
    if (across !== width || down !== height) throw missing(`${width} x ${height} pixels in ${file}, as in its image`, `${across} x ${down}`);
  }
  return {
    id,
    width,
    height,
    rgb: image.data,
    ...(mask && { mask: translate(mask.data, labels.indexOfId) }),
    ...(annotation && { boxes: annotation.boxes }),
  };
}

/** In place: ids become indices. */
function translate(mask: Uint8Array, indexOfId: Uint8Array): Uint8Array {
  for (let pixel = 0; pixel < mask.length; pixel++) mask[pixel] = indexOfId[mask[pixel]]!;
  return mask;
}

async function requireOneEach(folder: string, suffix: string, images: readonly string[]): Promise<void> {
  const present = new Set(await list(folder));
  const absent = images.map((file) => parse(file).name + suffix).filter((file) => !present.has(file));
  if (absent.length > 0) throw missing(`a label for each image in ${folder}`, `${absent.length} missing, ${absent[0]} the first`);
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    throw missing(`a folder ${folder}`, reasonOf(cause), cause);
  }
}

function at(images: readonly string[], index: number, path: string): string {
  const file = images[index];
  if (file === undefined) throw missing(`an index from 0 to ${images.length - 1} into ${path}`, String(index));
  return file;
}

function missing(expected: string, received: string, cause?: unknown): NightshiftError {
  return new NightshiftError("E_DATASET", {
    expected,
    received,
    remedy: "Bring it into this form: images/NAME.jpg; labels/NAME.png, one byte a pixel, the class id, or boxes/NAME.xml, PASCAL VOC; classes.json. Links to files will do.",
    cause,
  });
}
