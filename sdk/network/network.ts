import type { Value } from "../graph/graph.js";
import { add, div, exp, gatherRows, matMul, mul, reduceMax, reshape, sqrt, stopGradient, sum, topK, unsqueeze } from "../graph/ops.js";
import { refineBoxes } from "./boxes.js";
import type { Builder } from "./builder.js";
import type { NetworkConfig } from "./contract.js";
import { depthHead } from "./depth-head.js";
import { imageEncoder } from "./image-encoder.js";
import { hideUnused, language } from "./language.js";
import { pixelDecoder, type Pyramid } from "./pixel-decoder.js";
import { boxCode, proposalDecoder } from "./proposal-decoder.js";
import { proposals, type Proposals } from "./proposals.js";
import { similarity, unit } from "./similarity.js";
import { unnamed } from "./unnamed.js";

export interface NetworkValues {
  /** [N, K, H / 4, W / 4]: similarity of each pixel's visual concept with each name's query; far below zero for unused names. */
  readonly maskLogits: Value;
  /** int64 or uint8 [N, 1, h, w] at stride 1 or 2, of networks that answer so finely: the index of each pixel's name; `noName` where they name none. */
  readonly fineMask?: Value;
  /** [N, S]: M of eq. 4 over the S patches of the last stage. */
  readonly attention: Value;
  /** Of networks that detect. */
  readonly detection?: DetectionValues;
  /** Of networks that tell depth: builds it, [N, 1, H / 4, W / 4] logarithms of metres, where it is wanted, as adapting has no use for it. */
  readonly depth?: () => Value;
  /** Of networks whose proposals can be aligned with names (eq. 6). */
  readonly embedded?: EmbeddedValues;
}

/** Boxes as they are answered. */
export interface DetectionValues {
  /** [N, R, K]: logits of the refined regions. */
  readonly regionLogits: Value;
  /** [N, R, 4]: refined boxes in pixels of the network's input. */
  readonly regionBoxes: Value;
  /** What the regions were chosen from, in networks of our own. */
  readonly dense?: DenseValues;
}

export interface DenseValues {
  readonly proposals: Proposals;
  /** [N, P, K]: logits of the dense proposals. */
  readonly proposalLogits: Value;
}

/** What masks and regions are classified by, of each task that the network has. */
export interface EmbeddedValues {
  readonly masks?: {
    /** t of eq. 6: [N, K, d], of unit length. */
    readonly names: Value;
    /** [N, d, H / 4 W / 4] */
    readonly concepts: Value;
    /** [1]: 1 / tau of eq. 7. */
    readonly scale: Value;
  };
  readonly regions?: {
    /** t of eq. 6: [N, K, d] */
    readonly names: Value;
    /** o of eq. 6: [N, R, d] */
    readonly features: Value;
    /** [1]: 1 / tau of eq. 7. */
    readonly scale: Value;
  };
}

/**
 * The whole network on a batch.
 *
 * @param image float32 [N, 3, H, W] at the network's input resolution, normalised (and perhaps masked)
 * @param text float32 [N, K + 2, d of the text encoder], E of eq. 2
 * @param used float32 [N, K]
 */
export function network(b: Builder, image: Value, text: Value, used: Value, config: NetworkConfig): NetworkValues {
  const pyramid = pixelDecoder(b, imageEncoder(b, image, config), config);
  const words = language(b, text, used, pyramid.levels[2], config);
  const regions = words.detection && regionsProposed(b, pyramid, words.detection, used, config);
  const decoded = proposalDecoder(b, { masks: words.segmentation, regions: regions?.queries }, used, pyramid.levels, config);
  const detection = regions && decoded.regions && regions.refined(decoded.regions);
  const masks = words.segmentation && decoded.masks && masksOf(b, pyramid, words.segmentation, decoded.masks, used, config);
  return {
    ...(masks ? { maskLogits: masks.maskLogits } : unnamed(used, config)),
    attention: words.attention,
    ...(config.depth && { depth: () => depthHead(b, pyramid) }),
    detection: detection?.values,
    embedded: { masks: masks?.embedded, regions: detection?.embedded },
  };
}

const scale = (b: Builder, name: string, start: number): Value => b.parameter(`decoder.${name}`, [1], { fill: start });

/** The dense proposals, the surest of them as queries, and what becomes of those once they are decoded. */
function regionsProposed(b: Builder, { levels }: Pyramid, names: Value, used: Value, config: NetworkConfig) {
  const d = config.embedding;
  const bias = hideUnused(used);
  const dense = proposals(b, levels, config);
  const regionLogScale = scale(b, "region.logScale", Math.log(10));
  const logits = (features: Value): Value => add(add(similarity(features, names, regionLogScale), scale(b, "region.offset", -5)), unsqueeze(bias, [1]));
  const proposalLogits = logits(dense.features);

  const [, best] = topK(reduceMax(proposalLogits, [2]), config.regions, 1);
  const pick = (x: Value): Value => stopGradient(gatherRows(x, best));
  const reference = pick(dense.boxes);
  const content = b.linear("decoder.region.content", pick(dense.features), d);
  return {
    queries: add(content, b.linear("decoder.region.place", boxCode(b, reference, config), d)),
    refined: (decoded: Value) => {
      const features = add(content, b.linear("decoder.region.refine", decoded, d));
      const deltas = b.linear("decoder.region.delta", decoded, 4, 0.1);
      return {
        values: { dense: { proposals: dense, proposalLogits }, regionLogits: logits(features), regionBoxes: refineBoxes(reference, deltas) },
        embedded: { names, features, scale: exp(regionLogScale) },
      };
    },
  };
}

function masksOf(b: Builder, { concepts: map }: Pyramid, names: Value, decoded: Value, used: Value, { embedding: d }: NetworkConfig) {
  const [n, k] = used.shape;
  const queries = unit(add(names, b.linear("decoder.mask.refine", decoded, d)));
  const [, , h, w] = map.shape;
  const concepts = reshape(map, [n, d, h * w]);
  const length = sqrt(add(sum(mul(concepts, concepts), [1], true), 1e-6));
  const maskScale = exp(scale(b, "mask.logScale", Math.log(12)));
  const cosine = div(matMul(queries, concepts), div(length, maskScale));
  return {
    maskLogits: reshape(add(cosine, unsqueeze(hideUnused(used), [2])), [n, k, h, w]),
    embedded: { names: queries, concepts, scale: maskScale },
  };
}
