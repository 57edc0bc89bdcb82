import type { Vocabulary } from "../bundle/embeddings.js";
import { type Failure, failureOf } from "../errors.js";
import type { Answer } from "./answer.js";
import type { EngineOptions } from "./engine.js";
import type { FrameSize, LoadedModel, Model } from "./model.js";
import type { NativeOnnxOptions } from "./native-onnx/runtime.js";
import type { TensorRtOptions } from "./tensorrt/runtime.js";

/** Who computes in a thread. */
export type RuntimeChoice =
  | { readonly kind: "onnxruntime" }
  | { readonly kind: "native"; readonly options: Pick<NativeOnnxOptions, "provider" | "library"> }
  | { readonly kind: "tensorrt"; readonly options: TensorRtOptions };

/** What an engine starts its thread with. */
export interface ThreadSetup {
  readonly runtime: RuntimeChoice;
  readonly options: Required<EngineOptions>;
  /** Of the `ExitGuard`. */
  readonly guard: SharedArrayBuffer;
}

/** What an engine asks of its thread. */
export type Request =
  | { readonly kind: "load"; readonly model: Model; readonly frames: readonly FrameSize[] }
  | { readonly kind: "vocabulary"; readonly vocabulary: Vocabulary | readonly string[] }
  | { readonly kind: "infer"; readonly frame: FrameSize; readonly rgb: Uint8Array<ArrayBuffer> }
  | { readonly kind: "unload" }
  | { readonly kind: "close" };

/** What the thread replies. */
export type Reply =
  | { readonly kind: "loaded"; readonly loaded: LoadedModel }
  | { readonly kind: "answer"; readonly answer: Answer & LoadedModel; readonly inferenceMs: number; readonly rgb: Uint8Array<ArrayBuffer> }
  | { readonly kind: "unloaded" }
  | { readonly kind: "closed" }
  | { readonly kind: "failure"; readonly failure: Failure };

/** A message either way; a reply has the number of its request. */
export interface Numbered<T> {
  readonly id: number;
  readonly body: T;
}

/** What went wrong in the thread; errors that carry no code of ours become `E_ENGINE`. */
export const engineFailure = (error: unknown): Failure => failureOf(error, { code: "E_ENGINE", expected: "an answer", remedy: "This is a fault of the engine: report it with this message." });
