import { NightshiftError } from "../errors.js";
import type { Operator } from "../graph/attributes.js";
import type { Graph, Node, Value } from "../graph/graph.js";
import { add, expand, mul, reshape, sum } from "../graph/ops.js";
import type { Shape } from "../graph/tensor.js";
import { gradientRules } from "./gradients.js";
import { zeros } from "./linear-maps.js";
import { Recomputation, type Recompute } from "./recompute.js";
import type { Gradient, GradientRule } from "./rule.js";

/**
 * Operators whose rules work on a gradient that still has to be repeated to the output's shape. Repeating it late
 * spares a pass over memory for every reduction.
 */
const lazyBroadcast: ReadonlySet<Operator> = new Set<Operator>(["Add", "Sub", "Mul", "Div", "Neg", "Exp", "Sqrt", "Relu", "Identity"]);

/** Other operators whose inputs may be smaller than what their rules answer. */
const broadcasting: ReadonlySet<Operator> = new Set<Operator>(["Pow", "Max", "Min", "Where", "Expand", "PRelu", "MatMul", "Gemm"]);

const same = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((n, i) => n === b[i]);

/**
 * Sums a gradient over the axes along which its value was repeated to shape `full`. Along such an axis a gradient that still
 * has to be repeated itself is the same everywhere, so its sum is a multiple of it.
 */
function unbroadcast(gradient: Value, full: Shape, to: Value): Value {
  const missing = full.length - to.rank;
  const own = (axis: number): number => gradient.shape[axis - full.length + gradient.rank] ?? 1;
  const repeated = full.map((_, axis) => axis).filter((axis) => full[axis] !== 1 && (axis < missing || to.shape[axis - missing] === 1));
  const factor = repeated.reduce((product, axis) => (own(axis) === 1 ? product * full[axis] : product), 1);
  const axes = repeated.filter((axis) => own(axis) !== 1).map((axis) => axis - full.length + gradient.rank);
  const summed = axes.length ? sum(gradient, axes, true) : gradient;
  const scaled = factor === 1 ? summed : mul(summed, factor);
  return scaled.rank <= to.rank ? scaled : reshape(scaled, scaled.shape.slice(scaled.rank - to.rank));
}

function rulesOf(node: Node, dys: readonly (Value | undefined)[], dy: Value): readonly Gradient[] {
  const rule = gradientRules[node.operator] as GradientRule<Operator>;
  const gradients = rule({ node, attributes: node.attributes, inputs: node.inputs, y: node.outputs[0], dy, dys });
  if (gradients.length < node.inputs.length)
    throw new NightshiftError("E_GRADIENT", {
      expected: `${node.inputs.length} gradients from the rule of ${node.operator}`,
      received: String(gradients.length),
      remedy: "Mend the rule.",
    });
  return gradients;
}

export interface BackwardOptions {
  /** `none` unless told otherwise. */
  readonly recompute?: Recompute;
}

export interface Backward {
  /** With respect to each value, in its shape. Zeros where the loss does not depend on it. */
  readonly gradients: readonly Value[];
  /** What arrives from the batch at values that are made of no batch, weights and what is made of them alone, each with all that arrived there before, in the order in which it is made. */
  readonly contributions: readonly Value[];
}

/**
 * Reverse-mode differentiation at graph level: adds to the graph of `loss` the nodes that compute its gradient with
 * respect to each value of `wrt`.
 *
 * @param loss float32, one element
 * @throws `E_GRADIENT` where the way back leads through an operator that cannot be differentiated
 */
export function backward(loss: Value, wrt: readonly Value[], options: BackwardOptions = {}): Backward {
  return walk([loss], [startOf(loss)], wrt, { activations: activationsOf(loss.graph, wrt), ...options });
}

/** The gradients of `backward` alone. */
export const gradients = (loss: Value, wrt: readonly Value[]): readonly Value[] => walk([loss], [startOf(loss)], wrt).gradients;

/**
 * The vector-Jacobian product: from the gradients `dys` that arrive at `ys`, in their shapes, those with respect to each value of `wrt`. Zeros where no y depends on it.
 *
 * @throws `E_GRADIENT` where the way back leads through an operator that cannot be differentiated
 */
export const pullBack = (ys: readonly Value[], dys: readonly Value[], wrt: readonly Value[]): readonly Value[] => walk(ys, dys, wrt).gradients;

/** The gradient that arrives at a loss. */
function startOf(loss: Value): Value {
  if (loss.size !== 1)
    throw new NightshiftError("E_GRADIENT", { expected: "a loss of one element", received: String(loss), remedy: "Sum or average it first." });
  const one = loss.graph.scalar(1);
  return loss.rank === 0 ? one : reshape(one, loss.shape);
}

/** `batch`: what the batch has a part in, and whether that is computed again; without it no contributions are told. */
function walk(ys: readonly Value[], dys: readonly Value[], wrt: readonly Value[], batch?: BackwardOptions & { readonly activations: ReadonlySet<Value> }): Backward {
  const [first] = ys;
  const { graph } = first;
  const dependent = new Set<Value>(wrt);
  const forward = graph.nodes.slice();
  for (const node of forward)
    if (node.inputs.some((v) => dependent.has(v)))
      for (const output of node.outputs) if (!graph.isStopped(output)) dependent.add(output);

  const again = batch?.recompute === "blocks" ? recomputation(graph, dependent, batch.activations) : undefined;
  const contributions: Value[] = [];
  const adjoints = new Adjoints();
  ys.forEach((y, at) => adjoints.add(y, dys[at]));
  graph.scope("backward", () => {
    for (let i = forward.length - 1; i >= 0; i--) {
      const node = forward[i];
      const needed = node.inputs.map((v) => dependent.has(v));
      if (!needed.some(Boolean)) continue;
      const arrived = node.outputs.map((v) => (graph.isStopped(v) ? undefined : adjoints.get(v)));
      const raw = arrived.find((g) => g !== undefined);
      if (!raw) continue;
      const [y] = node.outputs;
      const lazy = lazyBroadcast.has(node.operator);
      const whole = lazy ? arrived : arrived.map((g, j) => (g && !same(g.shape, node.outputs[j].shape) ? expand(g, node.outputs[j].shape) : g));
      const rules = rulesOf(again?.node(node, adjoints) ?? node, whole, whole[0] ?? raw);
      node.inputs.forEach((input, j) => {
        if (!needed[j]) return;
        const rule = rules[j];
        if (rule === "zero") return;
        if (typeof rule !== "function")
          throw new NightshiftError("E_GRADIENT", {
            expected: "operators that can be differentiated",
            received: `${rule.unsupported} (node ${y.name})`,
            remedy: "Train fewer parameters, or stop the gradient before this node.",
          });
        const made = rule();
        const gradient = lazy ? unbroadcast(made, y.shape, input) : broadcasting.has(node.operator) ? unbroadcast(made, made.shape, input) : made;
        adjoints.add(input, gradient);
        if (batch?.activations.has(y) && !batch.activations.has(input)) contributions.push(adjoints.get(input) ?? gradient);
      });
    }
  });
  const found = wrt.map((v) => {
    const gradient = adjoints.get(v);
    if (!gradient) return zeros(first, v.shape);
    return same(gradient.shape, v.shape) ? gradient : expand(gradient, v.shape);
  });
  return { gradients: found, contributions };
}

/**
 * Gradients as they arrive at each value. They are summed when the sum is asked for: ONNX Runtime computes of a node's inputs first what was added to the graph last, so of a sum made
 * of each as it arrives every one would be computed, and held, before the first two are added.
 */
class Adjoints {
  readonly #arrived = new Map<Value, readonly Value[]>();

  add(value: Value, gradient: Value): void {
    this.#arrived.set(value, [...(this.#arrived.get(value) ?? []), gradient]);
  }

  /** The sum of what has arrived so far. */
  get(value: Value): Value | undefined {
    const arrived = this.#arrived.get(value);
    if (!arrived) return undefined;
    const sum = arrived.reduce((all, gradient) => add(all, gradient));
    this.#arrived.set(value, [sum]);
    return sum;
  }
}

/** What the batch has a part in: all inputs, but those that `wrt` is made of. */
function activationsOf(graph: Graph, wrt: readonly Value[]): ReadonlySet<Value> {
  const learning = new Set<Value>();
  const open = [...wrt];
  for (let next = open.pop(); next; next = open.pop()) {
    if (learning.has(next)) continue;
    learning.add(next);
    open.push(...(graph.producer(next)?.inputs ?? []));
  }
  const activations = new Set<Value>(graph.inputs.filter((input) => !learning.has(input)));
  for (const node of graph.nodes) if (node.inputs.some((v) => activations.has(v))) for (const output of node.outputs) activations.add(output);
  return activations;
}

/** Of the forward pass, what depends both on the batch and on what learns: what is made of weights alone is small, and kept. */
function recomputation(graph: Graph, dependent: ReadonlySet<Value>, activations: ReadonlySet<Value>): Recomputation {
  const nodes = graph.nodes.filter(({ inputs }) => inputs.some((v) => activations.has(v)) && inputs.some((v) => dependent.has(v)));
  return new Recomputation(graph, nodes, activations);
}
