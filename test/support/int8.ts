import { Candidate } from "../../calibration/candidate.js";
import { tensorsIn } from "../../calibration/conversion.js";
import { convolutionsOf } from "../../calibration/layers.js";
import { observe } from "../../calibration/observe.js";
import type { CalibrationFrame } from "../../calibration/probe.js";
import { rangeMethods } from "../../calibration/ranges.js";
import type { Int8Quantisation, Vocabulary } from "../../sdk/bundle/index.js";
import type { Deployable } from "../../sdk/engine/deployed.js";
import { type QuantisedForm, quantisedTensors } from "../../sdk/graph/quantisation.js";

/** All layers in int8, within what frames of the network's size hold. */
export async function quantisationOf(deployable: Deployable, vocabulary: Vocabulary, frames: readonly CalibrationFrame[], form: QuantisedForm = "asymmetric"): Promise<Int8Quantisation> {
  const candidate = await Candidate.of(deployable, vocabulary, frames.slice(0, 1), 1);
  const layers = tensorsIn(convolutionsOf(candidate));
  const tensors = quantisedTensors(candidate.graph, layers).map(({ name }) => name);
  const histograms = await candidate.probed(tensors, (probe) => observe(probe, frames, () => undefined));
  const ranges = new Map([...histograms].map(([name, histogram]) => [name, rangeMethods["min-max"](histogram, form)]));
  return { precision: "int8", layers, ranges, form, calibration: { method: "min-max", frames: frames.length, dataset: "test" } };
}
