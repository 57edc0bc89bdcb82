import type { Operator } from "../sdk/graph/attributes.js";
import type { Graph, Node, Value } from "../sdk/graph/graph.js";
import { quantisable } from "../sdk/graph/quantisation.js";

/** What becomes int8 or float16, or stays in float, as one. */
export interface Layer {
  /** The tensors that its nodes answer with, which plans name them by. */
  readonly tensors: readonly string[];
  /** That of its weights in the bundle; fixed filters go by the layer that they feed. */
  readonly name: string;
  /** Its share of the multiplications of all such layers, percent. */
  readonly work: number;
}

/** All that is needed to name layers. */
export interface Named {
  /** The graph with folded constants. */
  readonly graph: Graph;
  /** The same before that, in which weights still have their names. */
  readonly source: Graph;
  readonly parameters: ReadonlySet<string>;
}

/** The convolutions that can compute in int8, in order. */
export function convolutionsOf(network: Named): readonly Layer[] {
  const names = namesOf(network);
  return withWork(
    quantisable(network.graph).map((node) => {
      const tensor = node.outputs[0].name;
      return { tensors: [tensor], name: names.get(tensor) ?? tensor, multiplications: multiplicationsOf(node) };
    }),
  );
}

/** Nodes in runs, in order: each begins with a node that has weights, whose name it bears, and goes on to the next of such. */
export function runsOf(network: Named, nodes: readonly Node[]): readonly Layer[] {
  const names = namesOf(network);
  const wanted = new Set(nodes);
  const runs: { name: string; tensors: string[]; multiplications: number }[] = [{ name: "before all weights", tensors: [], multiplications: 0 }];
  const times = new Map<string, number>();
  for (const node of network.graph.nodes) {
    const tensor = node.outputs[0].name;
    const name = names.get(tensor);
    if (name !== undefined) {
      // Weights may be used twice.
      const before = times.get(name) ?? 0;
      times.set(name, before + 1);
      runs.push({ name: before === 0 ? name : `${name} (${before + 1})`, tensors: [], multiplications: multiplicationsOf(node) });
    }
    if (wanted.has(node)) runs.at(-1)?.tensors.push(tensor);
  }
  return withWork(runs.filter(({ tensors }) => tensors.length > 0));
}

function withWork(layers: readonly { readonly name: string; readonly tensors: readonly string[]; readonly multiplications: number }[]): readonly Layer[] {
  const total = layers.reduce((sum, { multiplications }) => sum + multiplications, 0);
  return layers.map(({ multiplications, ...layer }) => ({ ...layer, work: total === 0 ? 0 : (100 * multiplications) / total }));
}

/** Operators with weights, and where they may stand. */
const weighted: Readonly<Partial<Record<Operator, readonly number[]>>> = { Conv: [1], ConvTranspose: [1], Gemm: [1], MatMul: [1, 0] };

function multiplicationsOf(node: Node): number {
  const [x, weights] = node.inputs;
  const [{ size }] = node.outputs;
  if (node.operator === "Conv") return (size * weights.size) / weights.shape[0];
  // Each number that goes in meets the kernels of its channel.
  if (node.operator === "ConvTranspose") return (x.size * weights.size) / weights.shape[0];
  const isTransposed = node.operator === "Gemm" && (node as Node<"Gemm">).attributes.transA;
  return size * (x.shape.at(isTransposed ? 0 : -1) ?? 1);
}

/** Names by the tensors that nodes with weights answer with. */
function namesOf({ graph, source, parameters }: Named): ReadonlyMap<string, string> {
  const folded = new Map(graph.nodes.map((node) => [node.outputs[0].name, node]));
  const names = new Map<string, string>();
  /** What is made of a tensor that has no name of its own. */
  const fed = new Map<Value, string>();
  for (const node of source.nodes.toReversed()) {
    const place = weighted[node.operator]?.find((at) => graph.constants.has(folded.get(node.outputs[0].name)?.inputs[at] ?? node.inputs[at]));
    if (place === undefined) continue;
    const own = parameterOf(source, node.inputs[place], parameters)?.replace(/[._]weight$/, "");
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
