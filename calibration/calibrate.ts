import { BundleText } from "../sdk/adaptation/trainer/bundle-text.js";
import { type Bundle, descriptionOf, type Quantisation, readBundle, type ReducedPrecision, refuseExisting, vocabularyOf, writeBundle } from "../sdk/bundle/index.js";
import { deployedModel } from "../sdk/engine/deployed.js";
import { makeGolden } from "../sdk/engine/golden.js";
import { NightshiftError } from "../sdk/errors.js";
import type { QuantisedForm } from "../sdk/graph/quantisation.js";
import { isImported } from "../sdk/network/architecture.js";
import { paddedVocabularySize } from "../sdk/network/contract.js";
import type { Dataset } from "../sdk/training/dataset.js";
import { intervalText } from "../sdk/training/metrics/index.js";
import { Candidate } from "./candidate.js";
import { framesOf, split } from "./frames.js";
import { chooseHalf, type HalfChoice } from "./half.js";
import type { Divergence } from "./heads.js";
import { chooseInt8, type Int8Choice } from "./int8.js";
import type { CalibrationFrame } from "./probe.js";
import type { RangeMethod } from "./ranges.js";
import { beside, type Both, judged, type Judged, type Score, type Scores } from "./scores.js";
import type { Choice, LayerReport } from "./sensitivity.js";

/** What a bundle is to be deployed in, and how that is chosen. */
export type Into = { readonly precision: "int8"; readonly method: RangeMethod; readonly form: QuantisedForm } | { readonly precision: "float16" };

export interface CalibrateOptions {
  /** Folder of a bundle in float. */
  readonly bundle: string;
  readonly into: Into;
  /** Labelled frames: the first half to choose on, the second to judge by. */
  readonly frames: Dataset;
  /** Labelled boxes to judge by where `frames` has none. */
  readonly boxes: Dataset;
  /** Where the new bundle goes; nothing is there yet. */
  readonly out: string;
  /** Points of mIoU and of AP50 that it may lose. */
  readonly allowedLoss: number;
  /** The folder of the CLIP text tower that the bundle was trained with, for names that it does not hold; the bundled text encoder unless told otherwise. */
  readonly textEncoder?: string;
  readonly threads: number;
  readonly onProgress: (line: string) => void;
}

/** What was chosen, and what it costs. `reduced` stands for what is in int8 or float16. */
export interface Calibrated extends Partial<Pick<Int8Choice, "methods">>, Partial<Pick<HalfChoice, "inFloat">> {
  readonly bundle: string;
  readonly into: Into;
  readonly frames: { readonly dataset: string; readonly observed: number; readonly compared: number; readonly heldOut: number };
  /** Of what was chosen, from float, on the frames that were compared. */
  readonly heads: Divergence;
  /** The worst first. */
  readonly layers: readonly LayerReport[];
  /** On frames that nothing was chosen on. */
  readonly scores: Scores;
  /** On disk, and of the deployed graph. */
  readonly bytes: { readonly bundle: Both; readonly model: Both };
  readonly seconds: number;
}

/**
 * Post-training quantisation, and conversion to float16. Observes activations, chooses ranges and which layers stay in float, compares with float on frames that
 * nothing was chosen on, and writes the bundle. Throws `E_CALIBRATION` where it loses more than is allowed, and then nothing is written; before anything is chosen `E_DATASET`
 * for too few frames, `E_DATASET_UNLABELLED` where they have nothing to judge it by, `E_VOCABULARY` and `E_TEXT_ENCODER` for their names, `E_CONFIG` for a bundle that is not in
 * float, and as bundles do.
 */
export async function calibrate(options: CalibrateOptions): Promise<Calibrated> {
  const start = performance.now();
  const { into, threads } = options;
  await refuseExisting(options.out);
  const bundle = await readBundle(options.bundle);
  if (bundle.quantisation)
    throw new NightshiftError("E_CONFIG", { expected: "a bundle in float", received: `${options.bundle}, which is in ${bundle.quantisation.precision}`, remedy: "Calibrate the bundle that it was made from." });
  const { observed, compared, heldOut } = split(options.frames);
  const judging = { ...options, bundle, text: new BundleText(bundle, options.textEncoder), heldOut };
  // First, as labels that cannot judge it are told at once then, and not after all the work.
  const float = await judged(judging);
  refuseUnlabelled(float);
  const [toObserve, toCompare] = [await framesOf(options.frames, observed, bundle.network), await framesOf(options.frames, compared, bundle.network)];

  const candidate = await Candidate.of(bundle, vocabularyOf(bundle.embeddings(), bundle.manifest.vocabulary), toCompare, threads);
  const { quantisation, choice, told } = await choose(candidate, toObserve, options);
  const scores = beside(float, await judged(judging, quantisation));
  refuseLoss(scores, options.allowedLoss, into.precision, choice.reports);
  const bytes = await write(bundle, quantisation, scores, options.out);
  return {
    bundle: options.out,
    into,
    frames: { dataset: options.frames.name, observed: observed.length, compared: compared.length, heldOut: heldOut.length },
    ...told,
    heads: choice.divergence,
    layers: choice.reports,
    scores,
    bytes,
    seconds: (performance.now() - start) / 1000,
  };
}

interface Chosen {
  readonly quantisation: Quantisation;
  readonly choice: Choice;
  readonly told: Pick<Calibrated, "methods" | "inFloat">;
}

async function choose(candidate: Candidate, toObserve: readonly CalibrationFrame[], { into, frames, onProgress }: CalibrateOptions): Promise<Chosen> {
  const calibration = { frames: toObserve.length, dataset: frames.name };
  if (into.precision === "float16") {
    const choice = await chooseHalf(candidate, toObserve, onProgress);
    return { quantisation: { ...choice.plan, calibration }, choice, told: { inFloat: choice.inFloat } };
  }
  const choice = await chooseInt8(candidate, toObserve, into.method, into.form, onProgress);
  return { quantisation: { ...choice.plan, calibration: { method: into.method, ...calibration } }, choice, told: { methods: choice.methods } };
}

const named = <T>({ miou, ap50 }: { readonly miou: T | null; readonly ap50: T | null }): (readonly [string, T])[] =>
  ([["mIoU", miou], ["AP50", ap50]] as const).flatMap(([name, score]) => (score ? [[name, score] as const] : []));

/** What scores nothing has nothing to lose. */
function refuseUnlabelled(float: Judged): void {
  const told = named(float);
  if (told.some(([, { score }]) => score > 0)) return;
  throw new NightshiftError("E_DATASET_UNLABELLED", {
    expected: "labels, in the second half of the frames, of what the network answers",
    received: told.map(([name]) => `an ${name} of 0 in float`).join("; ") || "none",
    remedy: "Nothing was written. Give --frames with labels by names that the network knows: boxes where it detects, masks where it names pixels.",
  });
}

function refuseLoss(scores: Scores, allowed: number, precision: ReducedPrecision, worstFirst: readonly LayerReport[]): void {
  const told = named(scores);
  const said = (name: string, { on, float, reduced, interval, frames }: Score): string =>
    `${name} ${float.toFixed(1)} in float and ${reduced.toFixed(1)} in ${precision} on ${frames} frames of ${on}${interval ? ` (${intervalText(interval)} lost, 95 % over frames)` : ""}`;
  if (told.every(([, { lost }]) => lost <= allowed)) return;
  throw new NightshiftError("E_CALIBRATION", {
    expected: `at most ${allowed} ${allowed === 1 ? "point" : "points"} lost on frames that nothing was chosen on`,
    received: `${told.map(([name, score]) => said(name, score)).join("; ")}; most sensitive: ${worstFirst.slice(0, 3).map(({ layer }) => layer).join(", ")}`,
    remedy: `Nothing was written. Calibrate on more frames of what the cameras see${precision === "int8" ? " or by another --method" : ""}, or allow the loss with --allowed-loss.`,
  });
}

async function write(bundle: Bundle, quantisation: Quantisation, { miou, ap50 }: Scores, out: string): Promise<Calibrated["bytes"]> {
  const description = descriptionOf(bundle.manifest);
  const { network, weights, notice } = bundle;
  const { precision } = quantisation;
  const embeddings = bundle.embeddings();
  const vocabulary = vocabularyOf(embeddings, description.vocabulary);
  const exemplars = await bundle.exemplarFiles();
  await writeBundle(out, {
    description: {
      ...description,
      name: `${description.name}-${precision}`,
      precision,
      createdAt: new Date().toISOString(),
      metrics: { ...(miou && { [`miou ${miou.on}, held out`]: miou.reduced }), ...(ap50 && { [`ap50 ${ap50.on}`]: ap50.reduced }) },
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
  const size = { frame: network, names: paddedVocabularySize(vocabulary.names.length), halves: "typed" } as const;
  return {
    bundle: { float: sum(bundle.manifest.files), reduced: sum(written.manifest.files) },
    model: { float: (await deployedModel(bundle, size)).length, reduced: (await deployedModel(written, size)).length },
  };
}
