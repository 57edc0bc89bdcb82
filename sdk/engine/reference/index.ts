export { toTensor, type NdArray } from "./array.js";
export { evaluate, type EvaluateOptions, type Feeds } from "./evaluate.js";
