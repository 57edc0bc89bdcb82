import type { Graph, Node, Value } from "../graph/graph.js";
import { cast, greater, mul, reshape, slice, sub } from "../graph/ops.js";

/** Whether the backward pass keeps all that it needs of the forward pass, or computes it again, block by block, from what passes between blocks. */
export type Recompute = "none" | "blocks";

/** Operators whose output is their input's memory. */
const isView = ({ operator }: Node): boolean => operator === "Reshape" || operator === "Squeeze" || operator === "Unsqueeze" || operator === "Identity";

/** Bytes that count: what is smaller is kept rather than reckoned with. */
const sizeOf = (value: Value): number => value.size * (value.dtype === "bool" || value.dtype === "uint8" ? 1 : 4);

/**
 * Cuts a forward pass into blocks, runs of nodes in their order, so that least memory is needed: of what passes between blocks, all at once, and of what is inside of the largest.
 */
export function blocksOf(nodes: readonly Node[]): readonly (readonly Node[])[] {
  const place = new Map(nodes.flatMap((node, at) => node.outputs.map((output) => [output, at] as const)));
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const memory = (value: Value): Value => {
    const node = producers.get(value);
    return node && isView(node) && place.has(node.inputs[0]) ? memory(node.inputs[0]) : value;
  };
  const last = new Map<Value, number>();
  nodes.forEach(({ inputs }, at) => inputs.forEach((input) => place.has(input) && last.set(memory(input), at)));
  // Bytes that cross the border before each node, and that are made up to it.
  const change = new Float64Array(nodes.length + 1);
  const made = new Float64Array(nodes.length + 1);
  nodes.forEach((node, at) => {
    made[at + 1] = made[at] + (isView(node) ? 0 : node.outputs.reduce((sum, output) => sum + sizeOf(output), 0));
    for (const output of node.outputs) {
      const until = last.get(output);
      if (until === undefined) continue;
      change[at + 1] += sizeOf(output);
      change[until + 1] -= sizeOf(output);
    }
  });
  const crossing = new Float64Array(nodes.length + 1);
  for (let at = 1; at <= nodes.length; at++) crossing[at] = crossing[at - 1] + change[at];

  const kept = (borders: readonly number[]): number => {
    let sum = 0;
    for (const [value, until] of last) {
      const from = place.get(value) ?? 0;
      if (borders.some((border) => border > from && border <= until)) sum += sizeOf(value);
    }
    return sum;
  };
  let best: { readonly borders: readonly number[]; readonly bytes: number } = { borders: [], bytes: made[nodes.length] };
  for (let parts = 2; parts <= 64; parts *= 2) {
    const most = made[nodes.length] / parts;
    const borders = bordersFor(made, crossing, most);
    const ends = [...borders, nodes.length];
    const largest = Math.max(...ends.map((end, at) => made[end] - made[at === 0 ? 0 : ends[at - 1]]));
    const bytes = kept(borders) + largest;
    if (bytes < best.bytes) best = { borders, bytes };
  }
  return [...best.borders, nodes.length].map((end, at) => nodes.slice(at === 0 ? 0 : best.borders[at - 1], end));
}

/** Borders between blocks of at most `most` bytes, where least crosses them. */
function bordersFor(made: Float64Array, crossing: Float64Array, most: number): readonly number[] {
  const count = made.length - 1;
  const cost = new Float64Array(count + 1).fill(Infinity);
  const before = new Int32Array(count + 1);
  cost[0] = 0;
  for (let end = 1; end <= count; end++)
    for (let start = end - 1; start >= 0 && (start === end - 1 || made[end] - made[start] <= most); start--) {
      const here = cost[start] + crossing[start];
      if (here < cost[end]) [cost[end], before[end]] = [here, start];
    }
  const borders: number[] = [];
  for (let end = before[count]; end > 0; end = before[end]) borders.push(end);
  return borders.reverse();
}

/** Makes the nodes of blocks again, each block when the backward pass first comes to it. */
export class Recomputation {
  readonly #blockOf = new Map<Node, readonly Node[]>();
  readonly #made = new Set<readonly Node[]>();
  readonly #again = new Map<Value, Value>();

  /**
   * @param nodes those of the forward pass that may be computed again, in order
   * @param activations what the batch has a part in
   */
  constructor(
    private readonly graph: Graph,
    nodes: readonly Node[],
    private readonly activations: ReadonlySet<Value>,
  ) {
    // The last block is still there when the backward pass begins.
    for (const block of blocksOf(nodes).slice(0, -1)) for (const node of block) this.#blockOf.set(node, block);
  }

  /** The node as the backward pass is to see it: computed again, or as it is. `adjoints`: the gradients that have arrived. */
  node(node: Node, adjoints: Pick<ReadonlyMap<Value, Value>, "get">): Node {
    const block = this.#blockOf.get(node);
    if (!block) return node;
    if (!this.#made.has(block)) this.#make(block, adjoints);
    const [again] = node.outputs.flatMap((output) => this.#again.get(output) ?? []);
    return (again && this.graph.producer(again)) ?? node;
  }

  /** What nothing asks for of it is left out when the graph is written. */
  #make(block: readonly Node[], adjoints: Pick<ReadonlyMap<Value, Value>, "get">): void {
    this.#made.add(block);
    const own = new Set(block.flatMap(({ outputs }) => outputs));
    const one = this.#oneAfter([...own].flatMap((output) => adjoints.get(output) ?? []));
    const borders = new Map<Value, Value>();
    const seen = (value: Value): Value => {
      if (own.has(value)) return this.#again.get(value) ?? value;
      if (value.dtype !== "float32" || !this.activations.has(value)) return value;
      const border = borders.get(value) ?? mul(value, one);
      borders.set(value, border);
      return border;
    };
    this.graph.scope("again", () => {
      for (const node of block) {
        const outputs = this.graph.node(node.operator, node.inputs.map(seen), node.attributes);
        node.outputs.forEach((output, at) => this.#again.set(output, outputs[at]));
      }
    });
  }

  /**
   * 1, but not before the latest of these gradients is there. What enters a block is multiplied by it, so that ONNX Runtime neither takes the block for
   * the one it has computed (common subexpressions) nor computes it before its turn. Nothing is larger than infinity, which no optimiser knows of numbers to come.
   */
  #oneAfter(arrived: readonly Value[]): Value {
    const among = new Set(arrived);
    const latest = this.graph.nodes.findLast(({ outputs }) => outputs.some((output) => among.has(output)))?.outputs.find((output) => among.has(output)) ?? arrived[0];
    const first = reshape(slice(reshape(latest, [latest.size]), 0, 0, 1), []);
    return sub(1, cast(greater(first, Infinity), "float32"));
  }
}
