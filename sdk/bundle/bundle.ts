import type { Weights } from "../graph/tensor.js";
import type { Sample } from "../training/dataset.js";
import type { Embeddings } from "./embeddings.js";
import type { EncodedExemplars, ExemplarSet } from "./exemplars.js";
import type { Golden } from "./golden.js";
import type { Description, Manifest } from "./manifest.js";

/** Paths inside a bundle. */
export const bundleFiles = {
  weights: "weights.safetensors",
  embeddings: "embeddings.safetensors",
  golden: "golden.safetensors",
  notice: "NOTICE",
} as const;

/** A model on disk, read and verified. */
export interface Bundle {
  readonly directory: string;
  readonly manifest: Manifest;
  /** By the network's names, float32. */
  readonly weights: Weights;
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
  readonly weights: Weights;
  readonly embeddings: Embeddings;
  readonly golden: Golden;
  readonly notice: string;
  readonly exemplars?: ExemplarSet | EncodedExemplars;
}
