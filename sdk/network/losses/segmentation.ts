import type { Graph, Value } from "../../graph/graph.js";
import { add, cast, div, equal, exp, greater, indicator, less, log, matMul, mul, neg, reduceMax, reshape, sqrt, stopGradient, sub, sum, total, transposeLast } from "../../graph/ops.js";

/** log softmax along one axis, by default that of names, written with reductions, which run faster than the operator there. */
export function logProbabilities(logits: Value, axis = 1): Value {
  const shifted = sub(logits, stopGradient(reduceMax(logits, [axis], true)));
  return sub(shifted, log(sum(exp(shifted), [axis], true)));
}

const range = (graph: Graph, n: number): Value =>
  graph.constant({ dtype: "float32", shape: [1, n, 1, 1], data: Float32Array.from({ length: n }, (_, i) => i) });

/** Label maps uint8 or int64 [N, H, W] (255 is ignored) to one-hot [N, K, H, W]; ignored pixels are all zero. */
export const oneHotLabels = (labels: Value, names: number): Value => {
  const [n, h, w] = labels.shape;
  return indicator(equal(reshape(cast(labels, "float32"), [n, 1, h, w]), range(labels.graph, names)));
};

/** Rare classes weigh more, by the root of their share within each image: [N, K, 1, 1]. */
function classWeights(target: Value): Value {
  const count = sum(target, [2, 3], true);
  const share = div(count, add(sum(count, [1], true), 1));
  return div(1, sqrt(add(share, 0.01)));
}

/**
 * The logarithms of labels' probabilities, each the sum over its names, [N, K, H, W]. Where a label leaves open which of several names a pixel bears, their logits rise and fall together:
 * the likelihood of the sum would raise most what is highest, and one name would take all that they share.
 */
function ofLabels(logits: Value, target: Value, members: Value): Value {
  const [n, k, h, w] = logits.shape;
  const isOpen = indicator(less(1.5, sum(members, [2], true)));
  const open = reshape(matMul(transposeLast(mul(members, isOpen)), reshape(target, [n, k, h * w])), [n, k, h, w]);
  const common = div(sum(mul(logits, open), [1], true), add(sum(open, [1], true), 1e-6));
  const together = add(stopGradient(logits), sub(common, stopGradient(common)));
  const p = exp(logProbabilities(add(mul(logits, sub(1, open)), mul(together, open))));
  return log(add(reshape(matMul(members, reshape(p, [n, k, h * w])), [n, k, h, w]), 1e-6));
}

/**
 * Cross-entropy L^ce of eq. 1 with a dice term, both averaged over what is labelled: a weight below 1, the quality of eq. 5, makes the whole loss smaller.
 *
 * @param logits [N, K, H, W]
 * @param target one-hot [N, K, H, W], all zero where ignored
 * @param weight [N, 1, 1, 1] or [N, 1, H, W]: of each image or pixel; 0 leaves it out
 * @param members [N, K, K] of 1 and 0: which names a pixel of each label may bear; each label its own name where it is left out
 */
export function segmentationLoss(logits: Value, target: Value, weight: Value, members?: Value): { readonly crossEntropy: Value; readonly dice: Value } {
  const logP = members ? ofLabels(logits, target, members) : logProbabilities(logits);
  const balanced = stopGradient(mul(mul(target, classWeights(target)), indicator(greater(weight, 0))));
  const crossEntropy = div(neg(total(mul(mul(balanced, weight), logP))), add(total(balanced), 1e-3));

  const labelled = stopGradient(mul(sum(target, [1], true), weight));
  const p = mul(exp(logP), labelled);
  const truth = mul(target, weight);
  const overlap = sum(mul(p, target), [2, 3]);
  const both = add(sum(p, [2, 3]), sum(truth, [2, 3]));
  const present = indicator(less(0.5, sum(truth, [2, 3])));
  const score = div(add(mul(overlap, 2), 1), add(both, 1));
  const dice = div(total(mul(sub(1, score), present)), add(total(present), 1e-3));
  return { crossEntropy, dice };
}
