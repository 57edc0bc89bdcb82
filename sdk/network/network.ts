import type { Value } from "../graph/graph.js";
import { add, div, exp, expand, gatherElements, matMul, mul, reduceMax, reshape, sqrt, stopGradient, sum, topK, unsqueeze } from "../graph/ops.js";
import { refineBoxes } from "./boxes.js";
import type { Builder } from "./builder.js";
import type { NetworkConfig } from "./contract.js";
import { depthHead } from "./depth-head.js";
import { imageEncoder } from "./image-encoder.js";
import { hideUnused, language } from "./language.js";
import { pixelDecoder } from "./pixel-decoder.js";
import { boxCode, proposalDecoder } from "./proposal-decoder.js";
import { proposals, type Proposals } from "./proposals.js";
import { similarity, unit } from "./similarity.js";

export interface NetworkValues {
  /** [N, K, H / 4, W / 4]: similarity of each pixel's visual concept with each name's query; far below zero for unused names. */
  readonly maskLogits: Value;
  /** int64 or uint8 [N, 1, h, w] at stride 1 or 2, of networks that answer so finely: the index of each pixel's name; `noName` where they name none. */
  readonly fineMask?: Value;
  /** [N, S]: M of eq. 4 over the S patches of the last stage. */
  readonly attention: Value;
  /** Of networks that detect, and can be taught to. */
  readonly detection?: DetectionValues;
  /** Of networks that detect and cannot. */
  readonly regions?: RegionValues;
  /** Of networks that tell depth: builds it, [N, 1, H / 4, W / 4] logarithms of metres, where it is wanted, as adapting has no use for it. */
  readonly depth?: () => Value;
  /** Of networks whose proposals can be aligned with names (eq. 6). */
  readonly embedded?: EmbeddedValues;
}

/** Boxes as they are answered. */
export interface RegionValues {
  /** [N, R, K]: logits of the refined regions. */
  readonly regionLogits: Value;
  /** [N, R, 4]: refined boxes in pixels of the network's input. */
  readonly regionBoxes: Value;
}

export interface DetectionValues extends RegionValues {
  readonly proposals: Proposals;
  /** [N, P, K]: logits of the dense proposals. */
  readonly proposalLogits: Value;
}

/** What masks and regions are classified by: names t, visual concepts and region features o of eq. 6, temperatures of eq. 7. */
export interface EmbeddedValues {
  /** [N, K, d], of unit length. */
  readonly maskNames: Value;
  /** [N, d, H / 4 W / 4] */
  readonly concepts: Value;
  /** [1]: 1 / tau of the masks. */
  readonly maskScale: Value;
  /** [N, K, d] */
  readonly regionNames: Value;
  /** [N, R, d] */
  readonly regions: Value;
  /** [1]: 1 / tau of the regions. */
  readonly regionScale: Value;
}

/** What our own network answers: everything but finer masks. */
export type OwnNetworkValues = NetworkValues & Required<Pick<NetworkValues, "detection" | "embedded">>;

/**
 * The whole network on a batch.
 *
 * @param image float32 [N, 3, H, W] at the network's input resolution, normalised (and perhaps masked)
 * @param text float32 [N, K + 2, d of the text encoder], E of eq. 2
 * @param used float32 [N, K]
 */
export function network(b: Builder, image: Value, text: Value, used: Value, config: NetworkConfig): OwnNetworkValues {
  const d = config.embedding;
  const n = image.shape[0];
  const k = used.shape[1];
  const pyramid = pixelDecoder(b, imageEncoder(b, image, config), config);
  const words = language(b, text, used, pyramid.levels[2], config);
  const bias = hideUnused(used);

  const dense = proposals(b, pyramid.levels, config);
  const scale = (name: string, start: number): Value => b.parameter(`decoder.${name}`, [1], { fill: start });
  const regionLogScale = scale("region.logScale", Math.log(10));
  const detectionLogits = (features: Value): Value =>
    add(
      add(similarity(features, words.detection, regionLogScale), scale("region.offset", -5)),
      unsqueeze(bias, [1]),
    );
  const proposalLogits = detectionLogits(dense.features);

  const [, best] = topK(reduceMax(proposalLogits, [2]), config.regions, 1);
  const pick = (x: Value): Value =>
    stopGradient(gatherElements(x, expand(unsqueeze(best, [2]), [n, config.regions, x.shape[2]]), 1));
  const reference = pick(dense.boxes);
  const content = b.linear("decoder.region.content", pick(dense.features), d);
  const regionQueries = add(content, b.linear("decoder.region.place", boxCode(b, reference, config), d));

  const decoded = proposalDecoder(b, words.segmentation, regionQueries, used, pyramid.levels, config);
  const regionFeatures = add(content, b.linear("decoder.region.refine", decoded.regions, d));
  const deltas = b.linear("decoder.region.delta", decoded.regions, 4, 0.1);

  const maskQueries = unit(add(words.segmentation, b.linear("decoder.mask.refine", decoded.masks, d)));
  const [, , h, w] = pyramid.concepts.shape;
  const concepts = reshape(pyramid.concepts, [n, d, h * w]);
  const length = sqrt(add(sum(mul(concepts, concepts), [1], true), 1e-6));
  const maskScale = exp(scale("mask.logScale", Math.log(12)));
  const cosine = div(matMul(maskQueries, concepts), div(length, maskScale));
  return {
    maskLogits: reshape(add(cosine, unsqueeze(bias, [2])), [n, k, h, w]),
    attention: words.attention,
    ...(config.depth && { depth: () => depthHead(b, pyramid) }),
    detection: {
      proposals: dense,
      proposalLogits,
      regionLogits: detectionLogits(regionFeatures),
      regionBoxes: refineBoxes(reference, deltas),
    },
    embedded: {
      maskNames: maskQueries,
      concepts,
      maskScale,
      regionNames: words.detection,
      regions: regionFeatures,
      regionScale: exp(regionLogScale),
    },
  };
}
