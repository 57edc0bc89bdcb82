import test from "ava";
import { gradients } from "../../sdk/autodiff/backward.js";
import { evaluate } from "../../sdk/engine/reference/index.js";
import { Graph, type Value } from "../../sdk/graph/graph.js";
import { reshape } from "../../sdk/graph/ops.js";
import { float32, int64 } from "../../sdk/graph/tensor.js";
import { detectionLoss } from "../../sdk/network/losses/detection.js";
import { oneHotLabels, segmentationLoss } from "../../sdk/network/losses/segmentation.js";
import { pseudoBoxes } from "../../sdk/network/steps/lmc.js";
import { Random } from "../../sdk/random.js";

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

test("names that a label leaves open rise together in a mask, and of a box only the label's own learns; others learn that they are not there", (t) => {
  const logits = [0.5, 1.5, 1] as const;
  const { crossEntropy, toMask, toBox } = ofOpenLabel(logits);
  const [own, open, other] = logits.map(Math.exp);
  t.true(Math.abs(crossEntropy + Math.log((own + open) / (own + open + other))) < 2e-3, `${crossEntropy}`);
  t.true(Math.abs(toMask[0] - toMask[1]) < 1e-6 && Math.abs(toMask[0] + toMask[2] / 2) < 1e-5 && toMask[2] > 0.1, toMask.join());
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

type Numbers = readonly number[];

const sum = (values: Numbers): number => values.reduce((all, value) => all + value, 0);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const near = (value: number, expected: number): boolean => Math.abs(value - expected) < 1e-6 * Math.max(1, Math.abs(expected));

/** The losses of detection for one sample, in plain numbers. */
interface Sample {
  readonly boxes: readonly Numbers[];
  readonly labels: Numbers;
  readonly labelled: number;
  /** Logits of each name, and boxes. */
  readonly dense: readonly { readonly centre: Numbers; readonly stride: number; readonly logits: Numbers; readonly box: Numbers }[];
  readonly regions: readonly { readonly logits: Numbers; readonly box: Numbers }[];
}

const frame = { width: 512, height: 256 };

const focal = (logit: number, isTarget: boolean): number => (isTarget ? -0.25 * (1 - sigmoid(logit)) ** 2 * Math.log(sigmoid(logit)) : -0.75 * sigmoid(logit) ** 2 * Math.log(1 - sigmoid(logit)));

const areaOf = ([x1, y1, x2, y2]: Numbers): number => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);

/** Twice 1 - GIoU, and L1 as a share of the frame's sides, in fifths of their sum. */
function apart(a: Numbers, b: Numbers): number {
  const [low, high] = [[0, 1], [2, 3]];
  const shared = areaOf([...low.map((i) => Math.max(a[i], b[i])), ...high.map((i) => Math.min(a[i], b[i]))]);
  const hull = areaOf([...low.map((i) => Math.min(a[i], b[i])), ...high.map((i) => Math.max(a[i], b[i]))]);
  const union = areaOf(a) + areaOf(b) - shared;
  return 2 * (1 - (shared / union - (hull - union) / hull)) + (5 / (frame.width + frame.height)) * sum(a.map((side, i) => Math.abs(side - b[i])));
}

const isBox = ({ labels, labelled }: Sample, at: number): boolean => labels[at] >= 0 && labelled > 0;

/** Of each place, the box that it answers for; -1 where there is none. */
const ofPlaces = (sample: Sample): readonly number[] =>
  sample.dense.map(({ centre, stride }) => {
    const fitting = sample.boxes.flatMap((box, at) => {
      const sides = [box[2] - box[0], box[3] - box[1]];
      const lies = sides.every((side, axis) => Math.abs(centre[axis] - (box[axis] + box[axis + 2]) / 2) < Math.min(side / 4 + stride / 4, 1.5 * stride) + 0.35 * stride);
      const size = Math.max(...sides);
      return isBox(sample, at) && lies && size >= (stride === 8 ? 0 : 2.5 * stride) && size <= (stride === 32 ? Infinity : 7 * stride) ? at : [];
    });
    return fitting.reduce((best, at) => (best < 0 || areaOf(sample.boxes[at]) < areaOf(sample.boxes[best]) ? at : best), -1);
  });

/** Of each box, the region that is cheapest for it; -1 for none. */
const ofBoxes = (sample: Sample): readonly number[] =>
  sample.boxes.map((box, at) => {
    if (!isBox(sample, at)) return -1;
    const costs = sample.regions.map((region) => apart(region.box, box) - Math.log(sigmoid(region.logits[sample.labels[at]]) + 1e-4) / 2);
    return costs.indexOf(Math.min(...costs));
  });

function byHand(samples: readonly Sample[]): { proposals: number; regions: number; taken: readonly Numbers[] } {
  const [places, chosen] = [samples.map(ofPlaces), samples.map(ofBoxes)];
  const countOf = (all: readonly Numbers[]): number => 1 + all.flat().filter((at) => at >= 0).length;
  const proposals = samples.map((sample, n) => {
    const classes = sum(sample.dense.flatMap(({ logits }, p) => logits.map((logit, name) => focal(logit, name === sample.labels[places[n][p]]))));
    const boxes = sum(sample.dense.map(({ box }, p) => (places[n][p] < 0 ? 0 : apart(box, sample.boxes[places[n][p]]))));
    return sample.labelled * (classes + boxes);
  });
  const regions = samples.map((sample, n) => {
    const isNamed = (region: number, name: number): boolean => chosen[n].some((at, box) => at === region && sample.labels[box] === name);
    const classes = sum(sample.regions.flatMap(({ logits }, r) => logits.map((logit, name) => focal(logit, isNamed(r, name)))));
    const boxes = sum(sample.boxes.map((box, at) => (chosen[n][at] < 0 ? 0 : apart(sample.regions[chosen[n][at]].box, box))));
    return sample.labelled * (classes + boxes);
  });
  return { proposals: sum(proposals) / countOf(places), regions: sum(regions) / countOf(chosen), taken: places };
}

test("losses of detection are what their definitions say: focal, GIoU and L1, of places and of regions, by how sure each sample's boxes are", (t) => {
  const random = new Random(11, "detection");
  // One within another, one beside, and one of the whole frame; then no box, an unsure sample, and one that is not labelled.
  const boxes = [[40, 40, 140, 140], [60, 50, 110, 120], [0, 0, 500, 250], [0, 0, 0, 0], [300, 100, 330, 118]];
  const about = (box: Numbers): number[] => box.map((side) => side + random.uniform(-6, 6));
  const logits = (): number[] => [0, 1, 2].map(() => random.uniform(-3, 3));
  const samples = [[1, [2, 0, 1, -1, 0]], [0.6, [0, 0, 2, -1, -1]], [0, [0, 1, 2, -1, 1]]].map(([labelled, labels]): Sample => ({
    boxes,
    labels: labels as number[],
    labelled: labelled as number,
    dense: [8, 16, 32].flatMap((stride) => [[84, 86], [90, 96], [90, 140], [140, 90], [250, 125], [316, 108]].map((centre) => ({ centre, stride, logits: logits(), box: about(boxes[random.below(3)]) }))),
    regions: Array.from({ length: 6 }, (_, at) => ({ logits: logits(), box: about(boxes[[0, 1, 2, 4, 0, 1][at]]) })),
  }));
  const expected = byHand(samples);
  t.deepEqual([...new Set(expected.taken[0])].sort(), [-1, 0, 1, 2, 4], "every box has a place, and some place has none");

  const graph = new Graph("detection");
  const rows = (values: readonly (readonly Numbers[])[]): Value => graph.constant(float32([values.length, values[0].length, values[0][0].length], values.flat(2)));
  const [{ dense }] = samples;
  const proposals = {
    features: rows([[[0]]]),
    boxes: rows(samples.map((sample) => sample.dense.map(({ box }) => box))),
    centres: rows([dense.map(({ centre }) => centre)]),
    strides: graph.constant(float32([1, dense.length, 1], dense.map(({ stride }) => stride))),
  };
  const out = {
    dense: { proposals, proposalLogits: rows(samples.map((sample) => sample.dense.map((each) => each.logits))) },
    regionBoxes: rows(samples.map(({ regions }) => regions.map(({ box }) => box))),
    regionLogits: rows(samples.map(({ regions }) => regions.map((each) => each.logits))),
  };
  const targets = { boxes: rows(samples.map((sample) => sample.boxes)), labels: graph.constant(int64([3, 5], samples.flatMap(({ labels }) => labels))), labelled: graph.constant(float32([3], samples.map(({ labelled }) => labelled))) };
  const losses = detectionLoss(out, targets, frame);
  for (const name of ["proposals", "regions"] as const) graph.output(name, losses[name]);
  const found = evaluate(graph, {});
  for (const name of ["proposals", "regions"] as const) t.true(near(Number(found.get(name)?.data[0]), expected[name]), `${name}: ${found.get(name)?.data[0]} for ${expected[name]}`);
});

test("losses of masks are what their definitions say: rare names weigh more, dice is of the names that are there, and each by its weight", (t) => {
  const random = new Random(7, "masks");
  const [images, names, pixels] = [2, 3, 8];
  const logits = Array.from({ length: images }, () => Array.from({ length: names }, () => Array.from({ length: pixels }, () => random.uniform(-2, 2))));
  const labels = [[0, 0, 0, 0, 0, 1, 1, 255], [2, 2, 2, 0, 2, 2, 255, 2]];
  const weights = [[1, 0.5, 0, 1, 1, 0.25, 1, 1], [0.2, 0.2, 0.2, 0.2, 0, 0.4, 1, 1]];
  let [crossEntropy, balanced, dice, present] = [0, 1e-3, 0, 1e-3];
  for (let image = 0; image < images; image++) {
    const p = (name: number, pixel: number): number => Math.exp(logits[image][name][pixel]) / sum(logits[image].map((of) => Math.exp(of[pixel])));
    const counts = Array.from({ length: names }, (_, name) => labels[image].filter((label) => label === name).length);
    labels[image].forEach((label, pixel) => {
      if (label === 255 || weights[image][pixel] === 0) return;
      const rarity = 1 / Math.sqrt(counts[label] / (sum(counts) + 1) + 0.01);
      balanced += rarity;
      crossEntropy -= rarity * weights[image][pixel] * Math.log(p(label, pixel));
    });
    for (let name = 0; name < names; name++) {
      const weighed = (of: (pixel: number) => number): number => sum(labels[image].map((label, pixel) => (label === 255 ? 0 : weights[image][pixel] * of(pixel))));
      const isName = (pixel: number): number => Number(labels[image][pixel] === name);
      if (weighed(isName) <= 0.5) continue;
      present++;
      dice += 1 - (2 * weighed((pixel) => isName(pixel) * p(name, pixel)) + 1) / (weighed((pixel) => p(name, pixel)) + weighed(isName) + 1);
    }
  }
  const graph = new Graph("masks");
  const target = oneHotLabels(graph.constant({ dtype: "uint8", shape: [images, 2, 4], data: Uint8Array.from(labels.flat()) }), names);
  const losses = segmentationLoss(graph.constant(float32([images, names, 2, 4], logits.flat(2))), target, graph.constant(float32([images, 1, 2, 4], weights.flat())));
  for (const [name, value] of Object.entries(losses)) graph.output(name, value);
  const found = evaluate(graph, {});
  t.is(Math.floor(present), 3, "of one name next to nothing counts");
  for (const [name, expected] of Object.entries({ crossEntropy: crossEntropy / balanced, dice: dice / present })) t.true(near(Number(found.get(name)?.data[0]), expected), `${name}: ${found.get(name)?.data[0]} for ${expected}`);
});

test("the teacher's boxes as labels: the surest, none below the confidence, of duplicates one, and as sure as the mean of those that count", (t) => {
  const taught = (confidence: number, duplicates: boolean) => {
    const graph = new Graph("teacher");
    const regionLogits = graph.constant(float32([1, 4, 2], [-1, -3, 2, -4, -2, 1, 1.5, -4]));
    const regionBoxes = graph.constant(float32([1, 4, 4], [0, 0, 9, 9, 10, 10, 50, 50, 60, 60, 90, 90, 11, 11, 51, 51]));
    const targets = pseudoBoxes({ regionLogits, regionBoxes }, 3, graph.scalar(confidence), duplicates);
    for (const name of ["boxes", "labels", "labelled"] as const) graph.output(name, targets[name]);
    const found = evaluate(graph, {});
    return { boxes: [...found.get("boxes")!.data].slice(0, 4), labels: [...found.get("labels")!.data], labelled: Number(found.get("labelled")!.data[0]) };
  };
  const scores = [2, 1.5, 1].map(sigmoid);
  const both = taught(0.4, true);
  t.deepEqual([both.boxes, both.labels], [[10, 10, 50, 50], [0, -1, 1]]);
  t.true(Math.abs(both.labelled - (scores[0] + scores[2]) / 2) < 1e-3, `${both.labelled}`);
  t.deepEqual(taught(0.4, false).labels, [0, 0, 1]);
  t.deepEqual(taught(0.8, true).labels, [0, -1, -1]);
  t.deepEqual(taught(0.9, true), { boxes: [10, 10, 50, 50], labels: [-1, -1, -1], labelled: 0 });
});
