import { Graph } from "../graph/graph.js";
import type { FloatTensor, Weights } from "../graph/tensor.js";
import { architectureOf, textWidthOf, type Network } from "./architecture.js";
import { Builder } from "./builder.js";
import type { NetworkConfig } from "./contract.js";
import { initialTensor, InputParameters, type ParameterSpec } from "./parameters.js";

/** Every parameter of a network, in the order in which it is built. */
export function parameterSpecs(network: Network): readonly ParameterSpec[] {
  const graph = new Graph("parameters");
  const parameters = new InputParameters("");
  const image = graph.input("image", "float32", [1, 3, network.height, network.width]);
  const text = graph.input("text", "float32", [1, 18, textWidthOf(network)]);
  const used = graph.input("used", "float32", [1, 16]);
  architectureOf(network).onImage(new Builder(graph, parameters, "frozen"), image, text, used);
  return parameters.specs;
}

/** Random weights to start training from. */
export function initialWeights(config: NetworkConfig, seed: number): Weights {
  const weights = new Map<string, FloatTensor>();
  for (const spec of parameterSpecs(config)) weights.set(spec.name, initialTensor(spec, seed));
  return weights;
}
