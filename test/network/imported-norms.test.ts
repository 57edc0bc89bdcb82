import test from "ava";
import { Graph, type Value } from "../../sdk/graph/graph.js";
import { add, conv, div, layerNorm, mean, mul, reciprocal, relu, reshape, sqrt, sub, sumSquare, transpose } from "../../sdk/graph/ops.js";
import { normParametersOf } from "../../sdk/network/imported-norms.js";

function parametersOf(build: (x: Value, parameter: (name: string, shape: readonly number[]) => Value) => Value): readonly string[] {
  const graph = new Graph("norms");
  const names = new Set<string>();
  const parameter = (name: string, shape: readonly number[]): Value => {
    names.add(name);
    return graph.input(name, "float32", shape);
  };
  graph.output("y", build(graph.input("x", "float32", [1, 4, 6, 8]), parameter));
  return [...normParametersOf(graph, names)].toSorted();
}

const variance = (x: Value, axes: readonly number[]): Value => mul(sumSquare(x, axes, true), 1 / 8);

test("layer normalisation, as an operator and written out", (t) => {
  t.deepEqual(parametersOf((x, parameter) => layerNorm(x, parameter("scale", [8]), parameter("bias", [8]))), ["bias", "scale"]);
  const writtenOut = parametersOf((x, parameter) => {
    const centred = sub(x, mean(x, [3], true));
    return add(add(mul(div(centred, sqrt(add(variance(centred, [3]), 1e-5))), parameter("scale", [8])), parameter("bias", [8])), parameter("places", [6, 8]));
  });
  t.deepEqual(writtenOut, ["bias", "scale"], "places are added to what is normalised, and no part of that");
});

test("group normalisation, whose parameters are behind another shape, and that by the root of a mean square", (t) => {
  const grouped = parametersOf((x, parameter) => {
    const rows = reshape(x, [1, 2, 96]);
    const standard = div(rows, sqrt(add(variance(rows, [2]), 1e-5)));
    return add(mul(reshape(standard, [1, 4, 6, 8]), reshape(parameter("scale", [4]), [4, 1, 1])), parameter("bias", [4, 1, 1]));
  });
  t.deepEqual(grouped, ["bias", "scale"]);
  t.deepEqual(parametersOf((x, parameter) => transpose(mul(mul(x, reciprocal(sqrt(add(variance(x, [3]), 1e-5)))), parameter("scale", [8])), [0, 2, 3, 1])), ["scale"]);
});

test("products and sums that are none of normalisation's", (t) => {
  t.deepEqual(parametersOf((x, parameter) => add(mul(relu(conv(x, parameter("kernel", [4, 4, 1, 1]))), parameter("gain", [4, 1, 1])), parameter("bias", [4, 1, 1]))), []);
  t.deepEqual(parametersOf((x, parameter) => add(div(x, sqrt(add(variance(x, [3]), 1))), parameter("places", [6, 8]))), [], "a sum without a product");
});
