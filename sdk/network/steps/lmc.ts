import type { Recompute } from "../../autodiff/recompute.js";
import { Graph, type Value } from "../../graph/graph.js";
import {
  add, argMax, cast, div, exp, gatherElements, gatherRows, greaterOrEqual, indicator, log, mul, neg, oneHot, reduceMax, reshape, resize,
  sigmoid, stopGradient, sub, sum, topK, total,
} from "../../graph/ops.js";
import type { Weights } from "../../graph/tensor.js";
import { architectureOf, answersMasks, textWidthOf, type Network } from "../architecture.js";
import { Builder } from "../builder.js";
import { patchSize } from "../contract.js";
import { parameterSpecs } from "../initial.js";
import { hierarchicalAlignment, proposed } from "../losses/alignment.js";
import { type BoxTargets, detectionLoss } from "../losses/detection.js";
import { logProbabilities, oneHotLabels, segmentationLoss } from "../losses/segmentation.js";
import type { DetectionValues, NetworkValues } from "../network.js";
import { factorSpecs, initialFactors, LowRankParameters } from "../lora.js";
import { ConstantParameters, type ParameterSource } from "../parameters.js";
import { PackedParameters, packParameters } from "../packing.js";
import { overlaps, surest } from "../suppression.js";
import type { Trains } from "../trainable.js";
import { labelledInputs } from "./labelled-inputs.js";
import { optimise, optimiserScalars, optimiserState, prefixes, scalarInputs, writeStep, type StepGraph } from "./step-graph.js";

/** What a step of adaptation can learn from (eq. 8), those of methods that are compared with last. */
export const lossNames = ["supervised", "lmc", "selfTraining", "align", "entropy", "soft"] as const;
export type LossName = (typeof lossNames)[number];

export interface LmcOptions {
  /** Labelled source images in a step. */
  readonly sources: number;
  /** Unlabelled target images in a step. */
  readonly targets: number;
  /** K of each side. */
  readonly names: number;
  /** Boxes a source sample at most. */
  readonly boxes: number;
  /** Whether the student sees masked what `views` shows, targets in other colours; the targets themselves unless told so. */
  readonly views?: boolean;
  /** Share of the target's patches that are masked; the paper leaves it open, MIC takes 0.7. */
  readonly maskRatio: number;
  /** Which parameters learn; statistics never do here. */
  readonly trains: Trains;
  /** Those that learn do so by factors of this rank (see `lora.ts`). */
  readonly rank?: number;
  /** `none` unless told otherwise. */
  readonly recompute?: Recompute;
  /** Whether prompts learn: the teacher then reads names as its own prompts have them, and the gradients with respect to the student's embeddings are answered. */
  readonly prompts?: boolean;
  /** All unless told otherwise. What only others need is not computed: a method is to cost what it costs. */
  readonly losses?: readonly LossName[];
}

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

/**
 * Which patches stay: float32 [N, 1, H, W] of 1 and 0. `ratio` of them are drawn without replacement with probabilities
 * proportional to the attention M (eq. 4), by Gumbel top-k, with the noise as an input.
 */
function keptPatches(attention: Value, noise: Value, guidance: Value, ratio: number, { height, width }: Network): Value {
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
  return { target: stopGradient(oneHotLabels(argMax(teacher.maskLogits, 1), names)), quality };
}

/**
 * The teacher's regions as labelled boxes, the surest of each image, `most` of them; those that score less than `confidence` are none, nor, where
 * boxes may be duplicates, are those that overlap a surer one of their name: as labels they would teach the student that duplicates are right. An image whose boxes are all unsure teaches nothing,
 * not even that there is nothing; its others weigh by their mean score, the quality weight of eq. 5.
 */
export function pseudoBoxes({ regionLogits, regionBoxes }: DetectionValues, most: number, confidence: Value, duplicates: boolean): BoxTargets {
  const [n, regions] = regionLogits.shape;
  const count = Math.min(most, regions);
  const [scores, best] = topK(stopGradient(sigmoid(reduceMax(regionLogits, [2]))), count, 1);
  const names = gatherElements(argMax(regionLogits, 2), best, 1);
  const boxes = stopGradient(gatherRows(regionBoxes, best));
  const confident = indicator(greaterOrEqual(scores, confidence));
  const sure = duplicates ? mul(confident, reshape(surest(boxes, names), [n, count])) : confident;
  const labels = cast(sub(mul(add(cast(names, "float32"), 1), sure), 1), "int64");
  const labelled = div(sum(mul(scores, sure), [1]), add(sum(sure, [1]), 1e-3));
  return { boxes, labels, labelled };
}

/**
 * One step of adaptation, eq. 8: L^S on labelled source images, L^lmc (eq. 5) on masked target images, plain self-training L^T on
 * whole ones, against the EMA teacher (eq. 3), and the alignment L^align (eq. 7) of both, masked images left out. Normalisation keeps its statistics.
 * The losses of methods that are compared with are there too, at weight 0; `losses` leaves some out.
 *
 * Data inputs: those of `labelledInputs`; targets uint8 [T, H, W, 3]; views uint8 [T, H, W, 3] where they are asked for;
 * targetText [T, K + 2, d], targetUsed [T, K], noise float32 [T, H W / 32^2] of standard Gumbel numbers. Where prompts learn, taughtText as targetText, by the teacher's; results are then also the
 * gradients `textGradient` and `targetTextGradient` with respect to both texts of the student.
 */
export function lmcStep(network: Network, weights: Weights, options: LmcOptions): StepGraph {
  const { graph, ...step } = lmcGraph(network, weights, options);
  return { ...step, model: writeStep(graph) };
}

/** `lmcStep` before it is written. */
export function lmcGraph(network: Network, weights: Weights, options: LmcOptions): Omit<StepGraph, "model"> & { readonly graph: Graph } {
  const { sources: n, targets: t, names: k, boxes: g, views: hasViews = false, prompts = false, losses = lossNames } = options;
  const graph = new Graph("lmc step");
  const { height, width } = network;
  const { normalise, onImage } = architectureOf(network);
  const { frames, text, used, labels, hasMask, boxes } = labelledInputs(graph, network, { batch: n, names: k, boxes: g });
  const targets = graph.input("targets", "uint8", [t, height, width, 3]);
  const views = hasViews ? graph.input("views", "uint8", [t, height, width, 3]) : undefined;
  const targetText = graph.input("targetText", "float32", [t, k + 2, textWidthOf(network)]);
  const taughtText = prompts ? graph.input("taughtText", "float32", targetText.shape) : targetText;
  const targetUsed = graph.input("targetUsed", "float32", [t, k]);
  const noise = graph.input("noise", "float32", [t, (height * width) / patchSize ** 2]);
  const scalars = scalarInputs(graph, lmcScalars);

  const specs = parameterSpecs(network);
  const factors = options.rank === undefined ? [] : factorSpecs(specs.filter(options.trains), options.rank);
  const packs = (options.rank === undefined ? packParameters(specs, options.trains) : packParameters(factors, () => true)).filter((pack) => !pack.statistic);
  const fixed = new ConstantParameters(weights);
  const student = new PackedParameters(graph, prefixes.student, packs, fixed);
  const teacher = new PackedParameters(graph, prefixes.teacher, packs, fixed);
  const source = (learnt: PackedParameters): ParameterSource => (options.rank === undefined ? learnt : new LowRankParameters(factors, learnt, fixed));

  const image = normalise(targets);
  const taught = graph.scope("teacher", () => onImage(new Builder(graph, source(teacher), "frozen"), image, taughtText, targetUsed));
  const taughtLogP = logProbabilities(taught.maskLogits);
  const { target, quality } = pseudoLabels(taught, taughtLogP, k);
  const kept = stopGradient(keptPatches(taught.attention, noise, scalars.guidance, options.maskRatio, network));

  const b = new Builder(graph, source(student), "frozen");
  const onSource = graph.scope("source", () => onImage(b, normalise(frames), text, used));
  const onTarget = (scope: string, shown: Value): NetworkValues => graph.scope(scope, () => onImage(b, shown, targetText, targetUsed));
  // Two passes, the masked targets last: the backward pass begins with what came last (`clipping`), so that its activations are freed before those of the others are needed. A pass that no loss asks for is left out when
  // the graph is written.
  const onWhole = onTarget("whole", image);
  const onMasked = onTarget("masked", mul(views ? normalise(views) : image, kept));

  const masks = segmentationLoss(onSource.maskLogits, oneHotLabels(labels, k), reshape(hasMask, [n, 1, 1, 1]));
  /** Of boxes, where the network answers any. */
  const ofBoxes = ({ detection }: NetworkValues, truth: BoxTargets): Value => {
    if (!detection) return graph.scalar(0);
    const { proposals, regions } = detectionLoss(detection, truth, network);
    return add(proposals, regions);
  };
  const supervised = add(add(masks.crossEntropy, masks.dice), ofBoxes(onSource, boxes));
  /** Of networks that name pixels. */
  const ofMasks = (loss: () => Value): Value => (answersMasks(network) ? loss() : graph.scalar(0));
  const lmcMasks = ofMasks(() => segmentationLoss(onMasked.maskLogits, target, quality).crossEntropy);
  const lmcBoxes = taught.detection && ofBoxes(onMasked, pseudoBoxes(taught.detection, g, scalars.boxConfidence, overlaps(network)));
  const lmc = lmcBoxes ? add(lmcMasks, mul(lmcBoxes, scalars.weightLmcBoxes)) : lmcMasks;
  const selfTraining = ofMasks(() => segmentationLoss(onWhole.maskLogits, target, quality).crossEntropy);
  const logP = logProbabilities(onWhole.maskLogits);
  /** Mean cross-entropy a pixel between probabilities and the student's answers on whole targets. */
  const against = (p: Value): Value => ofMasks(() => neg(div(total(mul(p, logP)), logP.size / k)));
  const [entropy, soft] = [against(exp(logP)), against(stopGradient(exp(taughtLogP)))];
  const [s, u] = [proposed(onSource, used), proposed(onWhole, targetUsed)];
  const align = s.map((each, task) => hierarchicalAlignment(each, u[task])).reduce(add, graph.scalar(0));
  const parts: Readonly<Record<LossName, readonly [loss: Value, weight: Value]>> = {
    supervised: [supervised, scalars.weightSupervised],
    lmc: [lmc, scalars.weightLmc],
    selfTraining: [selfTraining, scalars.weightSelfTraining],
    align: [align, scalars.weightAlign],
    entropy: [entropy, scalars.weightEntropy],
    soft: [soft, scalars.weightSoft],
  };
  const loss = losses.map((name) => mul(...parts[name])).reduce(add, graph.scalar(0));

  const end = optimise(graph, loss, student, teacher, scalars, { also: prompts ? [text, targetText] : [], recompute: options.recompute ?? "none" });
  const [textGradient, targetTextGradient] = end.gradients;
  // A loss that is not answered falls away when the graph is written, with all that it alone needs.
  const results = { loss, ...Object.fromEntries(losses.map((name) => [name, parts[name][0]])), ...(prompts && { textGradient, targetTextGradient }), gradientNorm: end.norm };
  for (const [name, value] of Object.entries(results)) graph.output(name, value);
  return { graph, state: optimiserState(packs, new Map([...weights, ...initialFactors(factors, 1)])), packs, scalars: lmcScalars, results: Object.keys(results) };
}
