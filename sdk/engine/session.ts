import type { HalfForm } from "../graph/half.js";
import type { Tensors } from "./onnxruntime.js";

/** A model that can be run, whoever runs it. */
export interface Session {
  /** Throws `E_ENGINE` or `E_TENSORRT` where names, types or shapes do not fit, `E_CLOSED` after `close`. */
  run(feeds: Tensors): Promise<Tensors>;
  close(): Promise<void>;
}

/**
 * A model that hands a state of float32 tensors on from one run to the next: for every tensor of it there is an input of that name, and an output of that name
 * after a prefix. Whoever runs it keeps the state where it is computed, and may write the next where the last was (see `writeStep`).
 */
export interface StepSession {
  /** Goes from the present state to the next; answers with the outputs that are no state. Throws `E_ENGINE` where names, types or shapes do not fit, and then the state stays; `E_CLOSED` after `close`. */
  step(feeds: Tensors): Promise<Tensors>;
  /** A tensor of the present state. The numbers may be the session's own: copy what must outlive the next step. */
  read(name: string): Float32Array;
  /** Changes a tensor of the present state in place. */
  change(name: string, change: (numbers: Float32Array) => void): void;
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
