import type { EngineOptions } from "../engine.js";
import { ThreadEngine } from "../thread-engine.js";
import { NativeOnnxRuntime } from "./runtime.js";

/** ONNX Runtime from the native module. */
export class NativeOnnxEngine extends ThreadEngine {
  /** `library`: see `loadOnnxRuntime`. Throws `E_NATIVE`, `E_ONNXRUNTIME`, `E_PROVIDER`, `E_CONFIG`; nothing else is used in its place. */
  constructor({ provider, ...options }: EngineOptions = {}, library?: string) {
    const native = { provider, library };
    // Here and not only in the thread, so that whoever makes an engine is told at once.
    NativeOnnxRuntime.open(native);
    super(options, { kind: "native", options: native });
  }
}
