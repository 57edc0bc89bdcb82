/** A way to change the weights that serve. */
export type SwapPolicy =
  /** A second session of ONNX Runtime. */
  | { readonly engine: "onnxruntime"; readonly name: "second session" }
  /** One session, which is given the weights that differ with every frame. */
  | { readonly engine: "onnxruntime"; readonly name: "weights as inputs" }
  /** A second engine, built from the model. */
  | { readonly engine: "tensorrt"; readonly name: "rebuild" }
  /** A second engine from the plan of the first, its weights exchanged before it serves. */
  | { readonly engine: "tensorrt"; readonly name: "refit" }
  | { readonly engine: "tensorrt"; readonly name: "weights as inputs" };

/** ONNX Runtime cannot exchange the weights of a session that is open. */
export const policies: readonly SwapPolicy[] = [
  { engine: "onnxruntime", name: "second session" },
  { engine: "onnxruntime", name: "weights as inputs" },
  { engine: "tensorrt", name: "rebuild" },
  { engine: "tensorrt", name: "refit" },
  { engine: "tensorrt", name: "weights as inputs" },
];
