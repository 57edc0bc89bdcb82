import test from "ava";
import { Candidate } from "../../calibration/candidate.js";
import { compareHeads, meanDivergence } from "../../calibration/heads.js";
import { convolutionsOf } from "../../calibration/layers.js";
import { quantised, quantisedTensors, type Range } from "../../sdk/graph/quantisation.js";
import { initialWeights } from "../../sdk/network/initial.js";
import { withDepth } from "../../sdk/network/steps/depth.js";
import { tinyNetwork } from "../bundle/contents.js";
import { frameOf, vocabulary } from "../engine/models.js";

const names = { mask: "mask", boxes: { scores: "scores", corners: "corners", sorted: false } };

/** Two names of four are used; two pixels, two proposals. */
const seen = (mask: readonly number[], scores: readonly number[], corners: readonly number[]): ReadonlyMap<string, Float32Array> =>
  new Map([["mask", Float32Array.from(mask)], ["scores", Float32Array.from(scores)], ["corners", Float32Array.from(corners)]]);

const padding = [-1e4, -1e4, -1e4, -1e4];
const float = seen([0, 2, 1, 0, ...padding], [0, 1, 99, 99, -3, -4, 99, 99], [0, 0, 8, 8, 4, 4, 9, 9]);

test("a model is not apart from itself", (t) => {
  t.deepEqual(compareHeads(names, float, float, 2, 4), { mask: 0, pixels: 0, boxScore: 0, boxSide: 0, depth: null });
});

test("distances are compared where a network tells them, in percent of each", (t) => {
  const depth = (...metres: readonly number[]): ReadonlyMap<string, Float32Array> => new Map([["mask", new Float32Array(8)], ["depth", Float32Array.from(metres)]]);
  const each = compareHeads({ mask: "mask", depth: "depth" }, depth(2, 100), depth(2.5, 95), 2, 4);
  t.is(each.depth, 15);
  t.is(meanDivergence([each, { ...each, depth: 5 }]).depth, 10);
});

test("the heads of a network that tells depth are far from float where its depth alone is", async (t) => {
  const network = { ...tinyNetwork, depth: true };
  const weights = withDepth(network, initialWeights(network, 1), 1);
  const frame = frameOf(1, network.width, network.height);
  const candidate = await Candidate.of({ network, weights }, vocabulary(), [frame], 1);
  const layers = new Set(convolutionsOf(candidate).filter(({ name }) => name === "depth.metres").flatMap(({ tensors }) => tensors));
  const ranges = new Map(quantisedTensors(candidate.graph, layers).map(({ name }): [string, Range] => [name, [-1e3, 1e3]]));
  const divergence = await candidate.divergence(quantised(candidate.graph, { layers, ranges }, "symmetric"));
  t.like(divergence, { pixels: 0, boxScore: 0, boxSide: 0 });
  t.true((divergence.depth ?? 0) > 0.1, `${divergence.depth}`);
});

test("pixels that change their name, probabilities, scores and sides are told; padding is not looked at", (t) => {
  const other = seen([2, 2, 1, 0, 7, 7, 7, 7], [0, 0, -50, 70, -3, -4, 0, 0], [0, 0, 8, 10, 4, 4, 9, 9]);
  const { mask, pixels, boxScore, boxSide } = compareHeads(names, float, other, 2, 4);
  t.is(pixels, 50);
  const [p, q] = [1 / (1 + Math.E), 1 / (1 + Math.exp(-1))];
  t.true(Math.abs(mask - (p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q))) / 2) < 1e-6);
  t.true(Math.abs((boxScore ?? NaN) - (1 / (1 + Math.exp(-1)) - 0.5) / 2) < 1e-6);
  t.is(boxSide, 0.25);
});

test("where the surest come first, each is compared with the nearest of the other's", (t) => {
  const sorted = { ...names, boxes: { ...names.boxes, sorted: true } };
  const [first, second] = [[0, 1, 99, 99], [0, 0.9, 99, 99]];
  const [here, there] = [[0, 0, 8, 8], [40, 40, 60, 60]];
  const a = seen(padding, [...first, ...second], [...here, ...there]);
  const b = seen(padding, [...first, ...second], [...there, ...here]);
  const { boxScore, boxSide } = compareHeads(sorted, a, b, 2, 4);
  t.is(boxSide, 0);
  t.true(Math.abs((boxScore ?? NaN) - (1 / (1 + Math.exp(-1)) - 1 / (1 + Math.exp(-0.9)))) < 1e-6);
  t.true((compareHeads(names, a, b, 2, 4).boxSide ?? 0) > 30);
});

test("a network without boxes is compared by its mask, and means are taken of each", (t) => {
  const masks = compareHeads({ mask: "mask" }, float, float, 2, 4);
  t.deepEqual(masks, { mask: 0, pixels: 0, boxScore: null, boxSide: null, depth: null });
  t.deepEqual(meanDivergence([masks, { ...masks, pixels: 4 }]), { ...masks, pixels: 2 });
  t.is(meanDivergence([{ mask: 0, pixels: 0, boxScore: 1, boxSide: 0, depth: null }, { mask: 0, pixels: 0, boxScore: 2, boxSide: 0, depth: null }]).boxScore, 1.5);
});
