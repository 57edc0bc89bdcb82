import type { EngineOptions } from "../engine.js";
import { ThreadEngine } from "../thread-engine.js";
import { type TensorRtOptions, TensorRtRuntime } from "./runtime.js";

/**
 * TensorRT on the machine's first GPU. Engines come from the cache, or are built where the cache has not exactly the one that is needed, which takes
 * minutes: build them before with `nightshift build`. A bundle needs one for its golden frame and one for each size of frames.
 */
export class TensorRtEngine extends ThreadEngine {
  /** Throws `E_NATIVE`, `E_TENSORRT_MISSING`, `E_TENSORRT_VERSION`, `E_GPU`, `E_CONFIG`; nothing else is used in TensorRT's place. */
  constructor(options: Pick<EngineOptions, "scoreThreshold"> = {}, tensorRt: TensorRtOptions = {}) {
    // Here and not only in the thread, so that whoever makes an engine is told at once.
    TensorRtRuntime.open(tensorRt, { onNotice: () => undefined });
    super(options, { kind: "tensorrt", options: tensorRt });
  }
}
