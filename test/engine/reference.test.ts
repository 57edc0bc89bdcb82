import test from "ava";
import { evaluate, toTensor, type NdArray } from "../../sdk/engine/reference/index.js";
import { runModel } from "../../sdk/engine/run.js";
import { Graph } from "../../sdk/graph/graph.js";
import { add, cast, div, mul, relu, stopGradient } from "../../sdk/graph/ops.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import type { FloatTensor, Tensor } from "../../sdk/graph/tensor.js";
import { graphOf } from "../graph/build.js";
import { allCases } from "../graph/cases.js";
import { distinct, floats, int32s, int64s } from "../graph/inputs.js";

const isFloat = ({ dtype }: NdArray): boolean => dtype === "float32" || dtype === "float64";

/** The largest difference; of floats, relative to the larger of 1 and the number itself. */
function difference(ours: NdArray, theirs: Tensor): number {
  const other = Array.from(theirs.data as ArrayLike<number | bigint>, Number);
  return ours.data.reduce((worst, v, i) => {
    if (Object.is(v, other[i])) return worst;
    const error = Math.abs(v - other[i]) / (isFloat(ours) ? Math.max(1, Math.abs(v)) : 1);
    return error <= worst ? worst : error;
  }, 0);
}

for (const { operator, given } of allCases)
  test(`${operator} agrees with ONNX Runtime: ${given.about}`, async (t) => {
    const { graph, feeds } = graphOf(operator, given);
    const ours = evaluate(graph, feeds);
    const theirs = await runModel(writeOnnx(graph), feeds, { threads: 1 });
    t.deepEqual(Object.keys(theirs).sort(), [...ours.keys()].sort());
    for (const [name, y] of ours) {
      t.deepEqual([...theirs[name].shape], [...y.shape], name);
      t.is(theirs[name].dtype, y.dtype, name);
      const tolerance = given.tolerance ?? (isFloat(y) ? 2e-6 : 0);
      const error = difference(y, theirs[name]);
      t.true(error <= tolerance, `${name} differs by ${error}`);
    }
  });

const square = (): Graph => {
  const graph = new Graph("square");
  const x = graph.input("x", "float32", [2]);
  graph.output("y", mul(x, x));
  return graph;
};

test("computes in float64, or rounds to the declared type", (t) => {
  const x = floats([2], [1 / 3, 0.1]);
  t.deepEqual([...(evaluate(square(), { x }).get("y")?.data ?? [])], [(1 / 3) * (1 / 3), 0.1 * 0.1]);
  const narrow: FloatTensor = { dtype: "float32", shape: [2], data: Float32Array.from(x.data) };
  const rounded = evaluate(square(), new Map([["x", narrow]]), { precision: "declared" }).get("y");
  t.deepEqual([...(rounded?.data ?? [])], Array.from(narrow.data, (v) => Math.fround(v * v)));
});

test("answers in the declared type where asked to", (t) => {
  const y = evaluate(square(), { x: floats([2], [1 / 3, 0.1]) }).get("y");
  t.true(y && toTensor(y).data instanceof Float32Array);
});

test("stops no value, only gradients", (t) => {
  const graph = new Graph("stopped");
  const x = graph.input("x", "float32", [3]);
  graph.output("y", add(stopGradient(x), relu(x)));
  t.deepEqual([...(evaluate(graph, { x: floats([3], [-1, 0, 2]) }).get("y")?.data ?? [])], [-1, 0, 4]);
});

for (const [what, feeds] of [
  ["no tensor", {}],
  ["another shape", { x: distinct([3]) }],
  ["another type", { x: int64s([2], [1, 2]) }],
] as const)
  test(`refuses ${what} for an input`, (t) => {
    t.throws(() => evaluate(square(), feeds), { code: "E_ENGINE", message: /x: float32\[2\]/ });
  });

test("refuses float64 for float32 where types count", (t) => {
  t.throws(() => evaluate(square(), { x: distinct([2]) }, { precision: "declared" }), { code: "E_ENGINE" });
});

test("refuses what ONNX leaves undefined", (t) => {
  const narrowing = new Graph("cast");
  narrowing.output("y", cast(narrowing.input("x", "float32", [1]), "uint8"));
  t.throws(() => evaluate(narrowing, { x: floats([1], [-1.5]) }), { code: "E_ENGINE", message: /uint8/ });
  t.throws(() => evaluate(narrowing, { x: floats([1], [NaN]) }), { code: "E_ENGINE", message: /NaN/ });

  const dividing = new Graph("div");
  dividing.output("y", div(dividing.input("a", "int32", [1]), dividing.input("b", "int32", [1])));
  t.throws(() => evaluate(dividing, { a: int32s([1], [1]), b: int32s([1], [0]) }), { code: "E_ENGINE" });

  const gathering = new Graph("gather");
  gathering.output("y", gathering.node("Gather", [gathering.input("x", "float32", [3]), gathering.input("i", "int64", [1])], { axis: 0 })[0]);
  t.throws(() => evaluate(gathering, { x: distinct([3]), i: int64s([1], [3]) }), { code: "E_ENGINE", message: /-3 to 2/ });
});
