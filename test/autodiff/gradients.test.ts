import test from "ava";
import { checkGradients } from "../../sdk/autodiff/check.js";
import { evaluate } from "../../sdk/engine/reference/index.js";
import type { Operator } from "../../sdk/graph/attributes.js";
import type { Value } from "../../sdk/graph/graph.js";
import { allCases, type Case } from "../graph/cases.js";

const build =
  (operator: Operator, { attributes }: Case) =>
  (values: readonly Value[]): readonly Value[] =>
    values[0].graph.node(operator, values, attributes);

for (const { operator, given } of allCases) {
  const differentiable = given.inputs.some((tensor) => tensor.dtype === "float64");
  if (!differentiable && !given.unsupported) continue;
  test(`${operator}: ${given.about}`, (t) => {
    const check = (): unknown => checkGradients(build(operator, given), given.inputs, evaluate);
    if (given.unsupported) t.throws(check, { code: "E_GRADIENT", message: new RegExp(operator) });
    else t.notThrows(check);
  });
}
