import type { Graph, Node, Value } from "./graph.js";

/** What is needed of a list of nodes. */
interface Needed<N, V> {
  /** In their order. */
  readonly nodes: readonly N[];
  /** All that is wanted, and all that these nodes take. */
  readonly used: ReadonlySet<V>;
}

/** Of nodes in order, those that make what is wanted. `given` and `taken`: what a node makes and what it needs for it. */
export function needed<N, V>(nodes: readonly N[], wanted: Iterable<V>, given: (node: N) => readonly V[], taken: (node: N) => Iterable<V>): Needed<N, V> {
  const used = new Set(wanted);
  const found = nodes.toReversed().filter((node) => {
    if (!given(node).some((value) => used.has(value))) return false;
    for (const value of taken(node)) used.add(value);
    return true;
  });
  return { nodes: found.reverse(), used };
}

/** What a graph's outputs need, where what is `known` needs no node. */
export const live = ({ nodes, outputs }: Graph, known: Pick<ReadonlySet<Value>, "has"> = new Set<Value>()): Needed<Node, Value> =>
  needed(nodes, outputs.map(({ value }) => value), (node) => node.outputs.filter((value) => !known.has(value)), ({ inputs }) => inputs);
