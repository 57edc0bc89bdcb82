export type { Engine, EngineOptions } from "./engine.js";
export { checkGolden, goldenTolerance, makeGolden, testCard } from "./golden.js";
export { SwappableEngine } from "./hot-swap.js";
export type { BundleModel, FrameSize, LoadedModel, Model, NetworkModel, OnnxModel } from "./model.js";
export { OnnxSession, type SessionOptions, type Tensors } from "./onnxruntime.js";
export type { Perception, Timings } from "./perception.js";
export { availableProviders, checkProvider } from "./providers.js";
export { runModel } from "./run.js";
export { ThreadEngine } from "./thread-engine.js";
