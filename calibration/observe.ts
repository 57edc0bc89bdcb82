import type { Range } from "../sdk/graph/quantisation.js";
import { Histogram } from "./histogram.js";
import type { CalibrationFrame, Probe } from "./probe.js";

/** The least and the greatest number of a probe's tensors over frames; 0 lies between. */
export async function extents(probe: Probe, frames: readonly CalibrationFrame[], onFrame: () => void): Promise<Map<string, Range>> {
  const found = new Map<string, Range>();
  for (const frame of frames) {
    for (const [name, values] of await probe.look(frame)) found.set(name, widened(found.get(name) ?? [0, 0], values));
    onFrame();
  }
  return found;
}

/** What a probe's tensors hold over frames, seen twice: once for the extents, once to count. */
export async function observe(probe: Probe, frames: readonly CalibrationFrame[], onFrame: () => void): Promise<Map<string, Histogram>> {
  const histograms = new Map([...(await extents(probe, frames, onFrame))].map(([name, extent]) => [name, new Histogram(extent)]));
  for (const frame of frames) {
    for (const [name, values] of await probe.look(frame)) histograms.get(name)?.add(values);
    onFrame();
  }
  return histograms;
}

function widened([low, high]: Range, values: Float32Array): Range {
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
