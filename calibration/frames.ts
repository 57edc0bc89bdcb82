import { shrink } from "../sdk/adaptation/shrink.js";
import { NightshiftError } from "../sdk/errors.js";
import type { Dataset } from "../sdk/training/dataset.js";
import type { CalibrationFrame } from "./probe.js";

/** Ranges settle on few frames; more only take longer. */
const mostObserved = 32;

/** Frames on which layers are compared one by one. */
const mostCompared = 8;

const leastFrames = 8;

/** A dataset's frames for two purposes that must not mix. */
export interface Split {
  /** Indices whose frames ranges are chosen on. */
  readonly observed: readonly number[];
  /** Indices whose frames layers are compared on. */
  readonly compared: readonly number[];
  /** The labelled frames that nothing is chosen on. */
  readonly heldOut: Dataset;
}

/**
 * The first half to choose on, 40 frames of it at most, evenly over it, and the second to judge by: halves, not turns, as frames that follow each other in a drive show the same.
 * Throws `E_DATASET` for too few frames.
 */
export function split(dataset: Dataset): Split {
  const { length } = dataset;
  if (length < leastFrames)
    throw new NightshiftError("E_DATASET", { expected: `at least ${leastFrames} frames in ${dataset.name}`, received: String(length), remedy: "Give more frames, of what the cameras will see." });
  const half = Math.ceil(length / 2);
  const count = Math.min(half, mostObserved + mostCompared);
  // Over all of the half, as a drive shows something else further on.
  const chosen = Array.from({ length: count }, (_, at) => Math.floor((at * half) / count));
  const isCompared = (at: number): boolean => at % 5 === 2;
  return {
    observed: chosen.filter((_, at) => !isCompared(at)),
    compared: chosen.filter((_, at) => isCompared(at)),
    heldOut: { ...dataset, length: length - half, sample: (index) => dataset.sample(half + index) },
  };
}

/** Frames at the network's input size, as its graph would see them. */
export async function framesOf(dataset: Dataset, indices: readonly number[], size: { readonly width: number; readonly height: number }): Promise<CalibrationFrame[]> {
  const frames: CalibrationFrame[] = [];
  for (const index of indices) {
    const { width, height, rgb } = await dataset.sample(index);
    frames.push({ width: size.width, height: size.height, rgb: shrink({ camera: dataset.name, sequence: index, captureTimeNs: 0n, width, height, rgb }, size) });
  }
  return frames;
}
