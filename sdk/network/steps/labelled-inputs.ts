import type { Graph, Value } from "../../graph/graph.js";
import { textWidthOf, type Network } from "../architecture.js";
import type { BoxTargets } from "../losses/detection.js";

/** Sizes of a labelled batch. */
export interface LabelledSizes {
  /** Images in a batch. */
  readonly batch: number;
  /** K, the padded size of each sample's vocabulary. */
  readonly names: number;
  /** Boxes a sample at most. */
  readonly boxes: number;
}

/** A labelled batch as inputs of a step. */
export interface LabelledInputs {
  /** uint8 [N, H, W, 3] */
  readonly frames: Value;
  /** [N, K + 2, d], E of eq. 2 for each sample. */
  readonly text: Value;
  /** [N, K] of 1 and 0. */
  readonly used: Value;
  /** uint8 [N, H / 4, W / 4]: index into the sample's names; 255 is ignored. */
  readonly labels: Value;
  /** [N]: 1 where the sample's mask is labelled, 0 where it is not. */
  readonly hasMask: Value;
  readonly boxes: BoxTargets;
}

/** Adds the inputs frames, labels, text, used, boxes [N, G, 4], boxLabels [N, G], hasMask and hasBoxes [N] to a graph; `supervisedFeeds` makes what is fed to them. */
export function labelledInputs(graph: Graph, network: Network, { batch: n, names: k, boxes: g }: LabelledSizes): LabelledInputs {
  const { height, width } = network;
  const frames = graph.input("frames", "uint8", [n, height, width, 3]);
  const labels = graph.input("labels", "uint8", [n, height / 4, width / 4]);
  const text = graph.input("text", "float32", [n, k + 2, textWidthOf(network)]);
  const used = graph.input("used", "float32", [n, k]);
  const boxes = graph.input("boxes", "float32", [n, g, 4]);
  const boxLabels = graph.input("boxLabels", "int64", [n, g]);
  const hasMask = graph.input("hasMask", "float32", [n]);
  const hasBoxes = graph.input("hasBoxes", "float32", [n]);
  return { frames, text, used, labels, hasMask, boxes: { boxes, labels: boxLabels, labelled: hasBoxes } };
}
