import type { Operator } from "./attributes.js";
import { floatOf, fromFloat16, halfOf, toFloat16 } from "./float16.js";
import { type Graph, isOperator, type Node, type Value } from "./graph.js";
import { quantisers, requireLayers } from "./quantisation.js";
import { type Became, rewritten } from "./rewrite.js";
import type { FloatTensor } from "./tensor.js";

/** The greatest number of float16. */
export const largestHalf = 65504;

/** The least that it holds with all its digits. */
export const leastHalf = 2 ** -14;

/**
 * How float16 is written. `typed`: tensors are float16, for engines that compute in it. `rounded`: tensors are float32 and rounded to float16 wherever they would be
 * that, for engines that do not: ONNX Runtime on a CPU has next to no such kernels, computes in float32 in their place, and leaves out the rounding in between.
 * Both compute the same where sums are made in float32.
 */
export type HalfForm = "typed" | "rounded";

/** What is computed in float16. */
export interface HalfPlan {
  /** Nodes, by the names of their first outputs. What only moves or chooses numbers is in float16 where all is that it is given. */
  readonly layers: ReadonlySet<string>;
}

/** Whose numbers are among those of their inputs, so that nothing is rounded that was not before. */
const choosing: ReadonlySet<Operator> = new Set<Operator>([
  ...(["Identity", "Reshape", "Transpose", "Concat", "Split", "Slice", "Pad", "Expand", "Unsqueeze", "Squeeze", "Tile", "Gather", "GatherElements"] as const),
  ...(["DepthToSpace", "SpaceToDepth", "Relu", "Neg", "Abs", "Max", "Min", "Where", "MaxPool", "ReduceMax", "ReduceMin", "ArgMax", "ArgMin", "TopK"] as const),
]);

/** Whose output's type the graph's meaning hangs on. */
const fixed: ReadonlySet<Operator> = new Set<Operator>(["Cast", "OneHot", ...quantisers]);

const isChoosing = (node: Node): boolean =>
  (choosing.has(node.operator) && !(isOperator(node, "Pad") && !isHalf([node.attributes.value]))) || (isOperator(node, "Resize") && node.attributes.mode === "nearest");

const isHalf = (numbers: readonly number[] | Float32Array): boolean => {
  const data = Float32Array.from(numbers);
  return fromFloat16(toFloat16(data)).every((number, at) => number === data[at]);
};

const isFloat = ({ dtype }: Value): boolean => dtype === "float32";

/** The nodes of a graph with folded constants that can compute in float16, in order. */
export const halvable = (graph: Graph): readonly Node[] =>
  graph.nodes.filter((node) => !fixed.has(node.operator) && !isChoosing(node) && isFloat(node.outputs[0]) && node.inputs.some((input) => isFloat(input) && !graph.constants.has(input)));

/** The nodes that take and give float16 where these layers (`HalfPlan.layers`) do. */
function halfNodes(graph: Graph, layers: ReadonlySet<string>): ReadonlySet<Node> {
  const nodes = new Set<Node>();
  const halves = new Set<Value>();
  const fits = (input: Value): boolean => {
    const constant = graph.constants.get(input);
    return constant ? isHalf((constant as FloatTensor).data) : halves.has(input);
  };
  for (const node of graph.nodes) {
    const floats = node.inputs.filter(isFloat);
    const follows = isChoosing(node) && floats.some((input) => !graph.constants.has(input)) && floats.every(fits);
    if (!follows && !layers.has(node.outputs[0].name)) continue;
    nodes.add(node);
    for (const output of node.outputs) if (isFloat(output)) halves.add(output);
  }
  return nodes;
}

/**
 * The graph with what the plan says in float16, float32 at its inputs and outputs.
 *
 * @param graph with folded constants
 * @throws `E_BUNDLE_FORMAT` where a layer is not in the graph
 */
export function halved(graph: Graph, { layers }: HalfPlan, form: HalfForm): Graph {
  requireLayers(layers, halvable(graph));
  const nodes = halfNodes(graph, layers);
  return form === "typed" ? typed(graph, nodes) : rounded(graph, nodes);
}

function typed(source: Graph, nodes: ReadonlySet<Node>): Graph {
  const casts = new Map<Value, Value>();
  const remembered = (value: Value, make: () => Value): Value => {
    const known = casts.get(value) ?? make();
    casts.set(value, known);
    return known;
  };
  const inHalf = (value: Value, became: Became, graph: Graph): Value => {
    const constant = source.constants.get(value);
    if (constant) return remembered(value, () => graph.constant(halfOf(constant), `${value.name}.half`));
    const made = became(value);
    return isFloat(made) ? remembered(value, () => named(graph, made, "float16", `${value.name}.half`)) : made;
  };
  const inFloat = (value: Value, made: Value, graph: Graph): Value => (made.dtype === value.dtype ? made : remembered(value, () => named(graph, made, "float32", `${value.name}.float`)));
  return rewritten(source, {
    node: (node, became, graph) => {
      const given = (input: Value): Value => (nodes.has(node) && isFloat(input) ? inHalf(input, became, graph) : inFloat(input, became(input), graph));
      return graph.node(node.operator, node.inputs.map(given), node.attributes, node.outputs.map(({ name }) => name));
    },
    output: inFloat,
  });
}

function rounded(source: Graph, nodes: ReadonlySet<Node>): Graph {
  const halves = new Set([...nodes].flatMap(({ outputs }) => outputs));
  const made = new Map<Value, Value>();
  const inHalf = (value: Value, became: Became, graph: Graph): Value => {
    if (halves.has(value)) return became(value);
    const constant = source.constants.get(value);
    const known = made.get(value) ?? (constant ? graph.constant(floatOf(halfOf(constant)), `${value.name}.rounded`) : throughHalf(graph, became(value), `${value.name}.rounded`));
    made.set(value, known);
    return known;
  };
  return rewritten(source, {
    node: (node, became, graph) => {
      if (!nodes.has(node)) return undefined;
      const inputs = node.inputs.map((input) => (isFloat(input) ? inHalf(input, became, graph) : became(input)));
      const names = node.outputs.map(({ name }) => name);
      if (isChoosing(node)) return graph.node(node.operator, inputs, node.attributes, names);
      // The name is that of what others see.
      const exact = graph.node(node.operator, inputs, node.attributes, names.map((name) => `${name}.exact`));
      return exact.map((output, at) => (isFloat(output) ? throughHalf(graph, output, names[at]) : output));
    },
  });
}

const named = (graph: Graph, value: Value, to: "float16" | "float32", name: string): Value => graph.node("Cast", [value], { to }, [name])[0];

const throughHalf = (graph: Graph, value: Value, name: string): Value => named(graph, named(graph, value, "float16", `${name}.half`), "float32", name);
