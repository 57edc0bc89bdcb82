import type { Operator } from "../graph/attributes.js";
import type { Graph, Value } from "../graph/graph.js";
import { gradientRules } from "./gradients.js";
import { zeros } from "./linear-maps.js";
import type { GradientRule } from "./rule.js";

/**
 * Whether the outputs of a graph can teach a value: `yes`; `zero`, where every way to them loses the gradient (an argmax, a comparison, no way at all);
 * or the operator without a gradient on one of the ways, and why.
 */
export type Trainability = "yes" | "zero" | { readonly blockedBy: string };

/** The trainability of each float constant, which is what parameters are in a model that was read. Adds nodes to the graph: give it one that is for this alone. */
export function trainability(graph: Graph): ReadonlyMap<Value, Trainability> {
  const known = new Map<Value, Trainability>(graph.outputs.map(({ value }) => [value, "yes"]));
  for (const node of graph.nodes.slice().reverse()) {
    const onward = node.outputs.map((output) => known.get(output) ?? "zero");
    if (onward.every((each) => each === "zero")) continue;
    const dys = node.outputs.map((output) => zeros(output, output.shape));
    const [y] = node.outputs;
    const rule = gradientRules[node.operator] as GradientRule<Operator>;
    const gradients = rule({ node, attributes: node.attributes, inputs: node.inputs, y, dy: dys[0], dys });
    const blocked = onward.find((each) => typeof each === "object");
    node.inputs.forEach((input, at) => {
      const gradient = gradients[at];
      const here: Trainability = gradient === "zero" ? "zero" : typeof gradient === "function" ? (blocked ?? "yes") : { blockedBy: `${gradient.unsupported} (node ${y.name})` };
      known.set(input, worse(known.get(input), here));
    });
  }
  return new Map([...graph.constants].flatMap(([value, { dtype }]) => (dtype === "float32" ? [[value, known.get(value) ?? "zero"] as const] : [])));
}

/** Of several ways: one that cannot be walked back spoils all, one that carries a gradient is enough. */
function worse(a: Trainability | undefined, b: Trainability): Trainability {
  if (typeof a === "object") return a;
  return typeof b === "object" || a !== "yes" ? b : a;
}
