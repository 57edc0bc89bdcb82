import { driveBoxNames, driveNames } from "../cameras/drive/classes.js";
import type { Condition } from "../cameras/drive/condition.js";
import { Drive } from "../cameras/drive/drive.js";
import { makeMaterials, type Materials } from "../cameras/drive/materials.js";
import { hash } from "../cameras/drive/prng.js";
import { NightshiftError } from "../../sdk/errors.js";
import type { Dataset, Sample } from "../../sdk/training/dataset.js";

export interface DriveDatasetOptions {
  /** Whole number. */
  readonly seed: number;
  /** Frames. */
  readonly length: number;
  readonly condition: Condition;
  /** Pixels; 640 by default. */
  readonly width?: number;
  /** Pixels; 360 by default. */
  readonly height?: number;
  /** Frames between two samples of one street, where a street is used more than once; 40 by default. */
  readonly stride?: number;
  /** Whether samples say how far everything is. */
  readonly depth?: boolean;
}

/** So many samples show one street, far apart: its textures are painted once. */
const samplesPerStreet = 4;

/**
 * Labelled frames of rendered drives: masks over `driveNames`, boxes over `driveBoxNames`. Sample `index` depends on the seed, the
 * condition, the size, the stride and the index only; neighbours in one street share nothing but its colours.
 * Throws `E_CONFIG` where a size or condition is not valid.
 */
export function driveDataset(options: DriveDatasetOptions): Dataset {
  const { seed, length, condition, stride = 40, depth: withDepth = false } = options;
  const size = { ...(options.width !== undefined && { width: options.width }), ...(options.height !== undefined && { height: options.height }) };
  if (!Number.isInteger(length) || length < 0)
    throw new NightshiftError("E_CONFIG", { expected: "a whole number of samples", received: String(length), remedy: "Correct the length of the drive dataset." });
  let street = -1;
  let drive: Drive | undefined;
  let materials: Materials | undefined;
  let materialSeed = -1;
  const open = (wanted: number): Drive => {
    if (drive && street === wanted) return drive;
    const seedOfMaterials = hash(seed, 0x3a7, wanted >> 2);
    if (!materials || seedOfMaterials !== materialSeed) materials = makeMaterials(seedOfMaterials);
    materialSeed = seedOfMaterials;
    street = wanted;
    drive = new Drive({ seed: hash(seed, 0xd5, wanted), condition, ...size }, materials);
    return drive;
  };
  // Checks the options before the first sample is asked for.
  open(0);
  return {
    name: `drive/${condition}`,
    names: driveNames,
    boxNames: driveBoxNames,
    length,
    sample(index: number): Promise<Sample> {
      if (!Number.isInteger(index) || index < 0 || index >= length)
        return Promise.reject(new NightshiftError("E_DATASET", { expected: `an index from 0 to ${length - 1}`, received: String(index), remedy: "Ask for a sample that is there." }));
      const { width, height, rgb, mask, boxes, depth } = open(Math.floor(index / samplesPerStreet)).render((index % samplesPerStreet) * stride);
      return Promise.resolve({ id: `${condition}-${seed}-${index}`, width, height, rgb, mask, boxes, ...(withDepth && { depth }) });
    },
  };
}
