import type { Operator } from "../../sdk/graph/attributes.js";
import { Graph } from "../../sdk/graph/graph.js";
import type { Tensor } from "../../sdk/graph/tensor.js";
import type { Case } from "./cases.js";

/** A case as other engines take it: float64 inputs rounded to float32. */
export const narrowed = (tensor: Tensor): Tensor =>
  tensor.data instanceof Float64Array ? { dtype: "float32", shape: tensor.shape, data: Float32Array.from(tensor.data) } : tensor;

/** The graph of one case, with inputs `input_0`, ... and outputs `output_0`, ... , and its feeds in the declared types. */
export function graphOf(operator: Operator, { inputs, attributes }: Case): { graph: Graph; feeds: Record<string, Tensor> } {
  const graph = new Graph(operator);
  const tensors = inputs.map(narrowed);
  const values = tensors.map(({ dtype, shape }, i) => graph.input(`input_${i}`, dtype, shape));
  graph.node(operator, values, attributes).forEach((y, i) => graph.output(`output_${i}`, y));
  return { graph, feeds: Object.fromEntries(tensors.map((tensor, i) => [`input_${i}`, tensor])) };
}
