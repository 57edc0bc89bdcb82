import { trainability } from "../autodiff/trainability.js";
import { Graph, isOperator, type Node, type Value } from "../graph/graph.js";
import { live } from "../graph/live.js";
import { transpose } from "../graph/ops.js";
import { quantisers } from "../graph/quantisation.js";
import type { FloatTensor, Weights } from "../graph/tensor.js";
import { statisticSuffixes } from "../network/imported.js";
import type { Fitted } from "./import-fit.js";

/** What the imported graph calls its outputs. */
export const [logitsName, boxesName] = ["logits", "boxes"];

/** Numbers of a model that do not learn. */
export interface FixedParameter {
  readonly name: string;
  readonly count: number;
  readonly why: string;
}

export interface TakenParameters {
  /** Of the constants that become parameters, by what they are called then. */
  readonly names: ReadonlyMap<Value, string>;
  readonly weights: Weights;
  /** What stays as it is, and why. */
  readonly fixed: readonly FixedParameter[];
  readonly normalisations: number;
}

/** Of a model that cannot be taught: all stays as it is. */
export const nothing: TakenParameters = { names: new Map(), weights: new Map(), fixed: [], normalisations: 0 };

/** Parameters are the float constants of the model that its outputs can teach, and the statistics of normalisation layers. `twin` is read anew, as asking adds nodes. */
export function parametersOf({ graph, own, outputs }: Fitted, twin: Graph): TakenParameters {
  const { used, nodes } = live(graph);
  const taught = new Set(outputs.map(({ name }) => name));
  twin.outputs.splice(0, twin.outputs.length, ...twin.outputs.filter(({ value }) => taught.has(value.name)));
  const teachable = new Map([...trainability(twin)].map(([{ name }, can]) => [name, can]));
  const names = new Map<Value, string>();
  const taken = new Set([...graph.inputs, ...graph.constants.keys()].map(({ name }) => name));
  let normalisations = 0;
  for (const node of graph.nodes) {
    if (!isOperator(node, "BatchNormalization") || !node.outputs.some((value) => used.has(value))) continue;
    const [, , , mean, variance] = node.inputs;
    if (!graph.constants.has(mean) || !graph.constants.has(variance) || names.has(mean) || names.has(variance)) continue;
    const plain = mean.name.replace(/[._]?(running|moving)?[._]?mean$/i, "");
    const stem = [plain, node.outputs[0].name].find((name) => name !== "" && !Object.values(statisticSuffixes).some((suffix) => taken.has(name + suffix)));
    if (stem === undefined) continue;
    names.set(mean, stem + statisticSuffixes.mean).set(variance, stem + statisticSuffixes.variance);
    taken.add(stem + statisticSuffixes.mean).add(stem + statisticSuffixes.variance);
    normalisations++;
  }
  const fixed: FixedParameter[] = [];
  const pairs = nodes.filter(({ operator }) => quantisers.has(operator));
  const scales = new Set(pairs.map(({ inputs }) => inputs[1]));
  const integers = new Set(pairs.flatMap(({ operator, inputs }) => (operator === "DequantizeLinear" ? inputs.slice(0, 1) : [])));
  for (const [value, tensor] of graph.constants) {
    if (integers.has(value)) fixed.push({ name: value.name, count: value.size, why: `is kept in ${value.dtype}` });
    // Single numbers are an exporter's way of writing arithmetic, such as an epsilon.
    if (tensor.dtype !== "float32" || value.size === 1 || !used.has(value) || names.has(value) || scales.has(value) || !own.has(value)) continue;
    const can = teachable.get(value.name) ?? "zero";
    if (can === "yes") names.set(value, parameterName(value.name));
    else fixed.push({ name: value.name, count: value.size, why: can === "zero" ? "nothing that it does reaches the output with a slope" : can.blockedBy });
  }
  // Statistics alone are no more than constants.
  if (names.size === 2 * normalisations) return { ...nothing, fixed };
  const weights = new Map([...names].map(([value, name]) => [name, graph.constants.get(value) as FloatTensor]));
  return { names, weights, fixed, normalisations };
}

/** Graphs call values `constant_4` that nobody names, and what goes in and comes out `text` and `logits`: a parameter that is called by such a word would meet another of its name. */
const parameterName = (name: string): string => (/^\w+$/.test(name) ? `model.${name}` : name);

/** A constant that stays one keeps its name, but for those of our outputs. */
const constantName = (name: string): string => (name === logitsName || name === boxesName ? `model.${name}` : name);

/** A graph to rebuild the model in: what is made there in between takes the name of no constant that comes later. */
export const emptyFor = (model: Graph): Graph => new Graph(model.name, new Set([...model.constants.keys()].map(({ name }) => name)));

/** The model with its parameters as inputs, and an output [1, C, h, w], or those of `unifiedBoxes`. */
export function withParameters({ graph: model, input, outputs, channelAxis }: Fitted, names: ReadonlyMap<Value, string>): Graph {
  const graph = emptyFor(model);
  const made = new Map<Value, Value>([[input, graph.input(input.name, input.dtype, input.shape)]]);
  for (const [value, name] of names) made.set(value, graph.input(name, value.dtype, value.shape));
  const [answer, boxes] = rebuild(model, graph, made, outputs);
  graph.output(logitsName, channelAxis === 3 ? transpose(answer, [0, 3, 1, 2]) : answer);
  if (boxes) graph.output(boxesName, boxes);
  return graph;
}

/** Puts a model's nodes into a graph, in which `made` stands for some of its values, and answers with what `wanted` became. `after` may put something behind a node's output. */
export function rebuild(model: Graph, graph: Graph, made: Map<Value, Value>, wanted: readonly Value[], after: (node: Node, y: Value) => Value = (_, y) => y): Value[] {
  const moved = (value: Value): Value => {
    const known = made.get(value);
    const tensor = model.constants.get(value);
    const found = known ?? (tensor && graph.constant(tensor, constantName(value.name)));
    if (!found) throw new Error(`${value} is used before it is computed`);
    made.set(value, found);
    return found;
  };
  for (const node of model.nodes)
    graph.node(node.operator, node.inputs.map(moved), node.attributes).forEach((value, at) => made.set(node.outputs[at], at === 0 ? after(node, value) : value));
  return wanted.map(moved);
}
