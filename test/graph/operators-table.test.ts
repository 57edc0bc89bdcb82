import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { gradientRules } from "../../sdk/autodiff/gradients.js";
import { zeros } from "../../sdk/autodiff/linear-maps.js";
import type { GradientRule } from "../../sdk/autodiff/rule.js";
import type { Operator } from "../../sdk/graph/attributes.js";
import { decompositions } from "../../sdk/graph/onnx/decompose.js";
import { packageRoot } from "../../sdk/paths.js";
import { graphOf } from "./build.js";
import { allCases, type Case } from "./cases.js";

const file = join(packageRoot(), "sdk", "graph", "OPERATORS.md");

/** What the rule of an operator says in one case: for each input a gradient, zero, or why there is none. */
function said(operator: Operator, given: Case): string[] {
  const { graph } = graphOf(operator, given);
  const [node] = graph.nodes;
  if (!node) return [];
  const dys = node.outputs.map((output) => zeros(output, output.shape));
  const [y] = node.outputs;
  const [dy] = dys;
  if (!y || !dy) return [];
  const rule = gradientRules[operator] as GradientRule<Operator>;
  return rule({ node, attributes: node.attributes, inputs: node.inputs, y, dy, dys }).map((gradient) => (typeof gradient === "function" ? "gradient" : gradient === "zero" ? "zero" : `none: ${gradient.unsupported}`));
}

const articles: Readonly<Record<string, string>> = {
  gradient: "yes",
  zero: "zero",
};

function row(operator: Operator): string {
  const cases = allCases.filter((each) => each.operator === operator);
  const all = cases.map(({ given }) => said(operator, given));
  const inputs = Math.max(...all.map((each) => each.length));
  const columns = Array.from({ length: inputs }, (_, at) => [...new Set(all.flatMap((each) => each[at] ?? []))]);
  const told = columns.map((kinds) => kinds.map((kind) => articles[kind] ?? kind).join(", or "));
  const same = new Set(told).size === 1 ? (told[0] ?? "") : told.map((each, at) => `input ${at + 1}: ${each}`).join("; ");
  return `| ${operator} | ${cases.length} | ${same} |`;
}

const table = [
  "# Operators",
  "",
  "Made from the tables of operators, gradients and test cases by `test/graph/operators-table.test.ts`, which fails where this file says something else (`UPDATE=1 npm test -- test/graph/operators-table.test.ts` writes it anew).",
  "Each operator has shape inference, a forward pass in the slow reference engine, equal to ONNX Runtime's on its cases, and a gradient that equals central differences in float64 on them; or says why not.",
  "",
  "| operator | cases | gradient |",
  "|---|---|---|",
  ...[...new Set(allCases.map(({ operator }) => operator))].toSorted().map(row),
  "",
  "Read from ONNX as several of those above, and so with their gradients:",
  "",
  Object.keys(decompositions).filter((operator) => !allCases.some((each) => each.operator === operator)).toSorted().join(", "),
  "",
  "Read in further forms: Pad that reflects or repeats its edge, AveragePool that leaves padding out of its count, pools with `ceil_mode`, convolutions and pools with `auto_pad`, convolutions along one axis, MatMul of vectors, Max and Min of any number, Pow by an integer, Resize with `pytorch_half_pixel`, an If that shapes decide.",
  "Folded where they compute with shapes: Shape, Size, Gather, Concat, Slice, Unsqueeze, Squeeze, Reshape, Cast, Range, ConstantOfShape, ReduceProd, arithmetic, comparisons, Where.",
  "",
].join("\n");

test("the documentation lists every operator with what its rules say", (t) => {
  t.deepEqual([...new Set(allCases.map(({ operator }) => operator))].toSorted(), Object.keys(gradientRules).toSorted());
  if (process.env["UPDATE"]) writeFileSync(file, table);
  t.is(readFileSync(file, "utf8"), table);
});
