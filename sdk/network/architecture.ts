import type { Value } from "../graph/graph.js";
import type { Builder } from "./builder.js";
import { textWidth, type NetworkConfig } from "./contract.js";
import { normalise } from "./image-encoder.js";
import { imported, type ImportedNetwork } from "./imported.js";
import { network as ownNetwork, type NetworkValues } from "./network.js";

/** A network that can be served and taught: our own, defined by its sizes, or one that came as an ONNX graph. */
export type Network = NetworkConfig | ImportedNetwork;

export const isImported = (network: Network): network is ImportedNetwork => "kind" in network;

/** Whether a network names pixels. Others only detect. */
export const answersMasks = (network: Network): boolean => (isImported(network) ? !("kind" in network.output) : (network.tasks?.includes("segmentation") ?? true));

/** Whether a network finds objects; one that does not is not scored on them. */
export const answersBoxes = (network: Network): boolean => (isImported(network) ? "kind" in network.output : (network.tasks?.includes("detection") ?? true));

/** Width of the embeddings that a network takes. */
export const textWidthOf = (network: Network): number => (isImported(network) ? textWidth : (network.textWidth ?? textWidth));

/** How a network is put into a graph. */
export interface Architecture {
  /** uint8 [N, H, W, 3] to float32 [N, 3, H, W], of which 0 is neutral: what a masked patch shows. */
  readonly normalise: (frames: Value) => Value;
  /** The network on normalised images; `text` [N, K + 2, d], `used` [N, K] as `network` takes them. */
  readonly onImage: (b: Builder, image: Value, text: Value, used: Value) => NetworkValues;
}

export const architectureOf = (network: Network): Architecture =>
  isImported(network) ? imported(network) : { normalise, onImage: (b, image, text, used) => ownNetwork(b, image, text, used, network) };
