import type { Vocabulary } from "../bundle/embeddings.js";
import type { Quantisation } from "../bundle/quantisation.js";
import type { Trust } from "../bundle/signature.js";
import { NightshiftError } from "../errors.js";
import type { Weights } from "../graph/tensor.js";
import type { Network } from "../network/architecture.js";
import type { VocabularySize } from "../network/contract.js";

/** Pixels of a camera's frames. */
export interface FrameSize {
  readonly width: number;
  readonly height: number;
}

/** A bundle on disk. It is read in the engine's thread and must reproduce its golden outputs. */
export interface BundleModel {
  readonly kind: "bundle";
  readonly directory: string;
  /** Names in the bundle's embeddings, or names with their embeddings. The manifest's vocabulary unless told otherwise. */
  readonly vocabulary?: Vocabulary | readonly string[];
  /** Keys of which one must have signed it; any bundle is read where none are given. */
  readonly trust?: Trust;
}

/** Weights in memory, as training has them. */
export interface NetworkModel {
  readonly kind: "network";
  readonly network: Network;
  readonly weights: Weights;
  /** Deploys them in int8 or float16. */
  readonly quantisation?: Quantisation;
  readonly generation: number;
  readonly vocabulary: Vocabulary;
}

/** An ONNX file with the inputs and outputs of the network's contract, for one size of frames and of vocabulary. */
export interface OnnxModel {
  readonly kind: "onnx";
  readonly model: Uint8Array;
  /** Of the frames that it takes, pixels. */
  readonly frame: FrameSize;
  /** Of the masks that it answers, pixels. */
  readonly network: FrameSize;
  readonly names: VocabularySize;
  readonly generation: number;
  readonly vocabulary: Vocabulary;
}

/** What an engine can be loaded with. */
export type Model = BundleModel | NetworkModel | OnnxModel;

/** What an engine says about the model that it serves. */
export interface LoadedModel {
  readonly generation: number;
  /** Pixels of the network's input, which is the mask's size. */
  readonly network: FrameSize;
  readonly vocabulary: readonly string[];
}

/** The same model with another vocabulary. Throws `E_VOCABULARY` for names alone where the model is no bundle, which could embed them. */
export function withVocabulary(model: Model, vocabulary: Vocabulary | readonly string[]): Model {
  if (model.kind === "bundle") return { ...model, vocabulary };
  if ("names" in vocabulary) return { ...model, vocabulary };
  throw new NightshiftError("E_VOCABULARY", {
    expected: "names with their embeddings, as this model is no bundle",
    received: "names alone",
    remedy: "Encode the names with the text encoder first.",
  });
}
