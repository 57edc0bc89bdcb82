/** One gradient rule for each operator. The line above a rule is its mathematics; g is the gradient of y. */
import type { Operator } from "../graph/attributes.js";
import type { Value } from "../graph/graph.js";
import {
  add, cast, clip, concat, cos, depthToSpace, div, equal, exp, expand, gatherElements, greater, greaterOrEqual, indicator, less,
  lessOrEqual, log, matMul, mean, min, mul, neg, pad, pow, reciprocal, reshape, sigmoid, sign, sin, slice, spaceToDepth, sqrt, sub,
  sum, transpose, transposeLast,
} from "../graph/ops.js";
import { normalAxis, reducedShape } from "../graph/shapes.js";
import { sizeOf } from "../graph/tensor.js";
import { convInputGradient, convWeightGradient } from "./convolution.js";
import { unresize, unslice, zeros } from "./linear-maps.js";
import { averagePoolGradient, maxPoolGradient } from "./pooling.js";
import type { GradientRule } from "./rule.js";

const zero = "zero" as const;
const isFloat = (v: Value): boolean => v.dtype === "float32" || v.dtype === "float64";

const not = (condition: Value): Value => condition.graph.node("Not", [condition], {})[0];

/** The shape with the reduced axes kept as 1. */
const kept = (x: Value, axes: readonly number[]) => reducedShape(x.shape, axes, true);

const scatterAdd = (into: Value, index: Value, updates: Value, axis: number): Value =>
  into.graph.node("ScatterElements", [into, index, updates], { axis, reduction: "add" })[0];

const comparison = (): readonly (typeof zero)[] => [zero, zero];

export const gradientRules: { readonly [K in Operator]: GradientRule<K> } = {
  // y = a + b: da = g, db = g
  Add: ({ dy }) => [() => dy, () => dy],
  // y = a - b: da = g, db = -g
  Sub: ({ dy }) => [() => dy, () => neg(dy)],
  // y = a b: da = g b, db = g a; of a square 2 g a, as one
  Mul: ({ dy, inputs: [a, b] }) => (a === b ? [() => mul(mul(dy, 2), a), "zero"] : [() => mul(dy, b), () => mul(dy, a)]),
  // y = a / b: da = g / b, db = -g y / b
  Div: ({ dy, y, inputs: [, b] }) => [() => div(dy, b), () => neg(div(mul(dy, y), b))],
  // y = a^b: da = g b a^(b-1), db = g y ln a
  Pow: ({ dy, y, inputs: [a, b] }) => [() => mul(dy, mul(b, pow(a, sub(b, 1)))), () => mul(dy, mul(y, log(a)))],
  // y = max(a, b): g goes to the larger, to a where they are equal
  Max: ({ dy, inputs: [a, b] }) => [() => mul(dy, indicator(greaterOrEqual(a, b))), () => mul(dy, indicator(less(a, b)))],
  // y = min(a, b): g goes to the smaller, to a where they are equal
  Min: ({ dy, inputs: [a, b] }) => [() => mul(dy, indicator(lessOrEqual(a, b))), () => mul(dy, indicator(greater(a, b)))],
  // y = -x: dx = -g
  Neg: ({ dy }) => [() => neg(dy)],
  // y = |x|: dx = g sign x
  Abs: ({ dy, inputs: [x] }) => [() => mul(dy, sign(x))],
  Sign: () => [zero],
  // y = e^x: dx = g y
  Exp: ({ dy, y }) => [() => mul(dy, y)],
  // y = ln x: dx = g / x
  Log: ({ dy, inputs: [x] }) => [() => div(dy, x)],
  // y = sqrt x: dx = g / (2 y)
  Sqrt: ({ dy, y }) => [() => div(mul(dy, 0.5), y)],
  // y = 1 / x: dx = -g y^2
  Reciprocal: ({ dy, y }) => [() => neg(mul(dy, mul(y, y)))],
  // y = erf x: dx = g 2 / sqrt(pi) e^(-x^2)
  Erf: ({ dy, inputs: [x] }) => [() => mul(dy, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI)))],
  // y = sin x: dx = g cos x
  Sin: ({ dy, inputs: [x] }) => [() => mul(dy, cos(x))],
  // y = cos x: dx = -g sin x
  Cos: ({ dy, inputs: [x] }) => [() => neg(mul(dy, sin(x)))],
  // y = sigmoid x: dx = g y (1 - y)
  Sigmoid: ({ dy, y }) => [() => mul(dy, mul(y, sub(1, y)))],
  // y = tanh x: dx = g (1 - y^2)
  Tanh: ({ dy, y }) => [() => mul(dy, sub(1, mul(y, y)))],
  // y = max(x, 0): dx = g [y > 0]; ONNX Runtime takes three times as long with Sign, nine times with Where
  Relu: ({ dy, y }) => [() => mul(dy, indicator(greater(y, 0)))],
  // y = x or alpha x: dx = g (alpha + (1 - alpha) [x > 0])
  LeakyRelu: ({ dy, inputs: [x], attributes: { alpha } }) => [() => mul(dy, add(mul(indicator(greater(x, 0)), 1 - alpha), alpha))],
  // y = x or s x: dx = g (s + (1 - s) [x > 0]), ds = g min(x, 0)
  PRelu: ({ dy, inputs: [x, s] }) => [
    () => mul(dy, add(s, mul(indicator(greater(x, 0)), sub(1, s)))),
    () => mul(dy, min(x, 0)),
  ],
  // y = x Phi(x): dx = g (Phi(x) + x phi(x)); in the tanh form Phi is (1 + tanh u) / 2, u = c (x + 0.044715 x^3)
  Gelu: ({ dy, inputs: [x], attributes: { approximate } }) => [
    () => {
      if (approximate === "none") {
        const phi = mul(exp(mul(mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
        const cdf = mul(add(x.graph.node("Erf", [mul(x, Math.SQRT1_2)], {})[0], 1), 0.5);
        return mul(dy, add(cdf, mul(x, phi)));
      }
      const c = Math.sqrt(2 / Math.PI);
      const square = mul(x, x);
      const t = x.graph.node("Tanh", [mul(mul(x, add(mul(square, 0.044715), 1)), c)], {})[0];
      const slope = mul(mul(sub(1, mul(t, t)), add(mul(square, 3 * 0.044715), 1)), c);
      return mul(dy, mul(add(add(t, 1), mul(x, slope)), 0.5));
    },
  ],
  // y = x clip(x / 6 + 1/2, 0, 1): dx = g ([x >= 3] + [-3 < x < 3] (x / 3 + 1/2))
  HardSwish: ({ dy, inputs: [x] }) => [
    () => {
      const high = indicator(greaterOrEqual(x, 3));
      const between = sub(indicator(greater(x, -3)), high);
      return mul(dy, add(high, mul(between, add(mul(x, 1 / 3), 0.5))));
    },
  ],
  // y = ln(1 + e^x): dx = g sigmoid x
  Softplus: ({ dy, inputs: [x] }) => [() => mul(dy, sigmoid(x))],
  Floor: () => [zero],
  Round: () => [zero],
  // y = clip x: dx = g inside the bounds
  Clip: ({ dy, inputs: [x], attributes }) => [() => mul(dy, indicator(equal(x, clip(x, attributes.min, attributes.max))))],
  Identity: ({ dy }) => [() => dy],
  // y = x as another type: dx = g as x's type; nothing flows through integers
  Cast: ({ dy, inputs: [x], y }) => [isFloat(x) && isFloat(y) ? () => cast(dy, x.dtype) : zero],
  Equal: comparison,
  Greater: comparison,
  GreaterOrEqual: comparison,
  Less: comparison,
  LessOrEqual: comparison,
  And: comparison,
  Or: comparison,
  Not: () => [zero],
  // y = c ? a : b: da = g [c], db = g [not c]
  Where: ({ dy, inputs: [c] }) => [zero, () => mul(dy, indicator(c)), () => mul(dy, indicator(not(c)))],
  // y = x in another shape: dx = g in x's shape
  Reshape: ({ dy, inputs: [x] }) => [() => reshape(dy, x.shape)],
  // y[p(i)] = x[i]: dx = g by the inverse permutation
  Transpose: ({ dy, attributes: { perm } }) => [() => transpose(dy, perm.map((_, i) => perm.indexOf(i)))],
  // y = [x_1, x_2, ...]: dx_i = its part of g
  Concat: ({ dy, inputs, attributes: { axis } }) => {
    let end = 0;
    return inputs.map((x) => {
      const start = end;
      end += x.shape[normalAxis(axis, x.rank)];
      const stop = end;
      return () => slice(dy, axis, start, stop);
    });
  },
  // y_i = part i of x: dx = [g_1, g_2, ...]
  Split: ({ dys, node, attributes: { axis } }) => [
    () => concat(dys.map((g, i) => g ?? zeros(node.inputs[0], node.outputs[i].shape)), axis),
  ],
  // y = x[a:b:s]: dx = g where it was taken, else 0
  Slice: ({ dy, inputs: [x], attributes }) => [() => unslice(dy, x.shape, attributes)],
  // y = x amid constants, or less of it: dx = g's inner part, 0 where x was cut off
  Pad: ({ dy, inputs: [x], attributes: { pads } }) => [
    () => {
      const inner = dy.shape.reduce((part, n, i) => {
        const [before, after] = [Math.max(0, pads[i]), Math.max(0, pads[i + x.rank])];
        return before + after === 0 ? part : slice(part, i, before, n - after);
      }, dy);
      return pad(inner, pads.map((p) => Math.max(0, -p)));
    },
  ],
  Expand: ({ dy }) => [() => dy],
  Unsqueeze: ({ dy, inputs: [x] }) => [() => reshape(dy, x.shape)],
  Squeeze: ({ dy, inputs: [x] }) => [() => reshape(dy, x.shape)],
  // y = copies of x: dx = sum of g over the copies
  Tile: ({ dy, inputs: [x], attributes: { repeats } }) => [
    () => {
      const shape = x.shape.flatMap((n, i) => [repeats[i], n]);
      return sum(reshape(dy, shape), x.shape.map((_, i) => 2 * i));
    },
  ],
  // y = x[index]: dx[index] += g
  Gather: ({ dy, inputs: [x, index], attributes: { axis } }) => [
    () => {
      const at = normalAxis(axis, x.rank);
      const [before, extent, after] = [sizeOf(x.shape.slice(0, at)), x.shape[at], sizeOf(x.shape.slice(at + 1))];
      const flat = reshape(dy, [before, index.size, after]);
      const rows = expand(reshape(index, [1, index.size, 1]), [before, index.size, after]);
      return reshape(scatterAdd(zeros(x, [before, extent, after]), rows, flat, 1), x.shape);
    },
    zero,
  ],
  // y[i] = x[index[i]]: dx[index] += g
  GatherElements: ({ dy, inputs: [x, index], attributes: { axis } }) => [() => scatterAdd(zeros(x, x.shape), index, dy, axis), zero],
  // y = x with x[index] replaced by (or added to) u: du = g[index], dx = g, 0 where replaced
  ScatterElements: ({ dy, inputs: [, index, updates], attributes: { axis, reduction } }) => [
    () =>
      reduction === "add"
        ? dy
        : dy.graph.node("ScatterElements", [dy, index, zeros(updates, updates.shape)], { axis, reduction: "none" })[0],
    zero,
    () => gatherElements(dy, index, axis),
  ],
  OneHot: () => [zero],
  // y = blocks of channels as pixels: dx = the inverse move
  DepthToSpace: ({ dy, inputs: [x], attributes: { blocksize: b, mode } }) => [
    () => {
      if (mode === "DCR") return spaceToDepth(dy, b);
      const [n, c, h, w] = x.shape;
      const blocks = reshape(dy, [n, c / (b * b), h, b, w, b]);
      return reshape(transpose(blocks, [0, 1, 3, 5, 2, 4]), x.shape);
    },
  ],
  SpaceToDepth: ({ dy, attributes: { blocksize } }) => [() => depthToSpace(dy, blocksize)],
  // y = R_H x R_W^T: dx = R_H^T g R_W
  Resize: ({ dy, inputs: [x], attributes }) => [
    attributes.sizes.slice(0, -2).some((n, i) => n !== x.shape[i])
      ? { unsupported: "Resize of other axes than the last two" }
      : () => unresize(x, dy, attributes),
  ],
  // y = sum x: dx = g, repeated
  ReduceSum: ({ dy, inputs: [x], attributes: { axes } }) => [() => reshape(dy, kept(x, axes))],
  // y = mean x: dx = g / n, repeated
  ReduceMean: ({ dy, inputs: [x], attributes: { axes } }) => [
    () => mul(reshape(dy, kept(x, axes)), sizeOf(kept(x, axes)) / x.size),
  ],
  // y = max x: dx = g where x = y, shared between ties
  ReduceMax: ({ dy, y, inputs: [x], attributes: { axes } }) => [() => extremeGradient(x, y, dy, axes)],
  // y = min x: dx = g where x = y, shared between ties
  ReduceMin: ({ dy, y, inputs: [x], attributes: { axes } }) => [() => extremeGradient(x, y, dy, axes)],
  // y = sum x^2: dx = 2 g x
  ReduceSumSquare: ({ dy, inputs: [x], attributes: { axes } }) => [() => mul(x, mul(reshape(dy, kept(x, axes)), 2))],
  ArgMax: () => [zero],
  ArgMin: () => [zero],
  // y = x[i], i the places of the k largest: dx[i] = g
  TopK: ({ dys, node, attributes: { axis } }) => [
    () => {
      const [x] = node.inputs;
      const g = dys[0];
      return g ? scatterAdd(zeros(x, x.shape), node.outputs[1], g, axis) : zeros(x, x.shape);
    },
  ],
  // y = softmax x: dx = y (g - sum(g y))
  Softmax: ({ dy, y, attributes: { axis } }) => [() => mul(y, sub(dy, sum(mul(dy, y), [axis], true)))],
  // y = log softmax x: dx = g - e^y sum g
  LogSoftmax: ({ dy, y, attributes: { axis } }) => [() => sub(dy, mul(exp(y), sum(dy, [axis], true)))],
  // Y = A B: dA = G B^T, dB = A^T G
  MatMul: ({ dy, inputs: [a, b] }) => [() => matMul(dy, transposeLast(b)), () => matMul(transposeLast(a), dy)],
  // Y = alpha A' B' + beta C, with A' and B' perhaps transposed
  Gemm: ({ dy, inputs: [a, b], attributes: { alpha, beta, transA, transB } }) => {
    const scaled = (): Value => (alpha === 1 ? dy : mul(dy, alpha));
    const flip = (v: Value, flipped: boolean): Value => (flipped ? transposeLast(v) : v);
    return [
      () => flip(matMul(scaled(), flip(b, !transB)), transA),
      () => flip(matMul(flip(a, !transA), scaled()), transB),
      () => (beta === 1 ? dy : mul(dy, beta)),
    ];
  },
  // y = w * x + b: see convolution.ts; db = sum of g over images and pixels
  Conv: ({ dy, inputs: [x, w], attributes }) => [
    () => convInputGradient(x, w, dy, attributes),
    () => convWeightGradient(x, [w.shape[2], w.shape[3]], dy, attributes),
    () => sum(dy, [0, 2, 3]),
  ],
  // The adjoint of a convolution: its gradients are those of the convolution with x and g exchanged.
  ConvTranspose: ({ dy, inputs: [x, w], attributes: { strides, pads, dilations, group } }) => [
    () => dy.graph.node("Conv", [dy, w], { strides, pads, dilations, group })[0],
    () => convWeightGradient(dy, [w.shape[2], w.shape[3]], x, { strides, pads, dilations, group }),
    () => sum(dy, [0, 2, 3]),
  ],
  AveragePool: ({ dy, inputs: [x], attributes }) => [() => averagePoolGradient(x, dy, attributes)],
  MaxPool: ({ dy, y, inputs: [x], attributes }) => [() => maxPoolGradient(x, y, dy, attributes)],
  // y = mean over pixels: dx = g / (H W), repeated
  GlobalAveragePool: ({ dy, inputs: [x] }) => [() => mul(dy, 1 / (x.shape[2] * x.shape[3]))],
  // y = s (x - m) r + b, r = 1 / sqrt(v + e): dx = g s r, ds = sum g (x - m) r, db = sum g, dm = -s r sum g, dv = -s r^3 / 2 sum g (x - m)
  BatchNormalization: ({ dy, inputs: [x, s, , m, v], attributes: { epsilon } }) => {
    const axes = [0, ...x.shape.map((_, i) => i).slice(2)];
    const channel = (value: Value): Value => reshape(value, [x.shape[1], ...x.shape.slice(2).map(() => 1)]);
    const r = (): Value => reciprocal(sqrt(add(v, epsilon)));
    const sumG = (): Value => sum(dy, axes);
    const sumGx = (): Value => sum(mul(dy, sub(x, channel(m))), axes);
    return [
      () => mul(dy, channel(mul(s, r()))),
      () => mul(sumGx(), r()),
      sumG,
      () => neg(mul(mul(s, r()), sumG())),
      () => mul(mul(mul(s, pow(r(), 3)), sumGx()), -0.5),
    ];
  },
  // y = s x' + b, x' = (x - mean) / sd: dx = (h - mean h - x' mean(h x')) / sd with h = g s, ds = sum g x', db = sum g
  LayerNormalization: ({ dy, inputs: [x, s, b], attributes: { axis, epsilon } }) => {
    const first = normalAxis(axis, x.rank);
    const axes = x.shape.map((_, i) => i).slice(first);
    const outer = x.shape.map((_, i) => i).slice(0, first);
    const normalised = (): { hat: Value; invSd: Value } => {
      const centred = sub(x, mean(x, axes, true));
      const invSd = reciprocal(sqrt(add(mean(mul(centred, centred), axes, true), epsilon)));
      return { hat: mul(centred, invSd), invSd };
    };
    const overOuter = (value: Value, like: Value): Value => reshape(outer.length ? sum(value, outer) : value, like.shape);
    return [
      () => {
        const { hat, invSd } = normalised();
        const h = mul(dy, s);
        return mul(sub(sub(h, mean(h, axes, true)), mul(hat, mean(mul(h, hat), axes, true))), invSd);
      },
      () => overOuter(mul(dy, normalised().hat), s),
      () => overOuter(dy, b),
    ];
  },
  // Steps: flat almost everywhere.
  QuantizeLinear: () => [zero, zero, zero],
  DequantizeLinear: () => [zero, { unsupported: "the scale of DequantizeLinear" }, zero],
};

function extremeGradient(x: Value, y: Value, dy: Value, axes: readonly number[]): Value {
  const shape = kept(x, axes);
  const hit = indicator(equal(x, reshape(y, shape)));
  return mul(hit, div(reshape(dy, shape), sum(hit, axes, true)));
}
