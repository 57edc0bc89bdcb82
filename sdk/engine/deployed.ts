import type { Quantisation } from "../bundle/quantisation.js";
import type { Graph } from "../graph/graph.js";
import { halved, type HalfForm } from "../graph/half.js";
import { quantised } from "../graph/quantisation.js";
import type { Weights } from "../graph/tensor.js";
import type { Network } from "../network/architecture.js";
import { inferenceGraph, inferenceModel, inferenceOnnx, type InferenceOptions } from "../network/inference.js";
import { foldConstants } from "./constants.js";

/** Weights, and how they are deployed: in int8 or float16 where there is a quantisation, else in float32. A bundle is one. */
export interface Deployable {
  readonly network: Network;
  readonly weights: Weights;
  readonly quantisation?: Quantisation;
}

export interface DeployOptions extends InferenceOptions {
  /** How float16 is written; `rounded` unless told otherwise, as ONNX Runtime takes it on a CPU. */
  readonly halves?: HalfForm;
}

/** The deployed network as ONNX, in the precision that it is deployed in. Throws `E_BUNDLE_FORMAT` where the quantisation is not this network's. */
export async function deployedModel(deployable: Deployable, options: DeployOptions): Promise<Uint8Array> {
  const { network, weights, quantisation } = deployable;
  return quantisation ? inferenceOnnx(await deployedGraph(deployable, options), options) : inferenceModel(network, weights, options);
}

/** The same as a graph with folded constants. */
export async function deployedGraph({ network, weights, quantisation }: Deployable, options: DeployOptions): Promise<Graph> {
  const graph = await foldConstants(inferenceGraph(network, weights, options));
  switch (quantisation?.precision) {
    case "int8":
      return quantised(graph, quantisation, quantisation.form);
    case "float16":
      return halved(graph, quantisation, options.halves ?? "rounded");
    case undefined:
      return graph;
  }
}
