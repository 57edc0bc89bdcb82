import type { HalfForm } from "../graph/half.js";
import type { Tensors } from "./onnxruntime.js";

/** A model that can be run, whoever runs it. */
export interface Session {
  /** Throws `E_ENGINE` or `E_TENSORRT` where names, types or shapes do not fit, `E_CLOSED` after `close`. */
  run(feeds: Tensors): Promise<Tensors>;
  close(): Promise<void>;
}

/** Who makes sessions of models, and in what form it takes them. */
export interface Runtime {
  /** For `InferenceOptions`. */
  readonly target: "onnxruntime" | "tensorrt";
  /** How it is given what a bundle has in float16. */
  readonly halves: HalfForm;
  /** `name` says what the model is, for people and for the names of files. */
  open(model: Uint8Array, name: string): Promise<Session>;
}
