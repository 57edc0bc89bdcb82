import type { Value } from "../graph/graph.js";
import { cast, equal, greater, indicator, less, matMul, mul, reshape, transposeLast, unsqueeze } from "../graph/ops.js";
import { float32 } from "../graph/tensor.js";
import { isImported, type Network } from "./architecture.js";
import { intersectionOverUnion } from "./boxes.js";

/** Boxes of one name that share more than this are one object. */
export const mostOverlap = 0.6;

/** Whether several boxes that a network answers may be one object. Imported models say of themselves what they are, and their graphs see to it. */
export const overlaps = (network: Network): boolean => !isImported(network);

/** In each round a box stays unless a surer box of its object stays. The outcome is that of greedy suppression where no chain of boxes that suppress each other is longer than this. */
const rounds = 8;

/**
 * Greedy suppression as matrices: [N, R, 1] of 1 for boxes that stay.
 *
 * @param boxes [N, R, 4], the surest first
 * @param labels int64 [N, R]; of one name all where it is left out
 */
export function surest(boxes: Value, labels?: Value): Value {
  const { graph } = boxes;
  const [n, count] = boxes.shape;
  const surer = graph.constant(float32([1, count, count], Float32Array.from({ length: count * count }, (_, at) => (Math.floor(at / count) < at % count ? 1 : 0))));
  const shared = indicator(greater(intersectionOverUnion(unsqueeze(boxes, [2]), unsqueeze(boxes, [1])), mostOverlap));
  let rival = mul(reshape(shared, [n, count, count]), surer);
  if (labels) {
    const label = cast(labels, "float32");
    rival = mul(rival, indicator(equal(unsqueeze(label, [2]), unsqueeze(label, [1]))));
  }
  let stays = graph.constant(float32([n, 1, count], new Float32Array(n * count).fill(1)));
  for (let round = 0; round < rounds; round++) stays = indicator(less(matMul(stays, rival), 0.5));
  return transposeLast(stays);
}
