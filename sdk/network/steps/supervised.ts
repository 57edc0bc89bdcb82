import type { Recompute } from "../../autodiff/recompute.js";
import { Graph, type Value } from "../../graph/graph.js";
import { add, concat, mul, reshape, sub, where } from "../../graph/ops.js";
import type { Weights } from "../../graph/tensor.js";
import { Builder } from "../builder.js";
import type { NetworkConfig } from "../contract.js";
import { detectionLoss } from "../losses/detection.js";
import { oneHotLabels, segmentationLoss } from "../losses/segmentation.js";
import { normalise } from "../image-encoder.js";
import { network } from "../network.js";
import { parameterSpecs } from "../initial.js";
import { PackedParameters, packParameters, packWeights } from "../packing.js";
import { labelledInputs, type LabelledSizes } from "./labelled-inputs.js";
import { optimise, optimiserScalars, optimiserState, prefixes, scalarInputs, writeStep, type StepGraph } from "./step-graph.js";

export interface SupervisedOptions extends LabelledSizes {
  /** Adds the input members [N, K, K], of 1 and 0: which names a pixel of each label may bear. Otherwise each its own. */
  readonly finer?: boolean;
  /** `none` unless told otherwise. */
  readonly recompute?: Recompute;
}

export const supervisedScalars = {
  ...optimiserScalars,
  /** Weights of the losses in L^S. */
  weightCrossEntropy: 1,
  weightDice: 1,
  weightDetection: 1,
  /** How far the kept statistics move towards the batch's. */
  momentum: 0.05,
} as const;

/**
 * The offline training step: L^S of eq. 1 for segmentation and detection, with normalisation by batch statistics.
 *
 * Data inputs: those of `labelledInputs`. Results: losses and `textGradient` [N, K + 2, d], from which prompts learn.
 */
export function supervisedStep(config: NetworkConfig, weights: Weights, options: SupervisedOptions): StepGraph {
  const { batch: n, names: k } = options;
  const graph = new Graph("supervised step");
  const { frames, text, used, labels, hasMask, boxes } = labelledInputs(graph, config, options);
  const members = options.finer ? graph.input("members", "float32", [n, k, k]) : undefined;
  const scalars = scalarInputs(graph, supervisedScalars);

  const packs = packParameters(parameterSpecs(config), () => true);
  const parameters = new PackedParameters(graph, prefixes.student, packs);
  const b = new Builder(graph, parameters, "batch");
  const out = network(b, normalise(frames), text, used, config);
  const masks = segmentationLoss(out.maskLogits, oneHotLabels(labels, k), reshape(hasMask, [n, 1, 1, 1]), members);
  const none = graph.scalar(0);
  const regions = out.detection ? detectionLoss(out.detection, { ...boxes, members }, config) : { proposals: none, regions: none };
  const loss = add(
    add(mul(masks.crossEntropy, scalars.weightCrossEntropy), mul(masks.dice, scalars.weightDice)),
    mul(add(regions.proposals, regions.regions), scalars.weightDetection),
  );

  const end = optimise(graph, loss, parameters, undefined, scalars, { also: [text], recompute: options.recompute ?? "none" });
  const state = optimiserState(packs, weights);
  for (const [pack, kept] of parameters.inputs)
    if (pack.statistic) {
      const seen = new Map(b.statistics.flatMap(({ name, mean, variance }): [string, Value][] => [
          [`${name}.mean`, mean],
          [`${name}.variance`, variance],
        ]));
      const batchNow = concat(pack.parts.map((part) => seen.get(part.name) ?? parameters.get(graph, part)), 0);
      state.set(prefixes.student + pack.name, packWeights(pack, weights));
      graph.output(prefixes.next + prefixes.student + pack.name, where(end.isFinite, add(kept, mul(sub(batchNow, kept), scalars.momentum)), kept));
    }
  const results = {
    loss,
    crossEntropy: masks.crossEntropy,
    dice: masks.dice,
    proposals: regions.proposals,
    regions: regions.regions,
    gradientNorm: end.norm,
    textGradient: end.gradients[0],
  };
  for (const [name, value] of Object.entries(results)) graph.output(name, value);
  return { model: writeStep(graph), state, packs, scalars: supervisedScalars, results: Object.keys(results) };
}
