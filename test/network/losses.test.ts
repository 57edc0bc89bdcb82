import test from "ava";
import { gradients } from "../../sdk/autodiff/backward.js";
import { evaluate } from "../../sdk/engine/reference/index.js";
import { Graph } from "../../sdk/graph/graph.js";
import { reshape } from "../../sdk/graph/ops.js";
import { float32, int64 } from "../../sdk/graph/tensor.js";
import { detectionLoss } from "../../sdk/network/losses/detection.js";
import { oneHotLabels, segmentationLoss } from "../../sdk/network/losses/segmentation.js";

/** Of one region that lies where the only box does and names it nearly surely; `labelled` is how sure the box is. */
function ofPerfectBox(labelled: number): { readonly loss: number; readonly toBoxes: number[]; readonly toLogits: number[] } {
  const graph = new Graph("boxes");
  const place = [8, 4, 40, 28];
  const boxes = graph.constant(float32([1, 1, 4], place));
  const regionBoxes = graph.input("regionBoxes", "float32", [1, 1, 4]);
  const regionLogits = graph.input("regionLogits", "float32", [1, 1, 2]);
  const targets = { boxes, labels: graph.constant(int64([1, 1], [0])), labelled: graph.constant(float32([1], [labelled])) };
  const { regions } = detectionLoss({ regionBoxes, regionLogits }, targets, { width: 64, height: 32 });
  const [toBoxes, toLogits] = gradients(regions, [regionBoxes, regionLogits]);
  for (const [name, value] of Object.entries({ regions, toBoxes, toLogits })) graph.output(name, value);
  const out = evaluate(graph, { regionBoxes: float32([1, 1, 4], place), regionLogits: float32([1, 1, 2], [9, -9]) });
  const of = (name: string): number[] => [...(out.get(name)?.data ?? [])].map(Number);
  return { loss: of("regions")[0], toBoxes: of("toBoxes"), toLogits: of("toLogits") };
}

test("how sure the teacher is of a box weighs its loss, and moves neither the box nor its score", (t) => {
  for (const labelled of [1, 0.6]) {
    const { loss, toBoxes, toLogits } = ofPerfectBox(labelled);
    t.true(loss < 1e-5, `${loss}`);
    for (const gradient of [...toBoxes, ...toLogits]) t.true(Math.abs(gradient) < 1e-5, `${gradient}`);
  }
});

test("a place between boxes of one size answers for one of them, not for their sum", (t) => {
  const loss = (labels: readonly [number, number]): number => {
    const graph = new Graph("places");
    const constant = (shape: readonly number[], values: readonly number[]) => graph.constant(float32(shape, [...values]));
    const [first, second] = [[4, 4, 20, 20], [6, 4, 22, 20]];
    const proposals = { features: constant([1, 1, 1], [0]), boxes: constant([1, 1, 4], first), centres: constant([1, 1, 2], [12, 12]), strides: constant([1, 1, 1], [8]) };
    const out = { dense: { proposals, proposalLogits: constant([1, 1, 2], [2, -2]) }, regionBoxes: constant([1, 1, 4], first), regionLogits: constant([1, 1, 2], [2, -2]) };
    const targets = { boxes: constant([1, 2, 4], [...first, ...second]), labels: graph.constant(int64([1, 2], [...labels])), labelled: constant([1], [1]) };
    graph.output("loss", detectionLoss(out, targets, { width: 64, height: 32 }).proposals);
    return Number(evaluate(graph, {}).get("loss")?.data[0]);
  };
  t.is(loss([0, 0]), loss([0, -1]));
});

/** Of a box and a pixel of label 0, which name 1 may bear as well, and name 2 may not: the losses and their gradients by the names' logits. */
function ofOpenLabel(logits: readonly [number, number, number]) {
  const graph = new Graph("open label");
  const members = graph.constant(float32([1, 3, 3], [1, 1, 0, 0, 1, 0, 0, 0, 1]));
  const ofNames = graph.input("logits", "float32", [1, 3]);
  const target = oneHotLabels(graph.constant({ dtype: "uint8", shape: [1, 1, 1], data: Uint8Array.of(0) }), 3);
  const { crossEntropy } = segmentationLoss(reshape(ofNames, [1, 3, 1, 1]), target, graph.constant(float32([1, 1, 1, 1], [1])), members);
  const boxes = graph.constant(float32([1, 1, 4], [8, 4, 40, 28]));
  const targets = { boxes, labels: graph.constant(int64([1, 1], [0])), labelled: graph.constant(float32([1], [1])), members };
  const { regions } = detectionLoss({ regionBoxes: boxes, regionLogits: reshape(ofNames, [1, 1, 3]) }, targets, { width: 64, height: 32 });
  const [toMask] = gradients(crossEntropy, [ofNames]);
  const [toBox] = gradients(regions, [ofNames]);
  for (const [name, value] of Object.entries({ crossEntropy, toMask, toBox })) graph.output(name, value);
  const out = evaluate(graph, { logits: float32([1, 3], [...logits]) });
  const of = (name: string): number[] => [...(out.get(name)?.data ?? [])].map(Number);
  return { crossEntropy: of("crossEntropy")[0], toMask: of("toMask"), toBox: of("toBox") };
}

test("names that a label leaves open count together in a mask, and of a box only the label's own learns; others learn that they are not there", (t) => {
  const logits = [0.5, 1.5, 1] as const;
  const { crossEntropy, toMask, toBox } = ofOpenLabel(logits);
  const [own, open, other] = logits.map(Math.exp);
  t.true(Math.abs(crossEntropy + Math.log((own + open) / (own + open + other))) < 2e-3, `${crossEntropy}`);
  t.true(toMask[0] < 0 && toMask[1] < 0 && toMask[2] > 0, toMask.join());
  t.true(toBox[0] < 0 && toBox[1] === 0 && toBox[2] > 0, toBox.join());
});

/** Cross-entropy of an undecided answer of two names, against labels with so much quality. */
function crossEntropy(quality: readonly number[]): number {
  const graph = new Graph("masks");
  const logits = graph.constant(float32([1, 2, 1, 2], [1, 0, 0, 1]));
  const target = oneHotLabels(graph.constant({ dtype: "uint8", shape: [1, 1, 2], data: Uint8Array.of(0, 0) }), 2);
  graph.output("loss", segmentationLoss(logits, target, graph.constant(float32([1, 1, 1, 2], [...quality]))).crossEntropy);
  return Number(evaluate(graph, {}).get("loss")?.data[0]);
}

test("an unsure teacher teaches less (eq. 5), and what has no quality is left out of the mean", (t) => {
  const [sure, unsure] = [crossEntropy([1, 1]), crossEntropy([0.3, 0.3])];
  t.true(Math.abs(unsure - 0.3 * sure) < 1e-6, `${unsure} of ${sure}`);
  const [first, second] = [Math.log(1 + Math.exp(-1)), Math.log(1 + Math.exp(1))];
  t.true(Math.abs(sure - (first + second) / 2) < 2e-3);
  t.true(Math.abs(crossEntropy([1, 0]) - first) < 2e-3);
});
