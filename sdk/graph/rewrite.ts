import { Graph, type Node, type Value } from "./graph.js";
import { live } from "./live.js";
import type { Tensor } from "./tensor.js";

/** What a value of the old graph has become in the new one. */
export type Became = (value: Value) => Value;

export interface Rewriting {
  /** Values that are constants of the new graph, whatever made them before. */
  readonly constants?: ReadonlyMap<Value, Tensor>;
  /** Names of constants that become inputs of the new graph. */
  readonly inputs?: ReadonlySet<string>;
  /** Puts a node into the new graph and answers its outputs; undefined leaves it as it is. */
  readonly node?: (node: Node, became: Became, graph: Graph) => readonly Value[] | undefined;
  /** What consumers of a value see in its place. `made` is the value in the new graph. */
  readonly value?: (value: Value, made: Value, graph: Graph) => Value;
  /** What the graph answers in the place of a value. */
  readonly output?: (value: Value, made: Value, graph: Graph) => Value;
}

/** A copy of a graph in which values keep their names, without the nodes that no output needs. */
export function rewritten(source: Graph, { constants = new Map<Value, Tensor>(), inputs, node: make, value: seen, output }: Rewriting): Graph {
  const graph = new Graph(source.name);
  const made = new Map<Value, Value>();
  const see = (value: Value, copy: Value): void => void made.set(value, seen?.(value, copy, graph) ?? copy);
  const became: Became = (value) => {
    const known = made.get(value);
    if (known) return known;
    const tensor = constants.get(value) ?? source.constants.get(value);
    if (!tensor) throw new TypeError(`${value} is used before it is made`);
    const constant = inputs?.has(value.name) ? graph.input(value.name, tensor.dtype, tensor.shape) : graph.constant(tensor, value.name);
    made.set(value, constant);
    return constant;
  };
  for (const input of source.inputs) see(input, graph.input(input.name, input.dtype, input.shape));
  for (const node of live(source, constants).nodes) {
    const outputs = make?.(node, became, graph) ?? graph.node(node.operator, node.inputs.map(became), node.attributes, node.outputs.map(({ name }) => name));
    node.outputs.forEach((output, at) => see(output, outputs[at]));
  }
  for (const { name, value } of source.outputs) graph.output(name, output?.(value, became(value), graph) ?? became(value));
  return graph;
}
