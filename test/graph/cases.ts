/** Cases for every operator: what the reference engine, ONNX Runtime, ONNX's files and the gradient rules are tested on. */
import type { Attributes, Operator } from "../../sdk/graph/attributes.js";
import type { Tensor } from "../../sdk/graph/tensor.js";
import { bools, distinct, int32s, int64s, int8s, positive, uint8s } from "./inputs.js";

export interface Case<A = Attributes[Operator]> {
  /** What is particular about the case. */
  readonly about: string;
  /** Float64 inputs become float32 values of the graph and are differentiated. */
  readonly inputs: readonly Tensor[];
  readonly attributes: A;
  /** Differentiating it is refused with `E_GRADIENT`. */
  readonly unsupported?: boolean;
  /** Largest difference from ONNX Runtime in float32, relative to the larger of 1 and the number. 2e-6 for floats, else 0, if not given. */
  readonly tolerance?: number;
}

type Cases<A> = readonly [Case<A>, ...Case<A>[]];
type Plain = Attributes["Add"];

const none = {};

const pairs = (from: (shape: readonly number[], seed: number) => Tensor): Cases<Plain> => [
  { about: "one shape", inputs: [from([2, 3], 1), from([2, 3], 2)], attributes: none },
  { about: "b repeated along the front", inputs: [from([2, 3, 4], 1), from([3, 1], 2)], attributes: none },
  { about: "both repeated", inputs: [from([3, 1, 2], 1), from([4, 1], 2)], attributes: none },
  { about: "a scalar first", inputs: [from([], 3), from([2, 3], 2)], attributes: none },
  { about: "an axis of 1 that stays", inputs: [from([1, 3], 3), from([1, 1, 3], 2)], attributes: none },
];

const integers: Case<Plain> = {
  about: "integers",
  inputs: [int32s([2, 3], [7, -7, 5, -2147483648, 9, 1]), int32s([3], [2, 3, -4])],
  attributes: none,
};

const singles = (from: (shape: readonly number[], seed: number) => Tensor): Cases<Attributes["Neg"]> => [
  { about: "three axes", inputs: [from([2, 3, 5], 1)], attributes: none },
  { about: "a scalar", inputs: [from([], 4)], attributes: none },
];

const wide = (shape: readonly number[], seed: number): Tensor => distinct(shape, seed, 9);

const float32s = (shape: readonly number[], values: readonly number[]): Tensor => ({ dtype: "float32", shape, data: Float32Array.from(values) });

const ordered: Cases<Attributes["Equal"]> = [
  { about: "floats", inputs: [distinct([2, 3]), distinct([3], 2)], attributes: none },
  { about: "floats with equal ones", inputs: [float32s([2, 3], [1, 2, 3, -1, 0, 2]), float32s([3], [1, 0.5, 3])], attributes: none },
  { about: "integers", inputs: [int64s([2, 2], [4, -4, 0, 7]), int64s([2, 1], [4, 7])], attributes: none },
];

const truths: Cases<Attributes["And"]> = [{ about: "both repeated", inputs: [bools([2, 1], [0, 1]), bools([2], [0, 1])], attributes: none }];

const reduced = (from: (shape: readonly number[], seed: number) => Tensor): Cases<Attributes["ReduceSum"]> => [
  { about: "the middle", inputs: [from([2, 3, 4], 1)], attributes: { axes: [1], keepdims: false } },
  { about: "two axes, kept", inputs: [from([2, 3, 4, 2], 1)], attributes: { axes: [0, 2], keepdims: true } },
  { about: "from the end, out of order", inputs: [from([2, 3, 4], 1)], attributes: { axes: [-1, 0], keepdims: false } },
  { about: "all", inputs: [from([2, 3], 1)], attributes: { axes: [0, 1], keepdims: false } },
];

const selected: Cases<Attributes["ArgMax"]> = [
  { about: "first axis", inputs: [distinct([3, 4])], attributes: { axis: 0, keepdims: false } },
  { about: "middle, kept", inputs: [distinct([2, 3, 4])], attributes: { axis: -2, keepdims: true } },
  { about: "ties", inputs: [float32s([2, 4], [1, 3, 3, 1, 2, 2, 2, 2])], attributes: { axis: 1, keepdims: false } },
];

const softened: Cases<Attributes["Softmax"]> = [
  { about: "last axis", inputs: [distinct([2, 3, 4])], attributes: { axis: -1 } },
  { about: "first axis", inputs: [wide([3, 4], 2)], attributes: { axis: 0 } },
  { about: "middle axis", inputs: [wide([2, 5, 3], 3)], attributes: { axis: 1 } },
];

const conv = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], group: 1 } as const;

const pools: Cases<Attributes["MaxPool"]> = [
  { about: "tiling", inputs: [distinct([2, 2, 4, 6])], attributes: { kernel: [2, 3], strides: [2, 3], pads: [0, 0, 0, 0] } },
  { about: "overlapping, uneven pads", inputs: [distinct([1, 2, 7, 5])], attributes: { kernel: [3, 2], strides: [2, 1], pads: [1, 0, 2, 1] } },
  { about: "a rest that no window covers", inputs: [distinct([1, 1, 6, 8])], attributes: { kernel: [2, 3], strides: [3, 2], pads: [0, 1, 0, 0] } },
  { about: "centred at stride 1", inputs: [distinct([1, 2, 4, 5])], attributes: { kernel: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] } },
  { about: "centred, unequal kernel", inputs: [distinct([1, 2, 4, 6])], attributes: { kernel: [3, 5], strides: [1, 1], pads: [1, 2, 1, 2] } },
  { about: "stride of 1 across, tile down", inputs: [distinct([1, 1, 5, 4])], attributes: { kernel: [2, 2], strides: [2, 1], pads: [0, 0, 0, 0] } },
  { about: "tiles that leave a row", inputs: [distinct([1, 2, 5, 6])], attributes: { kernel: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] } },
];

export const cases: { readonly [K in Operator]: Cases<Attributes[K]> } = {
  Add: [...pairs(distinct), integers],
  Sub: [...pairs(distinct), integers],
  Mul: [...pairs(distinct), integers],
  Div: [...pairs(positive), integers],
  Pow: [
    ...pairs(positive),
    { about: "a constant square of negative numbers", inputs: [distinct([2, 3]), float32s([], [2])], attributes: none },
  ],
  Max: [...pairs(distinct), integers],
  Min: [...pairs(distinct), integers],
  Neg: singles(distinct),
  Abs: singles(distinct),
  Sign: singles(distinct),
  Exp: singles(distinct),
  Log: singles(positive),
  Sqrt: singles(positive),
  Reciprocal: singles(positive),
  Erf: singles(wide),
  Sin: singles(wide),
  Cos: singles(wide),
  Sigmoid: singles(wide),
  Tanh: singles(wide),
  Relu: singles(distinct),
  LeakyRelu: [
    { about: "alpha 0.2", inputs: [distinct([2, 3])], attributes: { alpha: 0.2 } },
    { about: "alpha negative", inputs: [distinct([2, 3])], attributes: { alpha: -0.3 } },
  ],
  PRelu: [
    { about: "a slope for each channel", inputs: [distinct([2, 3, 2, 4]), distinct([3, 1, 1], 2)], attributes: none },
    { about: "a slope for each column", inputs: [distinct([2, 3]), distinct([3], 2)], attributes: none },
    { about: "one slope", inputs: [distinct([2, 3]), distinct([1], 2)], attributes: none },
  ],
  Gelu: [
    { about: "exact", inputs: [wide([2, 3, 4], 1)], attributes: { approximate: "none" } },
    { about: "tanh", inputs: [wide([2, 3, 4], 1)], attributes: { approximate: "tanh" } },
  ],
  HardSwish: singles(wide),
  Softplus: singles((shape, seed) => distinct(shape, seed, 40)),
  Floor: singles(wide),
  Round: [...singles(wide), { about: "halves to even", inputs: [float32s([6], [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])], attributes: none }],
  Clip: [
    { about: "both sides", inputs: [distinct([3, 4])], attributes: { min: -0.53, max: 0.81 } },
    { about: "below only", inputs: [distinct([3, 4])], attributes: { min: 0.1, max: Infinity } },
    { about: "integers", inputs: [int64s([4], [-9, 2, 40, 7])], attributes: { min: 0, max: 10 } },
    { about: "bytes", inputs: [uint8s([4], [0, 2, 255, 7])], attributes: { min: 1, max: 250 } },
  ],
  Identity: singles(distinct),
  Cast: [
    { about: "float to float64", inputs: [distinct([2, 3])], attributes: { to: "float64" } },
    { about: "float to int32 truncates", inputs: [wide([2, 5], 1)], attributes: { to: "int32" } },
    { about: "float to bool", inputs: [float32s([4], [0, -0, 0.3, -2])], attributes: { to: "bool" } },
    { about: "bool to float", inputs: [bools([3], [0, 1, 1])], attributes: { to: "float32" } },
    { about: "bytes to float", inputs: [uint8s([3], [0, 128, 255])], attributes: { to: "float32" } },
    { about: "int64 to int32", inputs: [int64s([3], [0, -7, 2147483647])], attributes: { to: "int32" } },
    { about: "int32 to uint8 wraps", inputs: [int32s([3], [300, -1, 5])], attributes: { to: "uint8" } },
  ],
  Equal: ordered,
  Greater: ordered,
  GreaterOrEqual: ordered,
  Less: ordered,
  LessOrEqual: ordered,
  And: truths,
  Or: truths,
  Not: [{ about: "both", inputs: [bools([1, 2], [0, 1])], attributes: none }],
  Where: [
    { about: "one shape", inputs: [bools([2, 3], [0, 1, 1, 1, 0, 0]), distinct([2, 3]), distinct([2, 3], 2)], attributes: none },
    { about: "all repeated", inputs: [bools([2, 1, 1], [0, 1]), distinct([3, 1]), distinct([4], 2)], attributes: none },
    { about: "scalars", inputs: [bools([2, 3], [0, 1, 1, 1, 0, 0]), distinct([]), distinct([], 2)], attributes: none },
  ],
  Reshape: [
    { about: "split and join", inputs: [distinct([2, 3, 4])], attributes: { shape: [3, 2, 2, 2] } },
    { about: "to a scalar", inputs: [distinct([1, 1])], attributes: { shape: [] } },
  ],
  Transpose: [
    { about: "a cycle of three", inputs: [distinct([2, 3, 4])], attributes: { perm: [1, 2, 0] } },
    { about: "a cycle of four", inputs: [distinct([2, 3, 4, 5])], attributes: { perm: [2, 0, 3, 1] } },
  ],
  Concat: [
    { about: "unequal parts, middle", inputs: [distinct([2, 1, 3]), distinct([2, 4, 3], 2), distinct([2, 2, 3], 3)], attributes: { axis: 1 } },
    { about: "from the end", inputs: [distinct([2, 3]), distinct([2, 1], 2)], attributes: { axis: -1 } },
    { about: "one part", inputs: [distinct([2, 3])], attributes: { axis: 0 } },
  ],
  Split: [
    { about: "unequal parts, middle", inputs: [distinct([2, 6, 3])], attributes: { axis: 1, split: [1, 3, 2] } },
    { about: "from the end", inputs: [distinct([3, 5])], attributes: { axis: -1, split: [4, 1] } },
  ],
  Slice: [
    { about: "two axes, a step", inputs: [distinct([4, 7])], attributes: { starts: [1, 0], ends: [3, 7], axes: [0, 1], steps: [1, 3] } },
    { about: "a step that ends before the last", inputs: [distinct([8, 2])], attributes: { starts: [1], ends: [7], axes: [0], steps: [2] } },
    { about: "backwards", inputs: [distinct([3, 5])], attributes: { starts: [-1], ends: [-6], axes: [1], steps: [-1] } },
    { about: "backwards in steps", inputs: [distinct([3, 8])], attributes: { starts: [6], ends: [0], axes: [-1], steps: [-2] } },
    { about: "beyond the ends", inputs: [distinct([3, 4])], attributes: { starts: [-100], ends: [2147483647], axes: [0], steps: [2] } },
    { about: "one element, backwards", inputs: [distinct([5])], attributes: { starts: [3], ends: [2], axes: [0], steps: [-4] } },
  ],
  Pad: [
    { about: "uneven", inputs: [distinct([2, 3])], attributes: { pads: [1, 0, 2, 3], value: 0 } },
    { about: "a value", inputs: [distinct([1, 2, 3])], attributes: { pads: [0, 2, 1, 0, 0, 1], value: -1.5 } },
    { about: "cropping", inputs: [distinct([4, 5])], attributes: { pads: [-1, 2, 0, -2], value: 0.25 } },
    { about: "int64", inputs: [int64s([2], [5, 6])], attributes: { pads: [1, 2], value: -3 } },
  ],
  Expand: [
    { about: "new axes and repeats", inputs: [distinct([3, 1])], attributes: { shape: [2, 3, 4] } },
    { about: "a shape smaller than x", inputs: [distinct([2, 1, 3])], attributes: { shape: [4, 1] } },
    { about: "a scalar", inputs: [distinct([])], attributes: { shape: [2, 3] } },
  ],
  Unsqueeze: [
    { about: "front and end", inputs: [distinct([2, 3])], attributes: { axes: [0, -1] } },
    { about: "out of order", inputs: [distinct([2, 3])], attributes: { axes: [3, 1] } },
  ],
  Squeeze: [{ about: "front and end", inputs: [distinct([1, 2, 3, 1])], attributes: { axes: [-1, 0] } }],
  Tile: [
    { about: "unequal", inputs: [distinct([2, 3])], attributes: { repeats: [3, 2] } },
    { about: "one axis", inputs: [distinct([2, 1, 3])], attributes: { repeats: [1, 4, 1] } },
  ],
  Gather: [
    { about: "middle, repeated and negative", inputs: [distinct([2, 4, 3]), int64s([2, 2], [3, 0, -1, 3])], attributes: { axis: 1 } },
    { about: "a scalar index", inputs: [distinct([3, 2]), int64s([], [1])], attributes: { axis: 0 } },
    { about: "last axis, int32", inputs: [distinct([2, 3]), int32s([4], [2, 2, 0, -3])], attributes: { axis: -1 } },
    { about: "a scalar index, first of three", inputs: [distinct([3, 2, 2]), int64s([], [-1])], attributes: { axis: 1 } },
  ],
  GatherElements: [
    { about: "repeated and negative", inputs: [distinct([3, 4]), int64s([2, 4], [0, -1, 2, 0, 1, 2, 2, -3])], attributes: { axis: 0 } },
    { about: "fewer rows than x", inputs: [distinct([3, 4]), int64s([2, 5], [0, 1, 2, 3, -1, 3, 3, 0, 0, -4])], attributes: { axis: -1 } },
  ],
  ScatterElements: [
    { about: "replaces", inputs: [distinct([3, 4]), int64s([2, 2], [0, 3, -1, 1]), distinct([2, 2], 2)], attributes: { axis: 1, reduction: "none" } },
    { about: "adds, repeated and negative", inputs: [distinct([3, 4]), int64s([3, 2], [0, 2, 0, -1, 1, 2]), distinct([3, 2], 2)], attributes: { axis: 0, reduction: "add" } },
  ],
  OneHot: [
    { about: "last axis, beyond the depth", inputs: [int64s([2, 3], [0, 3, 4, -1, 2, -9])], attributes: { axis: -1, depth: 4 } },
    { about: "front", inputs: [int64s([3], [2, 0, 1])], attributes: { axis: 0, depth: 3 } },
    { about: "middle", inputs: [int64s([2, 2], [0, 1, 2, 0])], attributes: { axis: 1, depth: 3 } },
  ],
  DepthToSpace: [
    { about: "DCR", inputs: [distinct([2, 8, 2, 3])], attributes: { blocksize: 2, mode: "DCR" } },
    { about: "CRD", inputs: [distinct([2, 8, 2, 3])], attributes: { blocksize: 2, mode: "CRD" } },
    { about: "blocks of 3", inputs: [distinct([1, 18, 1, 2])], attributes: { blocksize: 3, mode: "CRD" } },
  ],
  SpaceToDepth: [
    { about: "blocks of 2", inputs: [distinct([2, 3, 4, 6])], attributes: { blocksize: 2 } },
    { about: "blocks of 3", inputs: [distinct([1, 2, 3, 6])], attributes: { blocksize: 3 } },
  ],
  Resize: [
    { about: "nearest, larger", inputs: [distinct([1, 2, 3, 4])], attributes: { sizes: [1, 2, 6, 10], mode: "nearest", alignment: "asymmetric", antialias: false } },
    { about: "nearest, smaller", inputs: [distinct([1, 2, 7, 10])], attributes: { sizes: [1, 2, 3, 4], mode: "nearest", alignment: "asymmetric", antialias: false } },
    { about: "nearest, channels too", inputs: [distinct([1, 2, 3, 2])], attributes: { sizes: [2, 4, 3, 4], mode: "nearest", alignment: "asymmetric", antialias: false }, unsupported: true },
    { about: "linear, larger", inputs: [distinct([1, 2, 3, 4])], attributes: { sizes: [1, 2, 7, 8], mode: "linear", alignment: "half_pixel", antialias: false } },
    { about: "linear, smaller without antialias", inputs: [distinct([2, 1, 9, 8])], attributes: { sizes: [2, 1, 4, 2], mode: "linear", alignment: "half_pixel", antialias: false } },
    { about: "linear, corners aligned, larger", inputs: [distinct([1, 2, 3, 4])], attributes: { sizes: [1, 2, 7, 9], mode: "linear", alignment: "align_corners", antialias: false } },
    { about: "linear, corners aligned, smaller and to one", inputs: [distinct([1, 2, 5, 4])], attributes: { sizes: [1, 2, 3, 1], mode: "linear", alignment: "align_corners", antialias: false } },
    { about: "linear, asymmetric", inputs: [distinct([1, 2, 3, 5])], attributes: { sizes: [1, 2, 7, 3], mode: "linear", alignment: "asymmetric", antialias: false } },
    { about: "linear, smaller with antialias", inputs: [distinct([1, 2, 9, 8])], attributes: { sizes: [1, 2, 4, 2], mode: "linear", alignment: "half_pixel", antialias: true } },
    { about: "antialias, one axis larger", inputs: [distinct([1, 1, 9, 3])], attributes: { sizes: [1, 1, 5, 7], mode: "linear", alignment: "half_pixel", antialias: true } },
    { about: "linear, one axis stays", inputs: [distinct([1, 2, 3, 5])], attributes: { sizes: [1, 2, 3, 8], mode: "linear", alignment: "half_pixel", antialias: false } },
    { about: "channels last, with antialias", inputs: [distinct([1, 8, 7, 3])], attributes: { sizes: [1, 3, 5, 3], mode: "linear", alignment: "half_pixel", antialias: true }, unsupported: true },
    {
      about: "bytes, channels last, with antialias",
      inputs: [uint8s([1, 4, 6, 3], Array.from({ length: 72 }, (_, i) => (i * 151) % 256))],
      attributes: { sizes: [1, 3, 2, 3], mode: "linear", alignment: "half_pixel", antialias: true },
      tolerance: 1,
    },
    { about: "linear of a matrix", inputs: [distinct([3, 4])], attributes: { sizes: [5, 6], mode: "linear", alignment: "half_pixel", antialias: false } },
  ],
  ReduceSum: reduced(distinct),
  ReduceMean: reduced(distinct),
  ReduceMax: reduced(distinct),
  ReduceMin: reduced(distinct),
  ReduceSumSquare: reduced(distinct),
  ArgMax: selected,
  ArgMin: selected,
  TopK: [
    { about: "largest, last axis", inputs: [distinct([2, 5])], attributes: { k: 3, axis: -1, largest: true } },
    { about: "smallest, first axis", inputs: [distinct([4, 3])], attributes: { k: 2, axis: 0, largest: false } },
    { about: "ties", inputs: [float32s([1, 6], [1, 3, 2, 3, 2, 1])], attributes: { k: 4, axis: 1, largest: true } },
    { about: "middle, all", inputs: [distinct([2, 3, 2])], attributes: { k: 3, axis: 1, largest: true } },
  ],
  Softmax: softened,
  LogSoftmax: softened,
  MatMul: [
    { about: "matrices", inputs: [distinct([2, 3]), distinct([3, 4], 2)], attributes: none },
    { about: "batches", inputs: [distinct([2, 3, 4]), distinct([2, 4, 2], 2)], attributes: none },
    { about: "one matrix for all", inputs: [distinct([3, 2, 4]), distinct([4, 2], 2)], attributes: none },
    { about: "both repeated", inputs: [distinct([3, 1, 2, 4]), distinct([2, 4, 3], 2)], attributes: none },
    { about: "one matrix on the left", inputs: [distinct([2, 4]), distinct([3, 4, 3], 2)], attributes: none },
  ],
  Gemm: [
    { about: "plain", inputs: [distinct([2, 3]), distinct([3, 4], 2), distinct([4], 3)], attributes: { alpha: 1, beta: 1, transA: false, transB: false } },
    { about: "both transposed, scaled", inputs: [distinct([3, 2]), distinct([4, 3], 2), distinct([2, 1], 3)], attributes: { alpha: 0.5, beta: -2, transA: true, transB: true } },
    { about: "B transposed, no C", inputs: [distinct([2, 3]), distinct([4, 3], 2)], attributes: { alpha: 2, beta: 1, transA: false, transB: true } },
    { about: "A transposed, a scalar C", inputs: [distinct([3, 2]), distinct([3, 4], 2), distinct([], 3)], attributes: { alpha: 1, beta: 0.5, transA: true, transB: false } },
  ],
  Conv: [
    { about: "1x1", inputs: [distinct([2, 3, 2, 4]), distinct([4, 3, 1, 1], 2), distinct([4], 3)], attributes: conv },
    { about: "1x1 at stride 2", inputs: [distinct([1, 2, 5, 4]), distinct([3, 2, 1, 1], 2)], attributes: { ...conv, strides: [2, 2] } },
    { about: "3x3 padded", inputs: [distinct([2, 2, 4, 5]), distinct([3, 2, 3, 3], 2), distinct([3], 3)], attributes: { ...conv, pads: [1, 1, 1, 1] } },
    { about: "unequal kernel, uneven pads, dilated", inputs: [distinct([1, 2, 5, 7]), distinct([3, 2, 2, 3], 2)], attributes: { ...conv, pads: [1, 0, 0, 2], dilations: [2, 1] } },
    { about: "stride unlike dilation", inputs: [distinct([1, 2, 8, 9]), distinct([2, 2, 3, 2], 2)], attributes: { ...conv, strides: [3, 2], dilations: [2, 3], pads: [2, 1, 0, 3] } },
    { about: "pads beyond the kernel", inputs: [distinct([1, 1, 3, 4]), distinct([2, 1, 2, 2], 2)], attributes: { ...conv, pads: [2, 3, 1, 2] } },
    { about: "groups", inputs: [distinct([2, 4, 4, 3]), distinct([6, 2, 2, 3], 2), distinct([6], 3)], attributes: { ...conv, group: 2, pads: [0, 1, 1, 1] } },
    { about: "groups at stride 2", inputs: [distinct([2, 4, 5, 6]), distinct([6, 2, 3, 2], 2)], attributes: { ...conv, group: 2, strides: [2, 1], pads: [1, 1, 0, 0] } },
    { about: "depthwise, dilated", inputs: [distinct([1, 3, 6, 5]), distinct([3, 1, 3, 3], 2)], attributes: { ...conv, group: 3, dilations: [2, 1], pads: [2, 1, 2, 1] } },
    { about: "patches", inputs: [distinct([1, 3, 4, 6]), distinct([2, 3, 2, 3], 2)], attributes: { ...conv, strides: [2, 3] } },
  ],
  ConvTranspose: [
    { about: "plain", inputs: [distinct([2, 3, 2, 3]), distinct([3, 2, 2, 3], 2), distinct([2], 3)], attributes: { ...conv, outputPadding: [0, 0] } },
    { about: "strides, uneven pads, output padding", inputs: [distinct([1, 2, 3, 2]), distinct([2, 3, 3, 2], 2)], attributes: { ...conv, strides: [2, 3], pads: [1, 0, 0, 1], outputPadding: [1, 2] } },
    { about: "groups, dilated", inputs: [distinct([1, 4, 3, 4]), distinct([4, 3, 2, 3], 2), distinct([6], 3)], attributes: { ...conv, group: 2, strides: [1, 2], dilations: [3, 1], pads: [1, 2, 2, 0], outputPadding: [0, 1] } },
    { about: "depthwise", inputs: [distinct([2, 3, 2, 3]), distinct([3, 1, 2, 2], 2)], attributes: { ...conv, group: 3, strides: [2, 2], outputPadding: [0, 0] } },
    { about: "1x1", inputs: [distinct([2, 3, 2, 3]), distinct([3, 2, 1, 1], 2)], attributes: { ...conv, outputPadding: [0, 0] } },
  ],
  AveragePool: pools,
  MaxPool: pools,
  GlobalAveragePool: [{ about: "unequal height and width", inputs: [distinct([2, 3, 4, 5])], attributes: none }],
  BatchNormalization: [
    { about: "images", inputs: [distinct([2, 3, 2, 4]), distinct([3], 2), distinct([3], 3), distinct([3], 4), positive([3])], attributes: { epsilon: 1e-3 } },
    { about: "rows", inputs: [distinct([4, 3]), distinct([3], 2), distinct([3], 3), distinct([3], 4), positive([3])], attributes: { epsilon: 0.5 } },
  ],
  LayerNormalization: [
    { about: "last axis", inputs: [distinct([2, 3, 4]), distinct([4], 2), distinct([4], 3)], attributes: { axis: -1, epsilon: 1e-3 } },
    { about: "two axes", inputs: [distinct([2, 3, 4]), distinct([3, 4], 2), distinct([3, 4], 3)], attributes: { axis: 1, epsilon: 0.1 } },
    { about: "all, no bias", inputs: [distinct([5]), distinct([5], 2)], attributes: { axis: 0, epsilon: 1e-5 } },
  ],
  QuantizeLinear: [
    { about: "int8 rows", inputs: [float32s([2, 3], [-70, 0, 63, 2.5, 0.07, -9]), float32s([2], [0.5, 0.03]), int8s([2], [0, 0])], attributes: { axis: 0 } },
    { about: "uint8 channels with zero points", inputs: [float32s([1, 3, 2], [-70, 63, 0.1, -0.2, 300, -300]), float32s([3], [0.5, 0.03, 2]), uint8s([3], [128, 3, 0])], attributes: { axis: 1 } },
    { about: "one scale, halves to even", inputs: [float32s([6], [-1, 0.25, 0.75, 1.25, 900, 31]), float32s([], [0.5]), uint8s([], [4])], attributes: { axis: 0 } },
  ],
  DequantizeLinear: [
    { about: "int8 rows", inputs: [int8s([2, 3], [-128, 0, 127, 5, -6, 7]), float32s([2], [0.5, 0.03])], attributes: { axis: 0 } },
    { about: "uint8 channels with zero points", inputs: [uint8s([1, 3, 2], [0, 255, 7, 8, 128, 1]), float32s([3], [0.5, 0.03, 2]), uint8s([3], [128, 3, 0])], attributes: { axis: 1 } },
    { about: "one scale", inputs: [int32s([3], [70000, -2, 5]), float32s([], [0.25])], attributes: { axis: 0 } },
    { about: "a scale to differentiate", inputs: [int8s([2, 2], [1, 2, 3, 4]), positive([])], attributes: { axis: 0 }, unsupported: true },
  ],
};

/** All cases, each with the operator that it is of. */
export const allCases: readonly { readonly operator: Operator; readonly given: Case }[] = (Object.keys(cases) as Operator[]).flatMap(
  (operator) => (cases[operator] as readonly Case[]).map((given) => ({ operator, given })),
);
