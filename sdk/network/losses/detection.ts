import type { Graph, Value } from "../../graph/graph.js";
import {
  abs, add, and, argMin, cast, clip, div, equal, greater, indicator, less, lessOrEqual, log, matMul, min, mul, neg, oneHot,
  reshape, sigmoid, slice, softplus, stopGradient, sub, sum, total, transposeLast, unsqueeze,
} from "../../graph/ops.js";
import { corners, generalisedIou } from "../boxes.js";
import type { DenseValues, DetectionValues } from "../network.js";

export interface BoxTargets {
  /** [N, G, 4] pixels of the network's input; zeros where there is no box. */
  readonly boxes: Value;
  /** int64 [N, G]: index into the sample's names; -1 where there is no box. */
  readonly labels: Value;
  /** [N]: how sure the sample's boxes are, which its losses are weighed by; 1 where they are labelled, 0 where they are not. */
  readonly labelled: Value;
  /** [N, K, K] of 1 and 0: which names a box of each label may bear; of the others it only learns its label. Each its own where it is left out. */
  readonly members?: Value;
}

/** Pixels of the network's input. */
interface InputSize {
  readonly width: number;
  readonly height: number;
}

const large = 1e6;

/** Focal loss on logits (gamma 2, alpha 0.25), element by element. */
function focal(logits: Value, target: Value): Value {
  const p = sigmoid(logits);
  // -log p = softplus(-x) and -log(1 - p) = softplus(x), exact where p is near 0 or 1.
  const miss = sub(1, p);
  const positive = mul(mul(target, 0.25), mul(mul(miss, miss), softplus(neg(logits))));
  const negative = mul(mul(sub(1, target), 0.75), mul(mul(p, p), softplus(logits)));
  return add(positive, negative);
}

const boxLoss = (boxes: Value, truth: Value, size: InputSize): Value => {
  const giou = sub(1, generalisedIou(boxes, truth));
  const l1 = sum(abs(sub(boxes, truth)), [-1], true);
  return add(mul(giou, 2), mul(l1, 5 / (size.width + size.height)));
};

/** The box that each dense place answers for: its centre lies near the box's middle, its stride fits the box's size, and no other such box is smaller; of equals the first. [N, G, P] */
function placeAssignment(out: DenseValues, targets: BoxTargets, valid: Value): Value {
  const [x1, y1, x2, y2] = corners(targets.boxes);
  const { graph } = x1;
  const p = out.proposals.centres.shape[1];
  const centres = (i: number): Value => reshape(slice(out.proposals.centres, 2, i, i + 1), [1, 1, p]);
  const strides = reshape(out.proposals.strides, [1, 1, p]);
  const near = (low: Value, high: Value, at: Value): Value => {
    const middle = mul(add(low, high), 0.5);
    const reach = min(add(mul(sub(high, low), 0.25), mul(strides, 0.25)), mul(strides, 1.5));
    return less(abs(sub(at, middle)), add(reach, mul(strides, 0.35)));
  };
  const width = sub(x2, x1);
  const height = sub(y2, y1);
  const size = graph.node("Max", [width, height], {})[0];
  const finest = indicator(less(strides, 8.5));
  const coarsest = indicator(greater(strides, 31.5));
  const lowest = mul(mul(strides, 2.5), sub(1, finest));
  const highest = add(mul(strides, 7), mul(coarsest, large));
  const fits = and(lessOrEqual(lowest, size), lessOrEqual(size, highest));
  const inside = indicator(and(and(near(x1, x2, centres(0)), near(y1, y2, centres(1))), fits));
  const candidate = mul(inside, valid);
  const area = add(mul(width, height), mul(sub(1, candidate), large));
  return mul(candidate, transposeLast(oneHot(argMin(area, 1), area.shape[1])));
}

/** [N, G, P] and [N, G, K] to 1 where place p answers for a box of name k: [N, P, K]. */
const classTargets = (assignment: Value, labels: Value): Value => clip(matMul(transposeLast(assignment), labels), 0, 1);

/** Focal loss of each place and name. Where a box's label leaves open which of several names it bears, those beside the label's own teach nothing. */
function classLoss(logits: Value, assignment: Value, labels: Value, members: Value | undefined): Value {
  const target = classTargets(assignment, labels);
  const loss = focal(logits, target);
  return members ? mul(loss, sub(1, clip(sub(matMul(target, members), target), 0, 1))) : loss;
}

/** Losses of the dense proposals, several places a box. */
function denseLoss(out: DenseValues, targets: BoxTargets, labels: Value, valid: Value, size: InputSize): Value {
  const assignment = stopGradient(placeAssignment(out, targets, valid));
  const perImage = unsqueeze(targets.labelled, [1, 2]);
  const count = add(total(assignment), 1);
  const classes = div(total(mul(classLoss(out.proposalLogits, assignment, labels, targets.members), perImage)), count);
  const truth = matMul(transposeLast(assignment), targets.boxes);
  const positive = unsqueeze(sum(assignment, [1]), [2]);
  const boxes = div(total(mul(boxLoss(out.proposals.boxes, truth, size), mul(positive, perImage))), count);
  return add(classes, boxes);
}

/** One query a box, the cheapest, chosen in the graph; so duplicates learn to be silent and no NMS is needed. [N, G, R] */
function queryAssignment(out: DetectionValues, targets: BoxTargets, labels: Value, valid: Value, size: InputSize): Value {
  const [n, g] = targets.labels.shape;
  const r = out.regionLogits.shape[1];
  const p = matMul(labels, transposeLast(sigmoid(out.regionLogits)));
  const queries = unsqueeze(out.regionBoxes, [1]);
  const boxes = unsqueeze(targets.boxes, [2]);
  const cost = add(reshape(boxLoss(queries, boxes, size), [n, g, r]), mul(neg(log(add(p, 1e-4))), 0.5));
  return mul(oneHot(argMin(cost, 2), r), valid);
}

function refinedLoss(out: DetectionValues, targets: BoxTargets, labels: Value, valid: Value, size: InputSize): Value {
  const assignment = stopGradient(queryAssignment(out, targets, labels, valid, size));
  const count = add(total(assignment), 1);
  const perImage = unsqueeze(targets.labelled, [1, 2]);
  const classes = div(total(mul(classLoss(out.regionLogits, assignment, labels, targets.members), perImage)), count);
  const boxes = div(total(mul(boxLoss(matMul(assignment, out.regionBoxes), targets.boxes, size), mul(valid, perImage))), count);
  return add(classes, boxes);
}

const indices = (graph: Graph, n: number): Value =>
  graph.constant({ dtype: "float32", shape: [1, 1, n], data: Float32Array.from({ length: n }, (_, i) => i) });

/** Detection's part of L^S in eq. 1: dense proposals, where there are any, and refined regions, classification and boxes (L1 + GIoU). */
export function detectionLoss(
  out: DetectionValues,
  targets: BoxTargets,
  size: InputSize,
): { readonly proposals: Value; readonly regions: Value } {
  const k = out.regionLogits.shape[2];
  const index = cast(unsqueeze(targets.labels, [2]), "float32");
  const labels = indicator(equal(index, indices(index.graph, k)));
  // How sure a box is weighs its losses, and not where it lies.
  const valid = mul(indicator(greater(index, -0.5)), indicator(greater(unsqueeze(targets.labelled, [1, 2]), 0)));
  return {
    proposals: out.dense ? denseLoss(out.dense, targets, labels, valid, size) : index.graph.scalar(0),
    regions: refinedLoss(out, targets, labels, valid, size),
  };
}
