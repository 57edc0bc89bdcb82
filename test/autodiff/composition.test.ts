import test from "ava";
import { gradients } from "../../sdk/autodiff/backward.js";
import { checkGradients } from "../../sdk/autodiff/check.js";
import { evaluate } from "../../sdk/engine/reference/index.js";
import { Graph, type Value } from "../../sdk/graph/graph.js";
import {
  add, conv, div, exp, layerNorm, matMul, mean, mul, neg, reciprocal, reduceMax, relu, reshape, resize, sigmoid, slice, softmax, sqrt,
  stopGradient, sub, sum, topK, total, transpose, transposeLast,
} from "../../sdk/graph/ops.js";
import type { Tensor } from "../../sdk/graph/tensor.js";
import { distinct, floats, positive } from "../graph/inputs.js";

const passes = (title: string, inputs: readonly Tensor[], build: (values: readonly Value[]) => Value | readonly Value[]): void => {
  test(title, (t) => {
    t.notThrows(() =>
      checkGradients(
        (values) => {
          const made = build(values);
          return Array.isArray(made) ? (made as readonly Value[]) : [made as Value];
        },
        inputs,
        evaluate,
      ),
    );
  });
};

passes(
  "convolution, normalisation, activation, residual, head",
  [distinct([2, 3, 5, 4]), distinct([3, 1, 3, 3], 2), distinct([3], 3), distinct([3], 4), distinct([3], 5), positive([3]), distinct([4, 3, 1, 1], 6)],
  ([x, w, scale, bias, m, v, head]) => {
    const normalised = x.graph.node("BatchNormalization", [conv(x, w, undefined, { padding: 1, group: 3 }), scale, bias, m, v], { epsilon: 1e-3 })[0];
    const finer = resize(conv(add(relu(normalised), x), head, undefined, { stride: 2 }), [2, 4, 5, 4], "linear");
    return mean(finer, [2, 3]);
  },
);

passes(
  "attention with two heads",
  [distinct([1, 3, 4]), distinct([4, 12], 2), distinct([4, 4], 3)],
  ([x, w, out]) => {
    const heads = transpose(reshape(matMul(x, w), [1, 3, 3, 2, 2]), [2, 0, 3, 1, 4]);
    const [q, k, v] = [0, 1, 2].map((i) => reshape(slice(heads, 0, i, i + 1), [1, 2, 3, 2]));
    const scores = softmax(mul(matMul(q, transposeLast(k)), 1 / Math.sqrt(2)), -1);
    return add(x, matMul(reshape(transpose(matMul(scores, v), [0, 2, 1, 3]), [1, 3, 4]), out));
  },
);

const decomposed = (x: Value, scale: Value, bias: Value): Value => {
  const centred = sub(x, mean(x, [1], true));
  const deviation = sqrt(add(mean(mul(centred, centred), [1], true), 1e-3));
  return add(mul(div(centred, deviation), scale), bias);
};

passes("layer normalisation from its parts", [distinct([3, 5]), distinct([5], 2), distinct([5], 3)], ([x, scale, bias]) => decomposed(x, scale, bias));

passes("layer normalisation and its parts differ by nothing", [distinct([3, 5]), distinct([5], 2), distinct([5], 3)], ([x, scale, bias]) =>
  sub(layerNorm(x, scale, bias, 1e-3), decomposed(x, scale, bias)),
);

passes("dice of sigmoid masks", [distinct([2, 3, 4])], ([x]) => {
  const p = sigmoid(x);
  const goal = x.graph.constant({ dtype: "float32", shape: [2, 3, 4], data: Float32Array.from({ length: 24 }, (_, i) => (i * 7) % 2) });
  const overlap = mul(sum(mul(p, goal), [1, 2]), 2);
  return sub(1, div(add(overlap, 1), add(add(sum(p, [1, 2]), sum(goal, [1, 2])), 1)));
});

passes("both halves of a top-k", [distinct([2, 6])], ([x]) => {
  const [best] = topK(x, 3, 1);
  return [mul(best, best), mean(x, [0])];
});

// A reduction's gradient is repeated late: each of these sums it over an axis along which it is not repeated yet.
passes("a column that is added to a matrix and summed over its columns", [distinct([3, 1]), distinct([3, 4], 2)], ([a, b]) => sum(add(a, b), [1]));
passes("a scalar that is added to a matrix and averaged", [distinct([]), distinct([3, 4], 2)], ([a, b]) => mean(sub(b, a), [0, 1]));
passes("a product of a column and a row, summed", [distinct([3, 1]), distinct([1, 4], 2)], ([a, b]) => sum(mul(a, b), [0, 1]));
passes("a product of a column and a row, summed over rows, kept", [distinct([3, 1]), distinct([4], 2)], ([a, b]) => sum(mul(a, b), [0], true));
passes("a quotient with a repeated divisor, summed", [distinct([2, 3, 4]), positive([3, 1], 2)], ([a, b]) => sum(div(a, b), [0, 2]));
passes("unary operators above a late gradient", [positive([2, 1]), distinct([2, 3], 2)], ([a, b]) => total(neg(sqrt(exp(relu(add(a, b)))))));
passes("a value used early and late", [distinct([2, 3])], ([x]) => [sum(add(x, mean(x, [1], true)), [0]), mul(x, reduceMax(x, [0], true)), total(x)]);
passes("reciprocal of a mean, repeated", [positive([2, 3])], ([x]) => sum(mul(reciprocal(mean(x, [0], true)), x), [0]));

function gradientOf(build: (x: Value, y: Value) => Value): { x: readonly number[]; y: readonly number[]; shapes: readonly (readonly number[])[] } {
  const graph = new Graph("gradient");
  const [x, y] = [graph.input("x", "float32", [2]), graph.input("y", "float32", [1, 2])];
  gradients(build(x, y), [x, y]).forEach((g, i) => graph.output(`g${i}`, g));
  const out = evaluate(graph, { x: floats([2], [2, 3]), y: floats([1, 2], [5, 7]) });
  const [gx, gy] = ["g0", "g1"].map((name) => out.get(name));
  return { x: [...(gx?.data ?? [])], y: [...(gy?.data ?? [])], shapes: [gx?.shape ?? [], gy?.shape ?? []] };
}

test("no gradient flows through a stopped value", (t) => {
  const { x } = gradientOf((x, y) => total(mul(stopGradient(mul(x, x)), mul(x, stopGradient(y)))));
  t.deepEqual(x, [2 * 2 * 5, 3 * 3 * 7]);
});

test("what cannot be differentiated may stand behind a stopped value", (t) => {
  const { x } = gradientOf((x) => {
    const scale = reshape(slice(stopGradient(x), 0, 0, 1), []);
    const integers = x.graph.constant({ dtype: "int8", shape: [2], data: Int8Array.of(3, 5) });
    return total(mul(x, x.graph.node("DequantizeLinear", [integers, scale], { axis: 0 })[0]));
  });
  t.deepEqual(x, [3 * 2, 5 * 2]);
});

test("what the loss does not depend on has zeros in its own shape", (t) => {
  const { y, shapes } = gradientOf((x, y) => total(add(x, stopGradient(y))));
  t.deepEqual(y, [0, 0]);
  t.deepEqual(shapes, [[2], [1, 2]]);
  t.deepEqual(gradientOf((x) => total(x)).y, [0, 0]);
});

test("gradients have the shapes of their values, however the loss is made", (t) => {
  t.deepEqual(gradientOf((x, y) => mean(add(x, y), [0, 1], true)), { x: [0.5, 0.5], y: [0.5, 0.5], shapes: [[2], [1, 2]] });
});

test("a loss of several elements is refused", (t) => {
  t.throws(() => gradientOf((x) => x), { code: "E_GRADIENT", message: /one element/ });
});

test("a gradient that is wrong is found, with its place", (t) => {
  // The gradient of a floor is zero by rule; a difference across a step is not.
  t.throws(() => checkGradients(([x]) => x.graph.node("Floor", [x], {}), [floats([2], [0.5, 1])], evaluate), { code: "E_GRADIENT", message: /element 1/ });
});

passes("the pool of an enlarged picture, whose windows are full of ties", [distinct([1, 2, 3, 3])], ([x]) =>
  x.graph.node("MaxPool", [resize(x, [1, 2, 6, 6], "nearest")], { kernel: [2, 3], strides: [1, 2], pads: [0, 1, 1, 0] })[0],
);
