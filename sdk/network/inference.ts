import { Graph } from "../graph/graph.js";
import { argMax, cast, clip, mul, reduceMax, reshape, resize, sigmoid, softmax, unsqueeze } from "../graph/ops.js";
import { writeOnnx } from "../graph/onnx/write.js";
import type { Weights } from "../graph/tensor.js";
import { Builder } from "./builder.js";
import { inputNames, outputNames, textWidth, type NetworkConfig, type vocabularySizes } from "./contract.js";
import { network } from "./network.js";
import { ConstantParameters } from "./parameters.js";

export interface InferenceOptions {
  /** Pixels of the camera's frames. */
  readonly frameWidth: number;
  readonly frameHeight: number;
  /** K, the padded size of the vocabulary. */
  readonly names: (typeof vocabularySizes)[number];
}

/**
 * The deployed network as a graph: a frame of the camera's size in, mask and boxes out, as `contract.ts` names them.
 * Everything between is in the graph: resizing, normalisation, argmax (at stride 2, before the mask is enlarged) and boxes.
 */
export function inferenceGraph(config: NetworkConfig, weights: Weights, options: InferenceOptions): Graph {
  const graph = new Graph("nightshift");
  const { width, height } = config;
  const frame = graph.input(inputNames.frame, "uint8", [1, options.frameHeight, options.frameWidth, 3]);
  const text = graph.input(inputNames.text, "float32", [options.names + 2, textWidth]);
  const used = graph.input(inputNames.used, "float32", [options.names]);
  const sameSize = options.frameWidth === width && options.frameHeight === height;
  const resized = sameSize ? frame : resize(frame, [1, height, width, 3], "linear", true);
  const b = new Builder(graph, new ConstantParameters(weights), "frozen");
  const out = network(b, resized, unsqueeze(text, [0]), unsqueeze(used, [0]), config);

  const finer = resize(out.maskLogits, [1, options.names, height / 2, width / 2], "linear");
  const labels = cast(reshape(argMax(finer, 1), [1, 1, height / 2, width / 2]), "uint8");
  graph.output(outputNames.mask, reshape(resize(labels, [1, 1, height, width], "nearest"), [height, width]));
  const confidence = reduceMax(softmax(out.maskLogits, 1), [1]);
  graph.output(outputNames.maskScore, reshape(cast(clip(mul(confidence, 255), 0, 255), "uint8"), [height / 4, width / 4]));
  graph.output(outputNames.boxes, reshape(clip(out.regionBoxes, 0, width), [config.regions, 4]));
  graph.output(outputNames.boxScore, reshape(sigmoid(reduceMax(out.regionLogits, [2])), [config.regions]));
  graph.output(outputNames.boxLabel, reshape(argMax(out.regionLogits, 2), [config.regions]));
  return graph;
}

/** `inferenceGraph` as ONNX. */
export const inferenceModel = (config: NetworkConfig, weights: Weights, options: InferenceOptions): Uint8Array =>
  writeOnnx(inferenceGraph(config, weights, options));
