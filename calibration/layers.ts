import type { Graph, Node, Value } from "../sdk/graph/graph.js";
import { quantisable } from "../sdk/graph/quantisation.js";

/** A convolution that can compute in int8. */
export interface Layer {
  /** The tensor that it answers with, which `Int8Plan.layers` names it by. */
  readonly tensor: string;
  /** That of its weights in the bundle; fixed filters go by the layer that they feed. */
  readonly name: string;
  /** Its share of the multiplications of all such layers, percent. */
  readonly work: number;
}

/**
 * The layers that can compute in int8, in order.
 *
 * @param folded the graph with folded constants
 * @param source the same before that, in which weights still have their names
 */
export function layersOf(folded: Graph, source: Graph, parameters: ReadonlySet<string>): readonly Layer[] {
  const convolutions = quantisable(folded);
  const workOf = ({ inputs, outputs }: Node): number => (outputs[0].size * inputs[1].size) / inputs[1].shape[0];
  const total = convolutions.reduce((sum, node) => sum + workOf(node), 0);
  const names = namesOf(source, parameters);
  return convolutions.map((node) => {
    const tensor = node.outputs[0].name;
    return { tensor, name: names.get(tensor) ?? tensor, work: (100 * workOf(node)) / total };
  });
}

function namesOf(source: Graph, parameters: ReadonlySet<string>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  /** What is made of a tensor that has no name of its own. */
  const fed = new Map<Value, string>();
  for (const node of source.nodes.toReversed().filter(({ operator }) => operator === "Conv")) {
    const own = parameterOf(source, node.inputs[1], parameters)?.replace(/[._]weight$/, "");
    const name = own ?? `${fed.get(node.outputs[0]) ?? node.outputs[0].name} filters`;
    names.set(node.outputs[0].name, name);
    if (own) fed.set(node.inputs[0], own);
  }
  return names;
}

/** The parameter that a value is made of; the one of the weights, where those of a normalisation are folded into them. */
function parameterOf(source: Graph, value: Value, parameters: ReadonlySet<string>): string | undefined {
  if (source.constants.has(value)) return parameters.has(value.name) ? value.name : undefined;
  const [first] = source.producer(value)?.inputs ?? [];
  return first && parameterOf(source, first, parameters);
}
