import { NightshiftError } from "../errors.js";
import type { ScoredBox } from "../frame.js";
import type { DType, Tensor } from "../graph/tensor.js";
import { noName, optionalOutputNames, outputNames } from "../network/contract.js";
import type { FrameSize } from "./model.js";
import type { Tensors } from "./onnxruntime.js";

/** What a model says to one frame, in the terms of `Perception`. */
export interface Answer {
  readonly mask: Uint8Array;
  readonly maskScore: Uint8Array;
  readonly boxes: readonly ScoredBox[];
  /** Of models that tell it. */
  readonly depth?: Float32Array;
  readonly invalidReasons: readonly string[];
}

/**
 * Reads the outputs of a model. `network`, `camera`: pixels that boxes come in and go out in.
 * Throws `E_ENGINE` where outputs are missing or of another type or size.
 */
export function readAnswer(outputs: Tensors, network: FrameSize, camera: FrameSize, vocabulary: readonly string[], scoreThreshold: number): Answer {
  const { width, height } = network;
  const mask = output(outputs, outputNames.mask, "uint8", width * height);
  const maskScore = output(outputs, outputNames.maskScore, "uint8", (width / 4) * (height / 4));
  const score = output(outputs, outputNames.boxScore, "float32");
  const corners = output(outputs, outputNames.boxes, "float32", score.length * 4);
  const label = output(outputs, outputNames.boxLabel, "int64", score.length);
  const depth = outputs[optionalOutputNames.depth] && output(outputs, optionalOutputNames.depth, "float32", (width / 4) * (height / 4));
  const reasons: string[] = [];
  if (score.some((value) => !Number.isFinite(value)) || corners.some((value) => !Number.isFinite(value))) reasons.push("boxes are not finite");
  if (depth?.some((value) => !Number.isFinite(value))) reasons.push("depths are not finite");
  // Neither a reader of the mask nor of the boxes can put a name to what lies outside the vocabulary.
  if (greatestName(mask) >= vocabulary.length) reasons.push("the mask names a category outside the vocabulary");
  const boxes: ScoredBox[] = [];
  score.forEach((value, at) => {
    if (!(value >= scoreThreshold)) return;
    const name = vocabulary[Number(label[at])];
    if (name === undefined) reasons.push("a box names a category outside the vocabulary");
    const box = corners.subarray(at * 4, at * 4 + 4);
    const x = (corner: number): number => Math.min(camera.width, Math.max(0, (corner * camera.width) / width));
    const y = (corner: number): number => Math.min(camera.height, Math.max(0, (corner * camera.height) / height));
    const [x1, y1, x2, y2] = [x(box[0] ?? NaN), y(box[1] ?? NaN), x(box[2] ?? NaN), y(box[3] ?? NaN)];
    if (name !== undefined && x2 > x1 && y2 > y1) boxes.push({ x1, y1, x2, y2, label: name, score: value });
  });
  boxes.sort((a, b) => b.score - a.score);
  return { mask, maskScore, boxes, ...(depth && { depth }), invalidReasons: [...new Set(reasons)] };
}

/** A plain loop: with a callback it takes several times as long, a fiftieth of the inference. Pixels without a name count for nothing. */
function greatestName(bytes: Uint8Array): number {
  let most = 0;
  for (let at = 0; at < bytes.length; at++) if (bytes[at] > most && bytes[at] !== noName) most = bytes[at];
  return most;
}

function output<D extends DType>(outputs: Tensors, name: string, dtype: D, length?: number): Tensor<D>["data"] {
  const tensor = outputs[name];
  if (tensor && isOf(tensor, dtype) && (length === undefined || tensor.data.length === length)) return tensor.data;
  throw new NightshiftError("E_ENGINE", {
    expected: `an output ${name}, ${dtype}${length === undefined ? "" : ` of ${length} elements`}`,
    received: tensor ? `${tensor.dtype} [${tensor.shape.join(", ")}]` : "none",
    remedy: "Use a model that follows the network's contract.",
  });
}

const isOf = <D extends DType>(tensor: Tensor, dtype: D): tensor is Tensor<D> => tensor.dtype === dtype;
