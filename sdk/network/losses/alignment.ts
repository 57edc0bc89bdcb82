import type { Value } from "../../graph/graph.js";
import { add, div, equal, exp, indicator, matMul, mul, neg, reduceMax, reshape, sigmoid, stopGradient, sum, sumSquare, total, transposeLast, unsqueeze } from "../../graph/ops.js";
import { hideUnused } from "../language.js";
import type { NetworkValues } from "../network.js";
import { unit } from "../similarity.js";
import { logProbabilities } from "./segmentation.js";

/** What one kind of query answers for the images of one domain: proposals o of eq. 6, and the names t they are compared with. */
export interface Proposed {
  /** [N, P, d] */
  readonly proposals: Value;
  /** [N, P]: how much each counts; one of 0 is aligned with nothing, but names are compared with it as with the others that are there. */
  readonly quality: Value;
  /** [N, P] of 1 and 0: which are there; all, unless said. */
  readonly there?: Value;
  /** [M, K, d]: the names as the images of their domain see them. */
  readonly names: Value;
  /** [M, K] of 1 and 0. */
  readonly used: Value;
  /** [1]: 1 / tau of eq. 7. */
  readonly scale: Value;
}

/** The weighted mean; 0 where nothing counts. */
const weightedMean = (x: Value, weight: Value): Value => div(total(mul(x, weight)), add(total(weight), 1e-3));

/**
 * L^align of eq. 7 between the names of one domain and the proposals of one domain, the same (intra) or the other (inter).
 *
 * Each proposal belongs to its nearest name, y of eq. 7. L_O wants it nearer to that name than to the others; L_E wants each name nearer
 * to its own proposals than to those of other names, over all images of the domain. As printed, the logarithm is of zero wherever
 * the indicator is 0; what is meant, and computed, is the sum over the pairs where it is 1. Sums are means here, weighted by quality, so that the
 * number of proposals and names does not change the weight of the loss.
 */
export function alignment(names: Proposed, proposals: Proposed): Value {
  const [m, k, d] = names.names.shape;
  const [n, p] = proposals.quality.shape;
  // A temperature that learns from its own pseudo labels would only grow surer of them.
  const t = mul(unit(names.names), stopGradient(names.scale));
  const o = reshape(unit(proposals.proposals), [n * p, d]);
  const product = reshape(matMul(reshape(t, [m * k, d]), transposeLast(o)), [m, k, n * p]);
  const logits = add(product, unsqueeze(hideUnused(names.used), [2]));
  const own = stopGradient(indicator(equal(logits, reduceMax(logits, [1], true))));
  const quality = reshape(stopGradient(proposals.quality), [1, 1, n * p]);
  const pairs = mul(mul(own, quality), unsqueeze(names.used, [2]));
  const ofProposals = neg(weightedMean(logProbabilities(logits), pairs));
  const among = proposals.there ? add(product, reshape(hideUnused(proposals.there), [1, 1, n * p])) : product;
  const ofNames = neg(weightedMean(logProbabilities(among, 2), pairs));
  return add(ofProposals, ofNames);
}

/** Hierarchical alignment of two domains: each with itself (intra) and with the other (inter), the mean of the four. */
export function hierarchicalAlignment(source: Proposed, target: Proposed): Value {
  const intra = add(alignment(source, source), alignment(target, target));
  const inter = add(alignment(source, target), alignment(target, source));
  return mul(add(intra, inter), 0.25);
}

/**
 * What each name's mask shows, as one vector: the visual concepts averaged over its soft mask.
 *
 * @param masks [N, K, h w]: probabilities
 * @param concepts [N, d, h w]
 * @returns proposals [N, K, d]; quality [N, K], the mask's mean confidence, less where it covers next to nothing; there are those of used names
 */
function maskProposals(masks: Value, concepts: Value, used: Value): Pick<Proposed, "proposals" | "quality" | "there"> {
  const fixed = stopGradient(masks);
  const covered = sum(fixed, [2]);
  // Transposed where it is small, and so is its gradient.
  const summed = transposeLast(matMul(concepts, transposeLast(fixed)));
  const proposals = div(summed, add(unsqueeze(covered, [2]), 1e-3));
  const confidence = div(sumSquare(fixed, [2]), add(covered, 1e-3));
  // Half of its weight at 32 cells, 1 in 256 of a 512 x 256 frame.
  return { proposals, quality: mul(mul(confidence, div(covered, add(covered, 32))), used), there: used };
}

/**
 * The proposals of each task for images of one domain; none of a task that the network does not have.
 *
 * @param used [N, K]
 */
export function proposed({ maskLogits, detection, embedded = {} }: NetworkValues, used: Value): readonly Proposed[] {
  const { masks, regions } = embedded;
  const [n, k, h, w] = maskLogits.shape;
  const ofMasks = ({ names, concepts, scale }: NonNullable<typeof masks>): Proposed => {
    const probabilities = exp(logProbabilities(reshape(maskLogits, [n, k, h * w])));
    return { ...maskProposals(probabilities, concepts, used), names, used, scale };
  };
  return [
    ...(masks ? [ofMasks(masks)] : []),
    ...(regions && detection ? [{ proposals: regions.features, quality: sigmoid(reduceMax(detection.regionLogits, [2])), names: regions.names, used, scale: regions.scale }] : []),
  ];
}
