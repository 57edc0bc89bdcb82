import type { Int8Quantisation } from "../sdk/bundle/index.js";
import { NightshiftError } from "../sdk/errors.js";
import { quantised, type QuantisedForm, quantisedTensors, type Range } from "../sdk/graph/quantisation.js";
import type { Candidate } from "./candidate.js";
import { type Conversion, tensorsIn } from "./conversion.js";
import type { Divergence } from "./heads.js";
import type { Histogram } from "./histogram.js";
import { convolutionsOf } from "./layers.js";
import { observe } from "./observe.js";
import type { CalibrationFrame } from "./probe.js";
import { type RangeMethod, rangeMethods } from "./ranges.js";
import { type Choice, chooseLayers, sensitivities } from "./sensitivity.js";

export interface Int8Choice extends Choice {
  readonly plan: Pick<Int8Quantisation, "precision" | "form" | "layers" | "ranges">;
  /** By method, with all layers in int8, on the frames that were compared. */
  readonly methods: Readonly<Record<RangeMethod, Divergence>>;
}

const tolerated = { pixels: 1, boxScore: 0.01, depth: 2 };

/** Chooses ranges, and which convolutions compute in int8. Throws `E_CALIBRATION` where there are none that could. */
export async function chooseInt8(candidate: Candidate, frames: readonly CalibrationFrame[], method: RangeMethod, form: QuantisedForm, onProgress: (line: string) => void): Promise<Int8Choice> {
  const layers = convolutionsOf(candidate);
  if (layers.length === 0)
    throw new NightshiftError("E_CALIBRATION", { expected: "convolutions with constant weights, which can compute in int8", received: "none", remedy: "This network gains nothing from int8; serve it in float." });
  const all = tensorsIn(layers);
  let looks = 0;
  const tensors = quantisedTensors(candidate.graph, all).map(({ name }) => name);
  const histograms = await candidate.probed(tensors, (probe) => observe(probe, frames, () => onProgress(`observing: ${++looks} of ${2 * frames.length} looks at frames`)));
  onProgress("comparing methods");
  const methods = await compareMethods(candidate, all, histograms, form);
  const ranges = rangesBy(histograms, method, form);
  const conversion: Conversion = { layers, tolerated, apply: (chosen) => quantised(candidate.graph, { layers: chosen, ranges }, form) };
  const measured = await sensitivities(candidate, conversion, (done, total) => onProgress(`one in int8 at a time: ${done} of ${total} layers`));
  const choice = await chooseLayers(candidate, conversion, measured);
  return { ...choice, plan: { precision: "int8", form, layers: choice.tensors, ranges }, methods };
}

const rangesBy = (histograms: ReadonlyMap<string, Histogram>, method: RangeMethod, form: QuantisedForm): ReadonlyMap<string, Range> =>
  new Map([...histograms].map(([name, histogram]) => [name, rangeMethods[method](histogram, form)]));

async function compareMethods(candidate: Candidate, layers: ReadonlySet<string>, histograms: ReadonlyMap<string, Histogram>, form: QuantisedForm): Promise<Record<RangeMethod, Divergence>> {
  const by = (method: RangeMethod): Promise<Divergence> => candidate.divergence(quantised(candidate.graph, { layers, ranges: rangesBy(histograms, method, form) }, form));
  return { "min-max": await by("min-max"), percentile: await by("percentile"), entropy: await by("entropy"), mse: await by("mse") };
}
