/** How each attribute of our operators is written in ONNX: as an attribute, or as a constant input. */
import type { Attributes, Operator } from "../attributes.js";

export type AttributeKind = "int" | "ints" | "float" | "string" | "bool" | "dtype";

export type Encoding =
  | { readonly at: "attribute"; readonly name: string; readonly kind: AttributeKind; readonly absent?: number | readonly number[] | string }
  | { readonly at: "input"; readonly index: number; readonly kind: "ints" | "int" | "float"; readonly absent?: number };

const attribute = (name: string, kind: AttributeKind, absent?: number | readonly number[] | string): Encoding => ({
  at: "attribute",
  name,
  kind,
  absent,
});
const input = (index: number, kind: "ints" | "int" | "float", absent?: number): Encoding => ({ at: "input", index, kind, absent });

const reduce = { axes: input(1, "ints"), keepdims: attribute("keepdims", "bool", 1) };
const select = { axis: attribute("axis", "int", 0), keepdims: attribute("keepdims", "bool", 1) };
const pool = {
  kernel: attribute("kernel_shape", "ints"),
  strides: attribute("strides", "ints", [1, 1]),
  pads: attribute("pads", "ints", [0, 0, 0, 0]),
};
const conv = {
  strides: attribute("strides", "ints", [1, 1]),
  pads: attribute("pads", "ints", [0, 0, 0, 0]),
  dilations: attribute("dilations", "ints", [1, 1]),
  group: attribute("group", "int", 1),
};
const none = {};

export const encodings: { readonly [K in Operator]: { readonly [A in keyof Attributes[K]]: Encoding } } = {
  Add: none,
  Sub: none,
  Mul: none,
  Div: none,
  Pow: none,
  Max: none,
  Min: none,
  Neg: none,
  Abs: none,
  Sign: none,
  Exp: none,
  Log: none,
  Sqrt: none,
  Reciprocal: none,
  Erf: none,
  Sin: none,
  Cos: none,
  Sigmoid: none,
  Tanh: none,
  Relu: none,
  LeakyRelu: { alpha: attribute("alpha", "float", 0.01) },
  PRelu: none,
  Gelu: { approximate: attribute("approximate", "string", "none") },
  HardSwish: none,
  Softplus: none,
  Floor: none,
  Round: none,
  Clip: { min: input(1, "float", -3.4028234663852886e38), max: input(2, "float", 3.4028234663852886e38) },
  Identity: none,
  Cast: { to: attribute("to", "dtype") },
  Equal: none,
  Greater: none,
  GreaterOrEqual: none,
  Less: none,
  LessOrEqual: none,
  And: none,
  Or: none,
  Not: none,
  Where: none,
  Reshape: { shape: input(1, "ints") },
  Transpose: { perm: attribute("perm", "ints") },
  Concat: { axis: attribute("axis", "int") },
  Split: { axis: attribute("axis", "int", 0), split: input(1, "ints") },
  Slice: { starts: input(1, "ints"), ends: input(2, "ints"), axes: input(3, "ints"), steps: input(4, "ints") },
  Pad: { pads: input(1, "ints"), value: input(2, "float", 0) },
  Expand: { shape: input(1, "ints") },
  Unsqueeze: { axes: input(1, "ints") },
  Squeeze: { axes: input(1, "ints") },
  Tile: { repeats: input(1, "ints") },
  Gather: { axis: attribute("axis", "int", 0) },
  GatherElements: { axis: attribute("axis", "int", 0) },
  ScatterElements: { axis: attribute("axis", "int", 0), reduction: attribute("reduction", "string", "none") },
  OneHot: { axis: attribute("axis", "int", -1), depth: input(1, "int") },
  DepthToSpace: { blocksize: attribute("blocksize", "int"), mode: attribute("mode", "string", "DCR") },
  SpaceToDepth: { blocksize: attribute("blocksize", "int") },
  Resize: {
    sizes: input(3, "ints"),
    mode: attribute("mode", "string", "nearest"),
    alignment: attribute("coordinate_transformation_mode", "string", "half_pixel"),
    antialias: attribute("antialias", "bool", 0),
  },
  ReduceSum: reduce,
  ReduceMean: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
  ReduceSumSquare: reduce,
  ArgMax: select,
  ArgMin: select,
  TopK: { k: input(1, "ints"), axis: attribute("axis", "int", -1), largest: attribute("largest", "bool", 1) },
  Softmax: { axis: attribute("axis", "int", -1) },
  LogSoftmax: { axis: attribute("axis", "int", -1) },
  MatMul: none,
  Gemm: {
    alpha: attribute("alpha", "float", 1),
    beta: attribute("beta", "float", 1),
    transA: attribute("transA", "bool", 0),
    transB: attribute("transB", "bool", 0),
  },
  Conv: conv,
  ConvTranspose: { ...conv, outputPadding: attribute("output_padding", "ints", [0, 0]) },
  AveragePool: pool,
  MaxPool: pool,
  GlobalAveragePool: none,
  BatchNormalization: { epsilon: attribute("epsilon", "float", 1e-5) },
  LayerNormalization: { axis: attribute("axis", "int", -1), epsilon: attribute("epsilon", "float", 1e-5) },
  QuantizeLinear: { axis: attribute("axis", "int", 1) },
  DequantizeLinear: { axis: attribute("axis", "int", 1) },
};

/** Attributes that our operators always have in ONNX and that are written. */
export const fixedAttributes: { readonly [K in Operator]?: Readonly<Record<string, number | string>> } = {
  AveragePool: { count_include_pad: 1, ceil_mode: 0 },
  MaxPool: { ceil_mode: 0 },
};

/**
 * Further attributes that a model may have, with the values that say what we mean anyway. A model with any other value, or with
 * an attribute that is named nowhere in this file, is refused.
 */
export const acceptedAttributes: { readonly [K in Operator]?: Readonly<Record<string, readonly (number | string)[]>> } = {
  ArgMax: { select_last_index: [0] },
  ArgMin: { select_last_index: [0] },
  AveragePool: { auto_pad: ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"] },
  MaxPool: { auto_pad: ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"], storage_order: [0] },
  Conv: { auto_pad: ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"] },
  ConvTranspose: { auto_pad: ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"] },
  BatchNormalization: { training_mode: [0] },
  Cast: { saturate: [0, 1] },
  LayerNormalization: { stash_type: [1] },
  Pad: { mode: ["constant"] },
  QuantizeLinear: { saturate: [0, 1] },
  Reshape: { allowzero: [0, 1] },
  Resize: { exclude_outside: [0], keep_aspect_ratio_policy: ["stretch"] },
  /** In whichever order is asked for: descending is one. */
  TopK: { sorted: [0, 1] },
  ReduceSum: { noop_with_empty_axes: [0] },
  ReduceMean: { noop_with_empty_axes: [0] },
  ReduceMax: { noop_with_empty_axes: [0] },
  ReduceMin: { noop_with_empty_axes: [0] },
  ReduceSumSquare: { noop_with_empty_axes: [0] },
};

/** Attributes whose values do not matter for our forms, or are checked by the shapes they lead to. */
export const irrelevantAttributes: { readonly [K in Operator]?: readonly string[] } = {
  BatchNormalization: ["momentum"],
  Conv: ["kernel_shape"],
  ConvTranspose: ["kernel_shape", "output_shape"],
  Resize: ["nearest_mode", "cubic_coeff_a", "extrapolation_value"],
  Split: ["num_outputs"],
};

/** The values that a text attribute of ours may have. */
export const textValues: Readonly<Record<string, readonly string[]>> = {
  "Gelu.approximate": ["none", "tanh"],
  "ScatterElements.reduction": ["none", "add"],
  "DepthToSpace.mode": ["DCR", "CRD"],
  "Resize.mode": ["nearest", "linear"],
  "Resize.alignment": ["half_pixel", "align_corners", "asymmetric"],
};

/** Values of text attributes that mean one of ours, where `read.ts` says so. */
export const textAliases: Readonly<Record<string, string>> = { "Resize.alignment=pytorch_half_pixel": "half_pixel" };

/** What ONNX takes where a fixed attribute is absent. */
export const absentFixedAttributes: Readonly<Record<string, number | string>> = { count_include_pad: 0, ceil_mode: 0 };
