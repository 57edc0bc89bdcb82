import { pullBack } from "../../autodiff/backward.js";
import { gradientRules } from "../../autodiff/gradients.js";
import { zeros } from "../../autodiff/linear-maps.js";
import type { GradientRule } from "../../autodiff/rule.js";
import type { Attributes, Operator } from "../../graph/attributes.js";
import { Graph, type Value } from "../../graph/graph.js";
import { live } from "../../graph/live.js";
import type { DType, Shape, Tensor } from "../../graph/tensor.js";

/** One operator on given tensors, and what is wanted of it. */
export interface OperatorCase {
  readonly operator: Operator;
  readonly attributes: Attributes[Operator];
  readonly inputs: readonly Tensor[];
  /** Places of the inputs that a gradient is wanted for. */
  readonly wrt: readonly number[];
  /** The gradient that arrives at each output; undefined for outputs of whole numbers. */
  readonly dys: readonly (Tensor | undefined)[];
}

interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

interface Applied {
  readonly graph: Graph;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

/** The operator in a graph of its own, on inputs `input_0`, ... */
function applied(operator: Operator, attributes: Attributes[Operator], inputs: readonly TensorType[]): Applied {
  const graph = new Graph(operator);
  const values = inputs.map(({ dtype, shape }, at) => graph.input(`input_${at}`, dtype === "float64" ? "float32" : dtype, shape));
  return { graph, inputs: values, outputs: graph.node(operator, values, attributes) };
}

/** Types of the operator's outputs. */
export const outputTypes = (operator: Operator, attributes: Attributes[Operator], inputs: readonly TensorType[]): readonly TensorType[] => applied(operator, attributes, inputs).outputs;

/** Places of the inputs that the operator has a gradient for. */
export function differentiable(operator: Operator, attributes: Attributes[Operator], types: readonly TensorType[]): readonly number[] {
  const { graph, inputs, outputs } = applied(operator, attributes, types);
  const [node] = graph.nodes;
  const [y] = outputs;
  if (!node || !y) return [];
  const dys = outputs.map((output) => zeros(output, output.shape));
  const rule = gradientRules[operator] as GradientRule<Operator>;
  const answers = rule({ node, attributes, inputs, y, dy: dys[0] ?? y, dys });
  return inputs.flatMap(({ dtype }, at) => (dtype === "float32" && typeof answers[at] === "function" ? [at] : []));
}

/** The operator's forward pass: `output_0`, ... */
export function forwardGraph({ operator, attributes, inputs }: OperatorCase): Graph {
  const { graph, outputs } = applied(operator, attributes, inputs);
  outputs.forEach((y, at) => graph.output(`output_${at}`, y));
  return graph;
}

/** Forward and backward in one: `output_0`, ... and `gradient_<input>`, from the inputs and `dy_0`, ... */
export function gradientGraph(given: OperatorCase): Graph {
  const { graph, outputs, found } = pulledBack(given);
  outputs.forEach((y, at) => graph.output(`output_${at}`, y));
  found.forEach((gradient, at) => graph.output(`gradient_${given.wrt[at]}`, gradient));
  return graph;
}

function pulledBack({ operator, attributes, inputs, wrt, dys }: OperatorCase): Applied & { readonly found: readonly Value[] } {
  const whole = applied(operator, attributes, inputs);
  const arriving = whole.outputs.flatMap((y, at) => (dys[at] ? [{ y, dy: whole.graph.input(`dy_${at}`, "float32", y.shape) }] : []));
  const found = pullBack(arriving.map(({ y }) => y), arriving.map(({ dy }) => dy), whole.inputs.filter((_, at) => wrt.includes(at)));
  return { ...whole, found };
}

/**
 * The operator's backward pass alone: from its inputs, its outputs where the rule reads them (`output_0`, ...) and `dy_0`, ... to `gradient_<input>`. What the
 * forward pass has computed is given, as it is in a training step.
 */
export function backwardGraph(given: OperatorCase): Graph {
  const whole = pulledBack(given);
  const { found } = whole;
  const graph = new Graph(given.operator);
  const made = new Map<Value, Value>(whole.graph.inputs.map((value) => [value, graph.input(value.name, value.dtype, value.shape)]));
  whole.outputs.forEach((y, at) => made.set(y, graph.input(`output_${at}`, y.dtype, y.shape)));
  const moved = (value: Value): Value => {
    const tensor = whole.graph.constants.get(value);
    const known = made.get(value) ?? (tensor && graph.constant(tensor));
    if (!known) throw new Error(`${value} is used before it is computed`);
    made.set(value, known);
    return known;
  };
  // The first node is the operator itself.
  for (const node of whole.graph.nodes.slice(1)) graph.node(node.operator, node.inputs.map(moved), node.attributes).forEach((value, at) => made.set(node.outputs[at] ?? value, value));
  found.forEach((gradient, at) => graph.output(`gradient_${given.wrt[at]}`, moved(gradient)));
  const { used } = live(graph);
  graph.inputs.splice(0, Infinity, ...graph.inputs.filter((value) => used.has(value)));
  return graph;
}
