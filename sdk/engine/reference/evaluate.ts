import type { Graph, Node, Value } from "../../graph/graph.js";
import type { Operator } from "../../graph/attributes.js";
import { live } from "../../graph/live.js";
import type { Tensor } from "../../graph/tensor.js";
import { fromTensor, isFloat, refuse, rounded, type NdArray } from "./array.js";
import type { Kernel } from "./kernel.js";
import { kernels } from "./kernels.js";

export type Feeds = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>;

export interface EvaluateOptions {
  /**
   * `float64` (the default): no rounding anywhere, whatever float type the graph declares, and any float type may be fed; a graph's own scalars are the numbers
   * that they were built from.
   * `declared`: every float tensor is rounded to its declared type, as in other engines.
   */
  readonly precision?: "float64" | "declared";
}

const same = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((n, i) => n === b[i]);

function fed(input: Value, feeds: Feeds, precision: "float64" | "declared"): NdArray {
  const tensor = feeds instanceof Map ? (feeds as ReadonlyMap<string, Tensor>).get(input.name) : (feeds as Readonly<Record<string, Tensor>>)[input.name];
  if (!tensor) refuse(`a tensor for input ${input}`, "none");
  const widened = precision === "float64" && isFloat(input.dtype) && isFloat(tensor.dtype);
  if (!same(tensor.shape, input.shape) || (tensor.dtype !== input.dtype && !widened))
    refuse(`a tensor for input ${input}`, `${tensor.dtype}[${tensor.shape.join(", ")}]`);
  return { ...fromTensor(tensor), dtype: input.dtype };
}

function compute(node: Node, inputs: readonly NdArray[]): readonly NdArray[] {
  const kernel = kernels[node.operator] as Kernel<Operator>;
  const outputs = kernel(inputs, node.attributes, node.outputs);
  node.outputs.forEach((value, i) => {
    const made = outputs[i];
    if (made.dtype !== value.dtype || !same(made.shape, value.shape))
      refuse(`${value} from the kernel of ${node.operator}`, `${made.dtype}[${made.shape.join(", ")}]`, "Mend the kernel or the shape inference.");
  });
  return outputs;
}

/**
 * The slow reference engine: computes a graph's outputs by name, with plain loops in float64. What other engines and
 * gradient rules are checked against; not meant for frames.
 *
 * @param feeds a tensor for each of the graph's inputs, by name
 * @throws `E_ENGINE` where a feed is missing or does not fit, an index is out of bounds, or a Cast's result is undefined
 */
export function evaluate(graph: Graph, feeds: Feeds, { precision = "float64" }: EvaluateOptions = {}): Map<string, NdArray> {
  const settle = (x: NdArray): NdArray => (precision === "declared" ? rounded(x) : x);
  const { nodes, used } = live(graph);
  const arrays = new Map<Value, NdArray>();
  const known = (value: Value): NdArray => arrays.get(value) ?? refuse(`${value} computed before it is used`, "nothing");
  for (const input of graph.inputs) if (used.has(input)) arrays.set(input, fed(input, feeds, precision));
  for (const [value, tensor] of graph.constants) {
    if (!used.has(value)) continue;
    const exact = precision === "float64" ? graph.exactScalars.get(value) : undefined;
    const array = fromTensor(tensor);
    arrays.set(value, exact === undefined ? array : { ...array, data: Float64Array.of(exact) });
  }
  for (const node of nodes) {
    const outputs = compute(node, node.inputs.map(known));
    node.outputs.forEach((value, i) => arrays.set(value, settle(outputs[i])));
  }
  return new Map(graph.outputs.map(({ name, value }) => [name, known(value)]));
}
