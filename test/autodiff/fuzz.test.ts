import test from "ava";
import { checkGradients } from "../../sdk/autodiff/check.js";
import { evaluate } from "../../sdk/engine/reference/index.js";
import type { Value } from "../../sdk/graph/graph.js";
import {
  abs, add, averagePool, clip, concat, conv, cos, depthToSpace, div, erf, exp, expand, gather, gelu, greater, layerNorm, log, logSoftmax, matMul, max, mean, min, mul, neg, pad, pow,
  reciprocal, reduceMax, reduceMin, relu, reshape, resize, sigmoid, sin, slice, softmax, softplus, spaceToDepth, split, sqrt, sub, sum, sumSquare, tanh, topK, transpose, transposeLast, where,
} from "../../sdk/graph/ops.js";
import { int64, sizeOf, type Tensor } from "../../sdk/graph/tensor.js";
import { Random } from "../../sdk/random.js";
import { floats } from "../graph/inputs.js";

/** Graphs of the campaign; `GRAPHS=5000 npm test -- test/autodiff/fuzz.test.ts` makes it longer. What a graph finds becomes a case of its own in `composition.test.ts`. */
const graphs = Number(process.env["GRAPHS"] ?? 240);
const operatorsAGraph = 9;
/** Values stay small, so that finite differences have digits left. */
const mostElements = 160;

type Step = (x: Value, pick: (like?: Value) => Value, random: Random) => Value | undefined;

/** Keeps numbers within reach of exp and of differences. */
const calm = (x: Value): Value => tanh(mul(x, 0.7));
const positive = (x: Value): Value => add(mul(x, x), 0.6);
const axisOf = (x: Value, random: Random): number => random.below(x.rank);
const isSquare = ({ shape: [, , h, w] }: Value): boolean => h % 2 === 0 && w % 2 === 0;

/** What may come next: x is a value [N, C, H, W] of the graph, `pick` another one; undefined where the step does not fit x. */
const steps: readonly Step[] = [
  (x, pick) => add(x, pick(x)),
  (x, pick) => mul(x, pick(x)),
  (x, pick) => sub(mean(x, [2, 3], true), pick(x)),
  (x, pick) => div(x, positive(pick(x))),
  (x, pick) => max(x, pick(x)),
  (x, pick) => min(x, pick(x)),
  (x, pick) => where(greater(pick(x), 0.1), x, neg(x)),
  (x) => pow(positive(x), 1.3),
  (x) => exp(calm(x)),
  (x) => log(positive(x)),
  (x) => sqrt(positive(x)),
  (x) => reciprocal(positive(x)),
  (x) => [abs, erf, sin, cos, sigmoid, tanh, relu, gelu, softplus].reduce((y, each, at) => (at % 3 === x.size % 3 ? each(calm(y)) : y), x),
  (x) => x.graph.node("LeakyRelu", [x], { alpha: 0.2 })[0],
  (x) => x.graph.node("HardSwish", [x], {})[0],
  (x) => clip(x, -0.8, 0.9),
  (x, _, random) => softmax(x, axisOf(x, random)),
  (x, _, random) => logSoftmax(x, axisOf(x, random)),
  (x, _, random) => transpose(x, [...random.permutation(4)]),
  (x, pick, random) => {
    const y = pick(x);
    const axis = axisOf(x, random);
    return y.shape.every((n, at) => at === axis || n === x.shape[at]) ? concat([x, y], axis) : concat([x, x], axis);
  },
  (x, _, random) => {
    const axis = axisOf(x, random);
    const extent = x.shape[axis];
    return extent > 1 ? slice(x, axis, extent % 2, extent, extent > 3 ? 2 : 1) : undefined;
  },
  (x, _, random) => {
    const axis = axisOf(x, random);
    if (x.shape[axis] < 2) return undefined;
    const [a, b] = split(x, [1, x.shape[axis] - 1], axis);
    return mul(a, b);
  },
  (x) => pad(x, [0, 0, 1, 0, 0, 1, 0, 1], 0.3),
  (x) => (x.shape[0] === 1 ? expand(x, [2, ...x.shape.slice(1)]) : undefined),
  (x, _, random) => gather(x, x.graph.constant(int64([3], [0, -1, 0])), axisOf(x, random)),
  (x) => (isSquare(x) ? spaceToDepth(x, 2) : undefined),
  (x) => (x.shape[1] % 4 === 0 ? depthToSpace(x, 2) : undefined),
  (x, _, random) => {
    const [n, c, h, w] = x.shape;
    return resize(x, [n, c, h + random.below(3), w + 1 + random.below(2)], "linear");
  },
  (x) => {
    const [n, c, h, w] = x.shape;
    return h > 2 ? resize(x, [n, c, h - 1, w], "linear", true) : resize(x, [n, c, h * 2, w], "nearest");
  },
  (x, _, random) => add(sum(x, [axisOf(x, random)], true), x),
  (x, _, random) => mul(sumSquare(x, [axisOf(x, random)], true), x),
  (x, _, random) => sub(x, reduceMax(x, [axisOf(x, random)], true)),
  (x, _, random) => sub(x, reduceMin(x, [1 + random.below(3)], true)),
  (x) => topK(x, Math.max(1, x.shape[3] - 1), 3)[0],
  (x, pick) => {
    const y = pick(x);
    return y.shape.every((n, at) => n === x.shape[at]) ? mul(matMul(x, transposeLast(y)), 0.5) : matMul(x, transposeLast(x));
  },
  (x) => {
    const [n, c, h, w] = x.shape;
    return reshape(x, [n, h * c, 1, w]);
  },
  (x) => averagePool(x, 2, 1, 1),
  (x) => (x.shape[2] > 1 && x.shape[3] > 1 ? x.graph.node("MaxPool", [x], { kernel: [2, 2], strides: [1, 2], pads: [0, 1, 0, 0] })[0] : undefined),
  (x, pick, random) => {
    // One value of the graph is the kernel of another: gradients meet in both.
    const c = x.shape[1];
    const y = pick(x);
    const count = c * c;
    const kernel = y.size >= count ? reshape(slice(reshape(y, [y.size]), 0, 0, count), [c, c, 1, 1]) : undefined;
    return kernel && conv(x, kernel, undefined, { padding: random.below(2), stride: 1 + random.below(2) });
  },
  (x, pick) => {
    const c = x.shape[1];
    const y = pick(x);
    const kernel = y.size >= c * 4 ? reshape(slice(reshape(y, [y.size]), 0, 0, c * 4), [c, 1, 2, 2]) : undefined;
    return kernel && x.shape[2] > 1 && x.shape[3] > 1 ? conv(x, kernel, undefined, { group: c }) : undefined;
  },
  (x, pick) => {
    const c = x.shape[1];
    const y = pick(x);
    const kernel = y.size >= c * 8 ? reshape(slice(reshape(y, [y.size]), 0, 0, c * 8), [c, 2, 2, 2]) : undefined;
    return kernel && x.graph.node("ConvTranspose", [x, kernel], { strides: [2, 1], pads: [0, 1, 1, 0], dilations: [1, 1], group: 1, outputPadding: [1, 0] })[0];
  },
  (x) => {
    const row = slice(reshape(x, [x.size]), 0, 0, x.shape[3]);
    return layerNorm(x, row, row, 1e-2);
  },
  (x) => {
    const channel = slice(reshape(x, [x.size]), 0, 0, x.shape[1]);
    return x.graph.node("BatchNormalization", [x, channel, channel, channel, positive(channel)], { epsilon: 1e-2 })[0];
  },
];

/** A graph of random operators on two inputs, the same for the same seed. */
function graphOf(seed: number): { readonly inputs: readonly Tensor[]; readonly build: (values: readonly Value[]) => readonly Value[] } {
  const random = new Random(seed, "graph");
  const shape = [1 + random.below(2), 1 + random.below(4), 2 + random.below(3), 2 + random.below(3)];
  return {
    // Drawn, not from a grid: averages of grid points tie, and TopK and maxima have kinks where there are ties.
    inputs: [0, 1].map(() => floats(shape, Array.from({ length: sizeOf(shape) }, () => random.normal()))),
    build: (values) => {
      const draws = new Random(seed, "operators");
      const known = [...values];
      const isLike = (x: Value, y: Value): boolean => y.shape.every((n, at) => n === x.shape[at] || n === 1 || x.shape[at] === 1);
      const pick = (like?: Value): Value => {
        const fitting = like ? known.filter((each) => isLike(like, each)) : known;
        return fitting[draws.below(fitting.length)] ?? known[0];
      };
      while (known.length < values.length + operatorsAGraph) {
        // Most of the time the newest, so that graphs are deep; else any, so that values are used more than once.
        const x = draws.chance(0.6) ? known[known.length - 1] : pick();
        const step = steps[draws.below(steps.length)];
        const y = step(x, pick, draws);
        if (y && y.rank === 4 && y.size <= mostElements) known.push(calm(y));
      }
      return known.slice(-2);
    },
  };
}

test("random graphs have the gradients that differences have", (t) => {
  const used = new Set<string>();
  let elements = 0;
  for (let seed = 0; seed < graphs; seed++) {
    const { inputs, build } = graphOf(seed);
    try {
      // Differences lose digits over nine operators, where a wrong rule is wrong by percents.
      const checked = checkGradients(
        (values) => {
          const made = build(values);
          for (const { operator } of values[0].graph.nodes) used.add(operator);
          return made;
        },
        inputs,
        evaluate,
        { epsilon: 1e-6, tolerance: 1e-5 },
      );
      elements += checked.elements;
    } catch (error) {
      t.fail(`graph ${seed}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  t.true(elements > graphs * 10);
  t.true(used.size >= 45, `only ${used.size} operators were used: ${[...used].toSorted().join(", ")}`);
});
