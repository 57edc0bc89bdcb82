import type { Range } from "../sdk/graph/quantisation.js";
import { Histogram } from "./histogram.js";
import type { CalibrationFrame, Probe } from "./probe.js";

/** What a probe's tensors hold over frames, seen twice: once for the extents, once to count. */
export async function observe(probe: Probe, frames: readonly CalibrationFrame[], onFrame: () => void): Promise<Map<string, Histogram>> {
  const extents = new Map<string, Range>();
  for (const frame of frames) {
    for (const [name, values] of await probe.look(frame)) extents.set(name, widened(extents.get(name) ?? [0, 0], values));
    onFrame();
  }
  const histograms = new Map([...extents].map(([name, extent]) => [name, new Histogram(extent)]));
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
