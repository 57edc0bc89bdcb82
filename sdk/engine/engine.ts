import type { Vocabulary } from "../bundle/embeddings.js";
import type { Frame } from "../frame.js";
import type { FrameSize, LoadedModel, Model } from "./model.js";
import type { Perception } from "./perception.js";

/** Who computes. Calls are carried out in the order in which they were made. */
export interface Engine {
  /** What is served; undefined before the first `load`. */
  readonly loaded: LoadedModel | undefined;
  /**
   * Reads, checks and builds a model, runs it once for each size of `frames`, and serves it from then on. Where that fails, what was
   * served before still is. Throws `E_BUNDLE_*`, `E_WEIGHTS_NOT_FINITE`, `E_GOLDEN`, `E_VOCABULARY`, `E_ENGINE`, `E_CANCELLED`, `E_CLOSED`.
   */
  load(model: Model, frames?: readonly FrameSize[]): Promise<LoadedModel>;
  /**
   * Changes the vocabulary between two frames. Names alone are looked up in the embeddings of the bundle that is served.
   * Throws `E_VOCABULARY`, and then nothing has changed.
   */
  setVocabulary(vocabulary: Vocabulary | readonly string[]): Promise<LoadedModel>;
  /**
   * Answers a frame. The frame's pixels are copied before this returns, so their memory may be reused.
   * Throws `E_FRAME_SIZE`, `E_FRAME_FORMAT`, `E_ENGINE`, `E_CLOSED`.
   */
  infer(frame: Frame): Promise<Perception>;
  /** Frees the model and its memory; the engine can be loaded again. */
  unload(): Promise<void>;
  /** Finishes what was asked for, then frees everything. What TensorRT builds is given up: the load that needs it throws `E_CANCELLED`. */
  close(): Promise<void>;
}

/** Boxes that score less are not answered, unless told otherwise. */
export const defaultScoreThreshold = 0.3;

export interface EngineOptions {
  /** Threads that one operator may use. 2 unless told otherwise. */
  readonly threads?: number;
  /** An execution provider of ONNX Runtime; `cpu` unless told otherwise. */
  readonly provider?: string;
  /** Boxes that score less are not answered, 0 to 1. `defaultScoreThreshold` unless told otherwise. */
  readonly scoreThreshold?: number;
}
