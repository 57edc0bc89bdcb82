import type { Value } from "../graph/graph.js";
import { add, argMax, clip, concat, exp, gather, gatherRows, log, logSoftmax, mul, reduceMax, sigmoid, slice, sub, topK } from "../graph/ops.js";
import { float32, int64 } from "../graph/tensor.js";
import { surest } from "./suppression.js";

/** How a detection model that was made elsewhere means what it answers. */
export interface BoxesForm {
  /** `sigmoid`: logits of each class by itself; `softmax`: logits of classes of which one is true, ignored channels among them; `probability`: 0 to 1. */
  readonly scores: "sigmoid" | "softmax" | "probability";
  /** The centre and the sides, or two corners. */
  readonly corners: "cxcywh" | "xyxy";
  /** Of the sides of what the model takes, or its pixels. */
  readonly unit: "share" | "pixels";
  /** Whether several boxes may be one object, of which only the surest is to stay. */
  readonly overlapping: boolean;
}

/** What a model answers to one image. */
export interface RawBoxes {
  /** [1, Q, 4] */
  readonly boxes: Value;
  /** [1, Q, channels] */
  readonly scores: Value;
  /** [1, Q, 1], of models that tell it apart from the classes: whether there is anything at all, a logit where the scores are `sigmoid`, else 0 to 1. */
  readonly objectness?: Value;
}

/** No more boxes than these are answered, the surest: as many as RT-DETR has queries. */
export const mostBoxes = 300;

const least = 1e-6;

/** Added to the logits of boxes that are suppressed: nothing is left of their scores, and a loss that falls on them all the same stays small. */
const silent = -30;

/**
 * One form for the answers of all detection models: the logits of each class by itself [1, R, C], whose sigmoid is the score, and corners [1, R, 4] as shares of the image's sides.
 *
 * @param channels those that are classes
 * @param size height and width of what the model takes, pixels
 */
export function unifiedBoxes(raw: RawBoxes, form: BoxesForm, channels: readonly number[], size: readonly [number, number]): { readonly logits: Value; readonly boxes: Value } {
  const { graph } = raw.boxes;
  const logits = gather(logitsOf(raw, form), graph.constant(int64([channels.length], channels)), 2);
  const boxes = cornersOf(raw.boxes, form, size);
  const [, queries, classes] = logits.shape;
  const count = Math.min(queries, mostBoxes);
  const [, best] = topK(reduceMax(logits, [2]), count, 1);
  const [chosen, places] = [gatherRows(logits, best), gatherRows(boxes, best)];
  if (!form.overlapping) return { logits: chosen, boxes: places };
  const stays = surest(places, classes === 1 ? undefined : argMax(chosen, 2));
  return { logits: add(chosen, mul(sub(1, stays), silent)), boxes: places };
}

function logitsOf({ scores, objectness }: RawBoxes, { scores: meaning }: BoxesForm): Value {
  if (meaning === "sigmoid" && !objectness) return scores;
  const shareOf = (x: Value): Value => (meaning === "sigmoid" ? sigmoid(x) : x);
  const alone = meaning === "softmax" ? exp(logSoftmax(scores, 2)) : shareOf(scores);
  const p = clip(objectness ? mul(alone, shareOf(objectness)) : alone, least, 1 - least);
  return sub(log(p), log(sub(1, p)));
}

function cornersOf(boxes: Value, { corners, unit }: BoxesForm, [height, width]: readonly [number, number]): Value {
  const shares = unit === "share" ? boxes : mul(boxes, boxes.graph.constant(float32([4], [1 / width, 1 / height, 1 / width, 1 / height])));
  if (corners === "xyxy") return shares;
  const [centre, half] = [slice(shares, 2, 0, 2), mul(slice(shares, 2, 2, 4), 0.5)];
  return concat([sub(centre, half), add(centre, half)], 2);
}
