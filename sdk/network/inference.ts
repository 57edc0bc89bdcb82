import { Graph, type Value } from "../graph/graph.js";
import { argMax, cast, clip, mul, reduceMax, reshape, resize, sigmoid, softmax, unsqueeze } from "../graph/ops.js";
import { writeOnnx } from "../graph/onnx/write.js";
import type { Weights } from "../graph/tensor.js";
import { Builder } from "./builder.js";
import { architectureOf, type Network } from "./architecture.js";
import { inputNames, outputNames, textWidth, type vocabularySizes } from "./contract.js";
import type { RegionValues } from "./network.js";
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
export function inferenceGraph(network: Network, weights: Weights, options: InferenceOptions): Graph {
  const graph = new Graph("nightshift");
  const { width, height } = network;
  const frame = graph.input(inputNames.frame, "uint8", [1, options.frameHeight, options.frameWidth, 3]);
  const text = graph.input(inputNames.text, "float32", [options.names + 2, textWidth]);
  const used = graph.input(inputNames.used, "float32", [options.names]);
  const sameSize = options.frameWidth === width && options.frameHeight === height;
  const resized = sameSize ? frame : resize(frame, [1, height, width, 3], "linear", true);
  const b = new Builder(graph, new ConstantParameters(weights), "frozen");
  const { normalise, onImage } = architectureOf(network);
  const out = onImage(b, normalise(resized), unsqueeze(text, [0]), unsqueeze(used, [0]));

  const halved = (): Value => argMax(resize(out.maskLogits, [1, options.names, height / 2, width / 2], "linear"), 1);
  const labels = out.fineMask ?? cast(reshape(halved(), [1, 1, height / 2, width / 2]), "uint8");
  const enlarged = labels.shape[2] === height ? labels : resize(labels, [1, 1, height, width], "nearest");
  graph.output(outputNames.mask, reshape(enlarged, [height, width]));
  const confidence = reduceMax(softmax(out.maskLogits, 1), [1]);
  graph.output(outputNames.maskScore, reshape(cast(clip(mul(confidence, 255), 0, 255), "uint8"), [height / 4, width / 4]));
  const answered = out.detection ?? out.regions;
  const { boxes, score, label } = answered ? boxesOf(answered, Math.max(width, height)) : noBoxes(graph);
  graph.output(outputNames.boxes, boxes);
  graph.output(outputNames.boxScore, score);
  graph.output(outputNames.boxLabel, label);
  return graph;
}

interface Boxes {
  readonly boxes: Value;
  readonly score: Value;
  readonly label: Value;
}

function boxesOf({ regionBoxes, regionLogits }: RegionValues, side: number): Boxes {
  const [, regions] = regionLogits.shape;
  return {
    boxes: reshape(clip(regionBoxes, 0, side), [regions, 4]),
    score: reshape(sigmoid(reduceMax(regionLogits, [2])), [regions]),
    label: reshape(argMax(regionLogits, 2), [regions]),
  };
}

/** One box of no size, as not every engine likes tensors without elements. */
const noBoxes = (graph: Graph): Boxes => ({
  boxes: graph.constant({ dtype: "float32", shape: [1, 4], data: new Float32Array(4) }),
  score: graph.constant({ dtype: "float32", shape: [1], data: new Float32Array(1) }),
  label: graph.constant({ dtype: "int64", shape: [1], data: new BigInt64Array(1) }),
});

/** `inferenceGraph` as ONNX. */
export const inferenceModel = (network: Network, weights: Weights, options: InferenceOptions): Uint8Array =>
  writeOnnx(inferenceGraph(network, weights, options));
