import { Graph, type Value } from "../graph/graph.js";
import { live } from "../graph/live.js";
import { writeOnnx } from "../graph/onnx/write.js";
import { rewritten } from "../graph/rewrite.js";
import type { Tensor } from "../graph/tensor.js";
import { runModel } from "./run.js";

/** The graph with everything that does not depend on its inputs computed, by ONNX Runtime, which would do the same when it opens it. */
export async function foldConstants(source: Graph): Promise<Graph> {
  const { nodes } = live(source);
  const copies = new Map<Value, Value>();
  const graph = new Graph("constants");
  const copyOf = (value: Value): Value | undefined => {
    const tensor = source.constants.get(value);
    if (tensor && !copies.has(value)) copies.set(value, graph.constant(tensor, value.name));
    return copies.get(value);
  };
  const needed = new Map<string, Value>();
  for (const node of nodes) {
    const inputs = node.inputs.map(copyOf);
    if (inputs.every((input) => input !== undefined)) {
      const outputs = graph.node(node.operator, inputs, node.attributes, node.outputs.map(({ name }) => name));
      node.outputs.forEach((output, at) => copies.set(output, outputs[at]));
      continue;
    }
    for (const input of node.inputs) if (copies.has(input) && !source.constants.has(input)) needed.set(input.name, input);
  }
  for (const { value } of source.outputs) if (copies.has(value) && !source.constants.has(value)) needed.set(value.name, value);
  if (needed.size === 0) return source;
  for (const [name, value] of needed) graph.output(name, copies.get(value) ?? value);
  const computed = await runModel(writeOnnx(graph), {});
  const constants = new Map<Value, Tensor>([...needed].map(([name, value]) => [value, computed[name]]));
  return rewritten(source, { constants });
}
