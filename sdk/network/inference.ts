import { resizeMatrix } from "../autodiff/linear-maps.js";
import { Graph, type Value } from "../graph/graph.js";
import { add, argMax, cast, clip, floor, matMul, mul, reduceMax, reshape, resize, sigmoid, softmax, transpose, unsqueeze } from "../graph/ops.js";
import { writeOnnx } from "../graph/onnx/write.js";
import type { Weights } from "../graph/tensor.js";
import { Builder } from "./builder.js";
import { architectureOf, textWidthOf, type Network } from "./architecture.js";
import { inputNames, optionalOutputNames, outputNames, type VocabularySize } from "./contract.js";
import { metresOf } from "./depth-head.js";
import type { DetectionValues, NetworkValues } from "./network.js";
import { ConstantParameters } from "./parameters.js";

export interface InferenceOptions {
  /** Of the camera's frames, pixels. Without it each may be of another size, as ONNX Runtime can; TensorRT, which cannot, then takes them at the network's. */
  readonly frame?: { readonly width: number; readonly height: number };
  /** K, the padded size of the vocabulary. */
  readonly names: VocabularySize;
  /** Who runs it: TensorRT knows bytes at the borders of a graph alone, and no antialiasing. ONNX Runtime unless told otherwise; the answers are the same. */
  readonly target?: "onnxruntime" | "tensorrt";
}

/**
 * The deployed network as a graph: a frame of the camera's size in, mask and boxes out, as `contract.ts` names them. Where that is any size, the graph says the network's, and `inferenceModel` that it may be another.
 * Everything between is in the graph: resizing, normalisation, argmax (at stride 2, before the mask is enlarged) and boxes.
 */
export const inferenceGraph = (network: Network, weights: Weights, options: InferenceOptions): Graph => inferenceNetwork(network, weights, options).graph;

/** The same, with the values inside that its outputs are made of. */
export function inferenceNetwork(network: Network, weights: Weights, options: InferenceOptions): { readonly graph: Graph; readonly values: NetworkValues } {
  const graph = new Graph("nightshift");
  const { width, height } = network;
  const size = options.frame ?? network;
  const frame = graph.input(inputNames.frame, "uint8", [1, size.height, size.width, 3]);
  const text = graph.input(inputNames.text, "float32", [options.names + 2, textWidthOf(network)]);
  const used = graph.input(inputNames.used, "float32", [options.names]);
  const sameSize = !takesAnySize(options) && size.width === width && size.height === height;
  const sized = options.target === "tensorrt" ? shrunk : antialiased;
  // What the camera or who runs it changes is in scopes of its own, as names in the network must not depend on them: quantisation goes by names.
  const resized = graph.scope("camera", () => cast(sameSize ? frame : sized(frame, height, width), "float32"));
  const b = new Builder(graph, new ConstantParameters(weights), "frozen");
  const { normalise, onImage } = architectureOf(network);
  const out = onImage(b, normalise(resized), unsqueeze(text, [0]), unsqueeze(used, [0]));

  graph.output(outputNames.mask, graph.scope("mask", () => maskOf(out, width, height, options)));
  const confidence = reduceMax(softmax(out.maskLogits, 1), [1]);
  graph.output(outputNames.maskScore, cast(reshape(clip(mul(confidence, 255), 0, 255), [height / 4, width / 4]), "uint8"));
  const { boxes, score, label } = out.detection ? boxesOf(out.detection, Math.max(width, height)) : noBoxes(graph);
  graph.output(outputNames.boxes, boxes);
  graph.output(outputNames.boxScore, score);
  graph.output(outputNames.boxLabel, label);
  if (out.depth) graph.output(optionalOutputNames.depth, reshape(metresOf(out.depth()), [height / 4, width / 4]));
  return { graph, values: out };
}

const antialiased = (frame: Value, height: number, width: number): Value => resize(frame, [1, height, width, 3], "linear", true);

/** The antialiased resize of a frame as two matrix products, rounded after each as ONNX Runtime does with bytes. */
function shrunk(frame: Value, height: number, width: number): Value {
  const { graph } = frame;
  const [, frameHeight, frameWidth] = frame.shape;
  const along = (to: number, from: number): Value =>
    graph.constant({ dtype: "float32", shape: [to, from], data: resizeMatrix(from, to, { mode: "linear", alignment: "half_pixel", antialias: true }) });
  const whole = (x: Value): Value => floor(add(x, 0.5));
  const planes = transpose(cast(frame, "float32"), [0, 3, 1, 2]);
  const narrowed = whole(matMul(planes, transpose(along(width, frameWidth), [1, 0])));
  return transpose(whole(matMul(along(height, frameHeight), narrowed)), [0, 2, 3, 1]);
}

/** uint8 [height, width]: the index of each pixel's name. */
function maskOf({ fineMask, maskLogits }: NetworkValues, width: number, height: number, { names, target }: InferenceOptions): Value {
  const halved = (): Value => argMax(resize(maskLogits, [1, names, height / 2, width / 2], "linear"), 1);
  const labels = cast(fineMask ?? reshape(halved(), [1, 1, height / 2, width / 2]), target === "tensorrt" ? "float32" : "uint8");
  const enlarged = labels.shape[2] === height ? labels : resize(labels, [1, 1, height, width], "nearest");
  return cast(reshape(enlarged, [height, width]), "uint8");
}

interface Boxes {
  readonly boxes: Value;
  readonly score: Value;
  readonly label: Value;
}

function boxesOf({ regionBoxes, regionLogits }: DetectionValues, side: number): Boxes {
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

/** Whether frames of one graph may differ in size. */
const takesAnySize = ({ frame, target }: InferenceOptions): boolean => !frame && target !== "tensorrt";

/** What `inferenceGraph` became as ONNX, which alone can say that frames are of any size. */
export const inferenceOnnx = (graph: Graph, options: InferenceOptions): Uint8Array =>
  writeOnnx(graph, takesAnySize(options) ? { [inputNames.frame]: [undefined, "height", "width", undefined] } : {});

/** `inferenceGraph` as ONNX. */
export const inferenceModel = (network: Network, weights: Weights, options: InferenceOptions): Uint8Array =>
  inferenceOnnx(inferenceGraph(network, weights, options), options);
