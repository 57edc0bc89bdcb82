import { type Bundle, type Quantisation, readBundle, vocabularyOf, writeBundle } from "../sdk/bundle/index.js";
import { deployedModel } from "../sdk/engine/deployed.js";
import { makeGolden } from "../sdk/engine/golden.js";
import { NightshiftError } from "../sdk/errors.js";
import type { QuantisedForm, Range } from "../sdk/graph/quantisation.js";
import { isImported } from "../sdk/network/architecture.js";
import { paddedVocabularySize } from "../sdk/network/contract.js";
import type { Dataset } from "../sdk/training/dataset.js";
import { Candidate } from "./candidate.js";
import { framesOf, split } from "./frames.js";
import type { Divergence } from "./heads.js";
import type { Histogram } from "./histogram.js";
import { type RangeMethod, rangeMethods } from "./ranges.js";
import { type Score, scoreBoth, type Scores } from "./scores.js";
import { chooseLayers, sensitivities, type Sensitivity } from "./sensitivity.js";

export interface CalibrateOptions {
  /** Folder of a bundle in float. */
  readonly bundle: string;
  /** Labelled frames: the first half to choose on, the second to judge by. */
  readonly frames: Dataset;
  /** Labelled boxes to judge by where `frames` has none. */
  readonly boxes: Dataset;
  /** Where the bundle in int8 goes; nothing is there yet. */
  readonly out: string;
  readonly method: RangeMethod;
  readonly form: QuantisedForm;
  /** Points of mIoU and of AP50 that int8 may lose. */
  readonly allowedLoss: number;
  readonly threads: number;
  readonly onProgress: (line: string) => void;
}

/** A layer, what it costs where it alone is int8, and whether it stays in float. */
export interface LayerReport extends Divergence {
  readonly layer: string;
  /** Its share of the multiplications, percent. */
  readonly work: number;
  readonly float: boolean;
}

export interface Calibrated {
  readonly bundle: string;
  readonly form: QuantisedForm;
  readonly method: RangeMethod;
  readonly frames: { readonly dataset: string; readonly observed: number; readonly compared: number; readonly heldOut: number };
  /** By method, with all layers in int8, on the frames that were compared. */
  readonly methods: Readonly<Record<RangeMethod, Divergence>>;
  /** Of what was chosen, from float, on the same frames. */
  readonly heads: Divergence;
  /** The worst first. */
  readonly layers: readonly LayerReport[];
  /** On frames that nothing was chosen on. */
  readonly scores: Scores;
  /** On disk, and of the deployed graph. */
  readonly bytes: { readonly bundle: Before; readonly model: Before };
  readonly seconds: number;
}

interface Before {
  readonly float: number;
  readonly int8: number;
}

/**
 * Post-training quantisation. Observes activations, chooses ranges and which layers stay in float, compares with float on frames that nothing was chosen on, and
 * writes the bundle in int8. Throws `E_CALIBRATION` where it loses more than is allowed, and then nothing is written; `E_DATASET` for too few frames,
 * `E_DATASET_UNLABELLED`, `E_CONFIG` for a bundle that is in int8 already, and as bundles do.
 */
export async function calibrate(options: CalibrateOptions): Promise<Calibrated> {
  const start = performance.now();
  const { method, form, threads, onProgress } = options;
  const bundle = await readBundle(options.bundle);
  if (bundle.quantisation)
    throw new NightshiftError("E_CONFIG", { expected: "a bundle in float", received: `${options.bundle}, which is in int8`, remedy: "Calibrate the bundle that it was made from." });
  const { observed, compared, heldOut } = split(options.frames);
  const [toObserve, toCompare] = [await framesOf(options.frames, observed, bundle.network), await framesOf(options.frames, compared, bundle.network)];

  const candidate = await Candidate.of(bundle, vocabularyOf(bundle.embeddings(), bundle.manifest.vocabulary), toCompare, threads);
  if (candidate.layers.length === 0)
    throw new NightshiftError("E_CALIBRATION", { expected: "convolutions with constant weights, which can compute in int8", received: "none", remedy: "This network gains nothing from int8; serve it in float." });
  let looks = 0;
  const histograms = await candidate.observe(toObserve, () => onProgress(`observing: ${++looks} of ${2 * toObserve.length} looks at frames`));
  onProgress("comparing methods");
  const methods = await compareMethods(candidate, histograms, form);
  const ranges = rangesBy(histograms, method, form);
  const measured = await sensitivities(candidate, ranges, form, (done, total) => onProgress(`one in int8 at a time: ${done} of ${total} layers`));
  const { plan, divergence, kept } = await chooseLayers(candidate, ranges, form, measured);

  const quantisation: Quantisation = { ...plan, form, calibration: { method, frames: observed.length, dataset: options.frames.name } };
  const scores = await heldOutScores(bundle, quantisation, heldOut, options);
  refuseLoss(scores, options.allowedLoss, measured);
  const bytes = await write(bundle, quantisation, scores, options.out);
  return {
    bundle: options.out,
    form,
    method,
    frames: { dataset: options.frames.name, observed: observed.length, compared: compared.length, heldOut: heldOut.length },
    methods,
    heads: divergence,
    layers: measured.flatMap(({ layers, divergence: alone }) => layers.map((layer) => ({ layer: layer.name, work: layer.work, ...alone, float: kept.includes(layer) }))),
    scores,
    bytes,
    seconds: (performance.now() - start) / 1000,
  };
}

const rangesBy = (histograms: ReadonlyMap<string, Histogram>, method: RangeMethod, form: QuantisedForm): ReadonlyMap<string, Range> =>
  new Map([...histograms].map(([name, histogram]) => [name, rangeMethods[method](histogram, form)]));

async function compareMethods(candidate: Candidate, histograms: ReadonlyMap<string, Histogram>, form: QuantisedForm): Promise<Record<RangeMethod, Divergence>> {
  const by = (method: RangeMethod): Promise<Divergence> => candidate.divergence({ layers: candidate.all(), ranges: rangesBy(histograms, method, form) }, form);
  return { "min-max": await by("min-max"), percentile: await by("percentile"), entropy: await by("entropy"), mse: await by("mse") };
}

/** Boxes are scored on rendered frames where the labelled ones have none, and not at all where the network finds none. */
async function heldOutScores(bundle: Bundle, quantisation: Quantisation, heldOut: Dataset, { boxes, threads, onProgress }: CalibrateOptions): Promise<Scores> {
  const masks = await scoreBoth(bundle, quantisation, heldOut, threads, onProgress);
  if (isImported(bundle.network)) return { ...masks, ap50: null };
  if (masks.ap50) return masks;
  const { ap50 } = await scoreBoth(bundle, quantisation, { ...boxes, names: [] }, threads, onProgress);
  return { ...masks, ap50 };
}

function refuseLoss({ miou, ap50 }: Scores, allowed: number, [worst, second, third]: readonly Sensitivity[]): void {
  const told = ([["mIoU", miou], ["AP50", ap50]] as const).flatMap(([name, score]) => (score ? [[name, score] as const] : []));
  const said = (name: string, { on, float, int8, frames }: Score): string => `${name} ${float.toFixed(1)} in float and ${int8.toFixed(1)} in int8 on ${frames} frames of ${on}`;
  if (told.every(([, { lost }]) => lost <= allowed)) return;
  const layers = [worst, second, third].flatMap((group) => group?.layers.map(({ name }) => name) ?? []);
  throw new NightshiftError("E_CALIBRATION", {
    expected: `at most ${allowed} ${allowed === 1 ? "point" : "points"} lost on frames that nothing was chosen on`,
    received: `${told.map(([name, score]) => said(name, score)).join("; ")}; most sensitive: ${layers.join(", ")}`,
    remedy: "Nothing was written. Calibrate on more frames of what the cameras see or by another --method, or allow the loss with --allowed-loss.",
  });
}

async function write(bundle: Bundle, quantisation: Quantisation, { miou, ap50 }: Scores, out: string): Promise<Calibrated["bytes"]> {
  const { formatVersion: _, files, exemplars: __, ...description } = bundle.manifest;
  const { network, weights, notice } = bundle;
  const embeddings = bundle.embeddings();
  const vocabulary = vocabularyOf(embeddings, description.vocabulary);
  const exemplars = await bundle.exemplarFiles();
  await writeBundle(out, {
    description: {
      ...description,
      name: `${description.name}-int8`,
      precision: "int8",
      createdAt: new Date().toISOString(),
      metrics: { ...(miou && { [`miou ${miou.on}, held out`]: miou.int8 }), ...(ap50 && { [`ap50 ${ap50.on}`]: ap50.int8 }) },
    },
    ...(isImported(network) && { model: network.model }),
    weights,
    quantisation,
    embeddings,
    golden: await makeGolden(network, weights, vocabulary, bundle.golden.frame, quantisation),
    notice,
    ...(exemplars && { exemplars }),
  });
  const written = await readBundle(out);
  const sum = (all: readonly { readonly bytes: number }[]): number => all.reduce((total, { bytes }) => total + bytes, 0);
  const size = { frameWidth: network.width, frameHeight: network.height, names: paddedVocabularySize(vocabulary.names.length) };
  return {
    bundle: { float: sum(files), int8: sum(written.manifest.files) },
    model: { float: (await deployedModel(bundle, size)).length, int8: (await deployedModel(written, size)).length },
  };
}
