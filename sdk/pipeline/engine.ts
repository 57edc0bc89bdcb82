import type { Engine } from "../engine/engine.js";
import { NativeOnnxEngine } from "../engine/native-onnx/engine.js";
import { TensorRtEngine } from "../engine/tensorrt/engine.js";
import { ThreadEngine } from "../engine/thread-engine.js";
import { NightshiftError } from "../errors.js";
import type { NightshiftOptions } from "./options.js";

/** Makes who computes, as the options say. Throws `E_CONFIG` for a provider where there are none, and as the engine does. */
export function createEngine({ engine = "onnxruntime", provider, threads, scoreThreshold }: Pick<NightshiftOptions, "engine" | "provider" | "threads" | "scoreThreshold">): Engine {
  const settings = { threads, scoreThreshold };
  switch (engine) {
    case "onnxruntime":
      return new ThreadEngine({ ...settings, provider });
    case "native":
      return new NativeOnnxEngine({ ...settings, provider });
    case "tensorrt":
      if (provider === undefined) return new TensorRtEngine(settings);
      throw new NightshiftError("E_CONFIG", { expected: "no provider for TensorRT, which runs without ONNX Runtime", received: provider, remedy: "Leave the provider out, or choose the engine native." });
  }
}
