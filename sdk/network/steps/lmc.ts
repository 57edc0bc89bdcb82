import { Graph, type Value } from "../../graph/graph.js";
import {
  add, argMax, cast, concat, div, equal, exp, expand, gatherElements, greaterOrEqual, indicator, log, mul, neg, oneHot, reduceMax, reshape, resize,
  sigmoid, slice, stopGradient, sub, sum, topK, total, unsqueeze,
} from "../../graph/ops.js";
import { writeOnnx } from "../../graph/onnx/write.js";
import type { Weights } from "../../graph/tensor.js";
import { Builder } from "../builder.js";
import { textWidth, type NetworkConfig } from "../contract.js";
import { normalise } from "../image-encoder.js";
import { parameterSpecs } from "../initial.js";
import { hierarchicalAlignment, proposed } from "../losses/alignment.js";
import { type BoxTargets, detectionLoss } from "../losses/detection.js";
import { logProbabilities, oneHotLabels, segmentationLoss } from "../losses/segmentation.js";
import { network, networkOnImage, type NetworkValues } from "../network.js";
import { ConstantParameters, type ParameterSpec } from "../parameters.js";
import { PackedParameters, packParameters } from "../packing.js";
import { optimise, optimiserScalars, optimiserState, prefixes, scalarInputs, type StepGraph } from "./step-graph.js";

export interface LmcOptions {
  /** Labelled source images in a step. */
  readonly sources: number;
  /** Unlabelled target images in a step. */
  readonly targets: number;
  /** K of each side. */
  readonly names: number;
  /** Boxes a source sample at most. */
  readonly boxes: number;
  /** Share of the target's patches that are masked; the paper leaves it open, MIC takes 0.7. */
  readonly maskRatio: number;
  /** Which parameters learn; statistics never do here. */
  readonly trains: (spec: ParameterSpec) => boolean;
}

/** Patches are the cells of the encoder's last stage. */
export const patchSize = 32;

export const lmcScalars = {
  ...optimiserScalars,
  weightSupervised: 1,
  /** lambda_T of eq. 8. */
  weightSelfTraining: 0.1,
  /** Weight of L^lmc in eq. 8. */
  weightLmc: 1,
  /** lambda_align of eq. 8. */
  weightAlign: 0.9,
  /** Weight of the teacher's boxes within L^lmc, beside its mask. */
  weightLmcBoxes: 1,
  /** Least score of a box that the teacher is believed. */
  boxConfidence: 0.4,
  /** 1 samples masks by M of eq. 4, 0 at random. */
  guidance: 1,
  /** Of the baselines that are compared with: entropy of the student's answers on whole targets (TENT), and the teacher's probabilities as targets there (CoTTA). */
  weightEntropy: 0,
  weightSoft: 0,
} as const;

/** Everything but the stem and the two finest stages: most of the backward pass's time is there, little of the gain. */
export const trainsDefault = ({ name }: ParameterSpec): boolean => !/^encoder\.(stem|stage[01])\b/.test(name);

/** What may learn: what learns on the vehicle, everything, or the scales and biases of normalisation alone. */
export const trainable = ["default", "all", "norm"] as const;

export type Trainable = (typeof trainable)[number];

export function trainsOf(choice: Trainable, config: NetworkConfig): (spec: ParameterSpec) => boolean {
  if (choice === "default") return trainsDefault;
  if (choice === "all") return () => true;
  const layers = new Set(parameterSpecs(config).flatMap(({ name }) => (name.endsWith(".scale") ? [name.slice(0, -".scale".length)] : [])));
  return ({ name }) => /\.(scale|bias)$/.test(name) && layers.has(name.replace(/\.\w+$/, ""));
}

/**
 * Which patches stay: float32 [N, 1, H, W] of 1 and 0. `ratio` of them are drawn without replacement with probabilities
 * proportional to the attention M (eq. 4), by Gumbel top-k, with the noise as an input.
 */
function keptPatches(attention: Value, noise: Value, guidance: Value, ratio: number, { height, width }: NetworkConfig): Value {
  const [n, s] = attention.shape;
  const scores = add(mul(log(add(attention, 1e-9)), guidance), noise);
  const [, drawn] = topK(scores, Math.max(1, Math.round(ratio * s)), 1);
  const masked = sum(oneHot(drawn, s), [1]);
  const grid = reshape(sub(1, masked), [n, 1, height / patchSize, width / patchSize]);
  return resize(grid, [n, 1, height, width], "nearest");
}

/** The teacher's answer as a target: one-hot [N, K, h, w], and its greatest probability [N, 1, h, w], the quality weight of eq. 5. */
function pseudoLabels(teacher: NetworkValues, logP: Value, names: number): { target: Value; quality: Value } {
  const quality = stopGradient(exp(reduceMax(logP, [1], true)));
  const index = argMax(teacher.maskLogits, 1);
  const [n, h, w] = index.shape;
  const range = index.graph.constant({ dtype: "float32", shape: [1, names, 1, 1], data: Float32Array.from({ length: names }, (_, i) => i) });
  return { target: stopGradient(indicator(equal(reshape(cast(index, "float32"), [n, 1, h, w]), range))), quality };
}

/**
 * The teacher's regions as labelled boxes, the `count` surest of each image; those that score less than `confidence` are none. An image whose
 * boxes are all unsure teaches nothing, not even that there is nothing; its others weigh by their mean score, the quality weight of eq. 5.
 */
function pseudoBoxes({ regionLogits, regionBoxes }: NetworkValues, count: number, confidence: Value): BoxTargets {
  const [n] = regionLogits.shape;
  const [scores, best] = topK(stopGradient(sigmoid(reduceMax(regionLogits, [2]))), count, 1);
  const sure = indicator(greaterOrEqual(scores, confidence));
  const names = cast(gatherElements(argMax(regionLogits, 2), best, 1), "float32");
  const labels = cast(sub(mul(add(names, 1), sure), 1), "int64");
  const boxes = stopGradient(gatherElements(regionBoxes, expand(unsqueeze(best, [2]), [n, count, 4]), 1));
  const labelled = div(sum(mul(scores, sure), [1]), add(sum(sure, [1]), 1e-3));
  return { boxes, labels, labelled };
}

const half = (x: Value, first: boolean): Value => slice(x, 0, first ? 0 : x.shape[0] / 2, first ? x.shape[0] / 2 : x.shape[0]);

/** The half of a batch's answers. */
const halfOf = (out: NetworkValues, first: boolean): NetworkValues => {
  const { maskScale, regionScale, ...perImage } = out.embedded;
  const take = <T extends Readonly<Record<string, Value>>>(values: T): T =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, half(value, first)])) as T;
  const { proposals, embedded: _, ...values } = out;
  return {
    ...take(values),
    proposals: { ...proposals, features: half(proposals.features, first), boxes: half(proposals.boxes, first) },
    embedded: { ...take(perImage), maskScale, regionScale },
  };
};

/**
 * One step of adaptation, eq. 8: L^S on labelled source images, L^lmc (eq. 5) on masked target images, plain self-training L^T on
 * whole ones, against the EMA teacher (eq. 3), and the alignment L^align (eq. 7) of both, masked images left out. Normalisation keeps its statistics.
 * The losses of methods that are compared with are there too, at weight 0.
 *
 * Data inputs: those of `supervisedStep`, and targets uint8 [T, H, W, 3], targetText [T, K + 2, 384], targetUsed [T, K],
 * noise float32 [T, H W / 32^2] of standard Gumbel numbers.
 */
export function lmcStep(config: NetworkConfig, weights: Weights, options: LmcOptions): StepGraph {
  const { sources: n, targets: t, names: k, boxes: g } = options;
  const graph = new Graph("lmc step");
  const frames = graph.input("frames", "uint8", [n, config.height, config.width, 3]);
  const labels = graph.input("labels", "uint8", [n, config.height / 4, config.width / 4]);
  const text = graph.input("text", "float32", [n, k + 2, textWidth]);
  const used = graph.input("used", "float32", [n, k]);
  const boxes = graph.input("boxes", "float32", [n, g, 4]);
  const boxLabels = graph.input("boxLabels", "int64", [n, g]);
  const hasMask = graph.input("hasMask", "float32", [n]);
  const hasBoxes = graph.input("hasBoxes", "float32", [n]);
  const targets = graph.input("targets", "uint8", [t, config.height, config.width, 3]);
  const targetText = graph.input("targetText", "float32", [t, k + 2, textWidth]);
  const targetUsed = graph.input("targetUsed", "float32", [t, k]);
  const noise = graph.input("noise", "float32", [t, (config.height * config.width) / patchSize ** 2]);
  const scalars = scalarInputs(graph, lmcScalars);

  const packs = packParameters(parameterSpecs(config), options.trains).filter((pack) => !pack.statistic);
  const fixed = new ConstantParameters(weights);
  const student = new PackedParameters(graph, prefixes.student, packs, fixed);
  const teacher = new PackedParameters(graph, prefixes.teacher, packs, fixed);

  const image = normalise(targets);
  const taught = graph.scope("teacher", () => networkOnImage(new Builder(graph, teacher, "frozen"), image, targetText, targetUsed, config));
  const taughtLogP = logProbabilities(taught.maskLogits);
  const { target, quality } = pseudoLabels(taught, taughtLogP, k);
  const kept = stopGradient(keptPatches(taught.attention, noise, scalars.guidance, options.maskRatio, config));

  const b = new Builder(graph, student, "frozen");
  const onSource = graph.scope("source", () => network(b, frames, text, used, config));
  const both = (x: Value): Value => concat([x, x], 0);
  const onTarget = graph.scope("target", () =>
    networkOnImage(b, concat([mul(image, kept), image], 0), both(targetText), both(targetUsed), config),
  );

  const masks = segmentationLoss(onSource.maskLogits, oneHotLabels(labels, k), reshape(hasMask, [n, 1, 1, 1]));
  const regions = detectionLoss(onSource, { boxes, labels: boxLabels, labelled: hasBoxes }, config);
  const supervised = add(add(masks.crossEntropy, masks.dice), add(regions.proposals, regions.regions));
  const [onMasked, onWhole] = [halfOf(onTarget, true), halfOf(onTarget, false)];
  const boxesOnMasked = detectionLoss(onMasked, pseudoBoxes(taught, Math.min(g, config.regions), scalars.boxConfidence), config);
  const lmc = add(
    segmentationLoss(onMasked.maskLogits, target, quality).crossEntropy,
    mul(add(boxesOnMasked.proposals, boxesOnMasked.regions), scalars.weightLmcBoxes),
  );
  const selfTraining = segmentationLoss(onWhole.maskLogits, target, quality).crossEntropy;
  const logP = logProbabilities(onWhole.maskLogits);
  /** Mean cross-entropy a pixel between probabilities and the student's answers on whole targets. */
  const against = (p: Value): Value => neg(div(total(mul(p, logP)), logP.size / k));
  const [entropy, soft] = [against(exp(logP)), against(stopGradient(exp(taughtLogP)))];
  const [s, u] = [proposed(onSource, used), proposed(onWhole, targetUsed)];
  const align = add(hierarchicalAlignment(s.masks, u.masks), hierarchicalAlignment(s.regions, u.regions));
  const loss = [
    mul(supervised, scalars.weightSupervised),
    mul(lmc, scalars.weightLmc),
    mul(selfTraining, scalars.weightSelfTraining),
    mul(align, scalars.weightAlign),
    mul(entropy, scalars.weightEntropy),
    mul(soft, scalars.weightSoft),
  ].reduce((sum, part) => add(sum, part));

  const end = optimise(graph, loss, student.inputs, teacher.inputs, scalars);
  const results = { loss, supervised, lmc, selfTraining, align, entropy, soft, gradientNorm: end.norm };
  for (const [name, value] of Object.entries(results)) graph.output(name, value);
  return { model: writeOnnx(graph), state: optimiserState(packs, weights), packs, scalars: lmcScalars, results: Object.keys(results) };
}
