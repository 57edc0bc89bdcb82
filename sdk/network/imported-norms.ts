import type { Operator } from "../graph/attributes.js";
import { consumersOf, type Graph, type Node, type Value } from "../graph/graph.js";

const layers: ReadonlySet<Operator> = new Set<Operator>(["BatchNormalization", "LayerNormalization"]);

/** Whose output holds the numbers of its input, in another shape. */
const reshaping: ReadonlySet<Operator> = new Set<Operator>(["Reshape", "Unsqueeze", "Squeeze", "Transpose", "Identity", "Expand"]);

/**
 * The scales and the offsets of a model's normalisation, by name: of layers that are operators, and of those that are written out, as group and instance normalisation are read and as layer normalisation
 * was exported before opset 17: a division by a root, then a product with a parameter and a sum with another.
 *
 * @param parameters names of the inputs that are parameters
 */
export function normParametersOf(graph: Graph, parameters: ReadonlySet<string>): ReadonlySet<string> {
  const consumers = consumersOf(graph.nodes);
  const found = new Set<string>();
  for (const node of graph.nodes) {
    if (layers.has(node.operator)) for (const { name } of node.inputs.slice(1, 3)) found.add(name);
    if (isStandardising(node)) for (const name of affineBehind(node.outputs[0], parameters, consumers)) found.add(name);
  }
  return found;
}

/** x / sqrt(v), or x (1 / sqrt(v)). */
function isStandardising({ operator, inputs }: Node): boolean {
  const isMadeBy = (value: Value, wanted: Operator): boolean => value.graph.producer(value)?.operator === wanted;
  if (operator === "Div") return isMadeBy(inputs[1], "Sqrt");
  return operator === "Mul" && inputs.some((input) => isMadeBy(input, "Reciprocal") && isMadeBy(input.graph.producer(input)?.inputs[0] ?? input, "Sqrt"));
}

/** The parameters of the products, each perhaps with a sum, that follow a value and nothing else does. */
function affineBehind(start: Value, parameters: ReadonlySet<string>, consumers: ReadonlyMap<Value, readonly Node[]>): readonly string[] {
  const found: string[] = [];
  let last: Operator | undefined;
  for (let next = alone(start, consumers); next; next = alone(next.outputs[0], consumers)) {
    if (reshaping.has(next.operator)) continue;
    const isNext = next.operator === "Mul" || (next.operator === "Add" && last === "Mul");
    const name = isNext ? next.inputs.map((input) => parameterOf(input, parameters)).find((each) => each !== undefined) : undefined;
    if (name === undefined) break;
    found.push(name);
    last = next.operator;
  }
  return found;
}

/** The only node that takes a value. */
function alone(value: Value, consumers: ReadonlyMap<Value, readonly Node[]>): Node | undefined {
  const nodes = consumers.get(value) ?? [];
  return nodes.length === 1 ? nodes[0] : undefined;
}

/** The parameter whose numbers these are. */
function parameterOf(value: Value, parameters: ReadonlySet<string>): string | undefined {
  if (parameters.has(value.name)) return value.name;
  const node = value.graph.producer(value);
  return node && reshaping.has(node.operator) ? parameterOf(node.inputs[0], parameters) : undefined;
}
