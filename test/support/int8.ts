import { Candidate } from "../../calibration/candidate.js";
import type { CalibrationFrame } from "../../calibration/probe.js";
import { rangeMethods } from "../../calibration/ranges.js";
import type { Quantisation, Vocabulary } from "../../sdk/bundle/index.js";
import type { Deployable } from "../../sdk/engine/deployed.js";
import type { QuantisedForm } from "../../sdk/graph/quantisation.js";

/** All layers in int8, within what frames of the network's size hold. */
export async function quantisationOf(deployable: Deployable, vocabulary: Vocabulary, frames: readonly CalibrationFrame[], form: QuantisedForm = "asymmetric"): Promise<Quantisation> {
  const candidate = await Candidate.of(deployable, vocabulary, frames.slice(0, 1), 1);
  const histograms = await candidate.observe(frames, () => undefined);
  const ranges = new Map([...histograms].map(([name, histogram]) => [name, rangeMethods["min-max"](histogram, form)]));
  return { layers: candidate.all(), ranges, form, calibration: { method: "min-max", frames: frames.length, dataset: "test" } };
}
