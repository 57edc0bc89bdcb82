export type { Attributes, Operator } from "./attributes.js";
export { Graph, Value, isOperator, type Node } from "./graph.js";
export * from "./ops.js";
export { readOnnx } from "./onnx/read.js";
export { writeOnnx } from "./onnx/write.js";
export { float32, int64, sizeOf, type DType, type FloatTensor, type Shape, type Tensor, type Weights } from "./tensor.js";
