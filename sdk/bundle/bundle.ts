import type { Weights } from "../graph/tensor.js";
import type { Network } from "../network/architecture.js";
import type { Sample } from "../training/dataset.js";
import type { Embeddings } from "./embeddings.js";
import type { EncodedExemplars, ExemplarSet } from "./exemplars.js";
import type { Golden } from "./golden.js";
import type { Description, Manifest } from "./manifest.js";
import type { Quantisation } from "./quantisation.js";

/** Paths inside a bundle. */
export const bundleFiles = {
  weights: "weights.safetensors",
  embeddings: "embeddings.safetensors",
  golden: "golden.safetensors",
  notice: "NOTICE",
  /** Of imported networks alone: the graph, whose parameters are inputs. */
  model: "model.onnx",
  /** Of bundles in int8 or float16 alone. */
  quantisation: "quantisation.json",
} as const;

/** A model on disk, read and verified. */
export interface Bundle {
  readonly directory: string;
  readonly manifest: Manifest;
  /** The manifest's network, with the graph where it is an imported one. */
  readonly network: Network;
  /** By the network's names, float32. */
  readonly weights: Weights;
  /** Of a bundle in int8 or float16: what of it is. */
  readonly quantisation?: Quantisation;
  readonly golden: Golden;
  /** The bundle's authors, data and terms. */
  readonly notice: string;
  embeddings(): Embeddings;
  /** Reads the labelled frames; `manifest.exemplars` says what their labels mean. Empty where there are none. Throws as `readBundle`. */
  exemplars(): Promise<Sample[]>;
  /** The same as files, for another generation of this bundle; undefined where there are none. Throws as `readBundle`. */
  exemplarFiles(): Promise<EncodedExemplars | undefined>;
}

/** What is needed to write one. */
export interface BundleContents {
  readonly description: Description;
  /** The graph of an imported network. */
  readonly model?: Uint8Array;
  readonly weights: Weights;
  /** Of a description in int8 or float16. */
  readonly quantisation?: Quantisation;
  readonly embeddings: Embeddings;
  readonly golden: Golden;
  readonly notice: string;
  readonly exemplars?: ExemplarSet | EncodedExemplars;
}
