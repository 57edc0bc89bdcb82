import { Graph } from "../graph/graph.js";
import type { FloatTensor, Weights } from "../graph/tensor.js";
import { Builder } from "./builder.js";
import { textWidth, type NetworkConfig } from "./contract.js";
import { network } from "./network.js";
import { initialTensor, InputParameters, type ParameterSpec } from "./parameters.js";

/** Every parameter of a network, in the order in which it is built. */
export function parameterSpecs(config: NetworkConfig): readonly ParameterSpec[] {
  const graph = new Graph("parameters");
  const parameters = new InputParameters("");
  const frames = graph.input("frames", "uint8", [1, config.height, config.width, 3]);
  const text = graph.input("text", "float32", [1, 18, textWidth]);
  const used = graph.input("used", "float32", [1, 16]);
  network(new Builder(graph, parameters, "frozen"), frames, text, used, config);
  return parameters.specs;
}

/** Random weights to start training from. */
export function initialWeights(config: NetworkConfig, seed: number): Weights {
  const weights = new Map<string, FloatTensor>();
  for (const spec of parameterSpecs(config)) weights.set(spec.name, initialTensor(spec, seed));
  return weights;
}
