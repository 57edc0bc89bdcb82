import { Graph } from "../../graph/graph.js";
import type { Weights } from "../../graph/tensor.js";
import { Builder } from "../builder.js";
import type { NetworkConfig } from "../contract.js";
import { depthHead, depthPrefix } from "../depth-head.js";
import { imageEncoder, normalise } from "../image-encoder.js";
import { depthLoss } from "../losses/depth.js";
import { packParameters, PackedParameters } from "../packing.js";
import { ConstantParameters, InputParameters, initialTensor, type ParameterSource, type ParameterSpec } from "../parameters.js";
import { pixelDecoder } from "../pixel-decoder.js";
import { optimise, optimiserScalars, optimiserState, prefixes, scalarInputs, writeStep, type StepGraph } from "./step-graph.js";

/** The head on the network's features, whose normalisation keeps its statistics. */
function depthOf(graph: Graph, parameters: ParameterSource, config: NetworkConfig, batch: number): ReturnType<typeof depthHead> {
  const frames = graph.input("frames", "uint8", [batch, config.height, config.width, 3]);
  const b = new Builder(graph, parameters, "frozen");
  return depthHead(b, pixelDecoder(b, imageEncoder(b, normalise(frames), config), config));
}

function depthSpecs(config: NetworkConfig): readonly ParameterSpec[] {
  const parameters = new InputParameters("");
  depthOf(new Graph("parameters"), parameters, config, 1);
  return parameters.specs.filter(({ name }) => name.startsWith(depthPrefix));
}

/** The weights with those of the depth head, random where there are none yet. */
export const withDepth = (config: NetworkConfig, weights: Weights, seed: number): Weights =>
  new Map([...weights, ...depthSpecs(config).map((spec) => [spec.name, weights.get(spec.name) ?? initialTensor(spec, seed)] as const)]);

/**
 * One step of the depth head alone: the features it reads are constants, so masks and boxes stay what they are.
 *
 * Data inputs: frames uint8 [N, H, W, 3]; depth float32 [N, H/4, W/4], metres, 0 where unknown. Results: `loss`, `gradientNorm`.
 */
export function depthStep(config: NetworkConfig, weights: Weights, { batch }: { readonly batch: number }): StepGraph {
  const graph = new Graph("depth step");
  const packs = packParameters(depthSpecs(config), () => true);
  const student = new PackedParameters(graph, prefixes.student, packs, new ConstantParameters(weights));
  const told = depthOf(graph, student, config, batch);
  const loss = depthLoss(told, graph.input("depth", "float32", [batch, config.height / 4, config.width / 4]));
  const { norm } = optimise(graph, loss, student, undefined, scalarInputs(graph, optimiserScalars));
  graph.output("loss", loss);
  graph.output("gradientNorm", norm);
  return { model: writeStep(graph), state: optimiserState(packs, weights), packs, scalars: optimiserScalars, results: ["loss", "gradientNorm"] };
}
