import type { DType, Shape } from "./tensor.js";

/** Pads are [begin of each axis..., end of each axis...], as ONNX writes them. */
export interface ConvAttributes {
  strides: readonly [number, number];
  pads: readonly [number, number, number, number];
  dilations: readonly [number, number];
  group: number;
}

export interface PoolAttributes {
  kernel: readonly [number, number];
  strides: readonly [number, number];
  pads: readonly [number, number, number, number];
}

export interface ReduceAttributes {
  axes: readonly number[];
  keepdims: boolean;
}

type None = Record<never, never>;

/**
 * The operators of our graphs and what each needs beside its tensors. All shapes are static, so what ONNX passes as
 * constant tensors (a Reshape's shape, a Slice's starts) are attributes here; `onnx/encoding.ts` says how each is written.
 */
export interface Attributes {
  Add: None;
  Sub: None;
  Mul: None;
  Div: None;
  Pow: None;
  Max: None;
  Min: None;
  Neg: None;
  Abs: None;
  Sign: None;
  Exp: None;
  Log: None;
  Sqrt: None;
  Reciprocal: None;
  Erf: None;
  Sin: None;
  Cos: None;
  Sigmoid: None;
  Tanh: None;
  Relu: None;
  LeakyRelu: { alpha: number };
  PRelu: None;
  Gelu: { approximate: "none" | "tanh" };
  HardSwish: None;
  Softplus: None;
  Floor: None;
  Round: None;
  Clip: { min: number; max: number };
  Identity: None;
  Cast: { to: DType };
  Equal: None;
  Greater: None;
  GreaterOrEqual: None;
  Less: None;
  LessOrEqual: None;
  And: None;
  Or: None;
  Not: None;
  Where: None;
  Reshape: { shape: Shape };
  Transpose: { perm: readonly number[] };
  Concat: { axis: number };
  Split: { axis: number; split: readonly number[] };
  Slice: { starts: readonly number[]; ends: readonly number[]; axes: readonly number[]; steps: readonly number[] };
  Pad: { pads: readonly number[]; value: number };
  Expand: { shape: Shape };
  Unsqueeze: { axes: readonly number[] };
  Squeeze: { axes: readonly number[] };
  Tile: { repeats: readonly number[] };
  Gather: { axis: number };
  GatherElements: { axis: number };
  ScatterElements: { axis: number; reduction: "none" | "add" };
  OneHot: { axis: number; depth: number };
  DepthToSpace: { blocksize: number; mode: "DCR" | "CRD" };
  SpaceToDepth: { blocksize: number };
  /** Nearest rounds down and is asymmetric; antialiasing goes with half pixels. */
  Resize: { sizes: Shape; mode: "nearest" | "linear"; alignment: "half_pixel" | "align_corners" | "asymmetric"; antialias: boolean };
  ReduceSum: ReduceAttributes;
  ReduceMean: ReduceAttributes;
  ReduceMax: ReduceAttributes;
  ReduceMin: ReduceAttributes;
  ReduceSumSquare: ReduceAttributes;
  ArgMax: { axis: number; keepdims: boolean };
  ArgMin: { axis: number; keepdims: boolean };
  TopK: { k: number; axis: number; largest: boolean };
  Softmax: { axis: number };
  LogSoftmax: { axis: number };
  MatMul: None;
  Gemm: { alpha: number; beta: number; transA: boolean; transB: boolean };
  Conv: ConvAttributes;
  ConvTranspose: ConvAttributes & { outputPadding: readonly [number, number] };
  AveragePool: PoolAttributes;
  MaxPool: PoolAttributes;
  GlobalAveragePool: None;
  BatchNormalization: { epsilon: number };
  LayerNormalization: { axis: number; epsilon: number };
  QuantizeLinear: { axis: number };
  DequantizeLinear: { axis: number };
}

export type Operator = keyof Attributes;
