import type { Graph } from "../sdk/graph/graph.js";
import { optionalOutputNames } from "../sdk/network/contract.js";
import type { NetworkValues } from "../sdk/network/network.js";

/** How far two models are apart, by head, as means over frames. */
export interface Divergence {
  /** Of each pixel's distribution over the names, Kullback-Leibler, nats. */
  readonly mask: number;
  /** Share of pixels that are given another name, percent. */
  readonly pixels: number;
  /** Of the scores of the best proposals, 0 to 1. Null where the network finds no boxes. */
  readonly boxScore: number | null;
  /** Of their boxes' sides, pixels of the network's input. */
  readonly boxSide: number | null;
  /** Of the distances to what pixels show, percent of them. Null where the network tells none. */
  readonly depth: number | null;
}

/** The tensors of a network that its heads are compared by. */
export interface HeadNames {
  readonly mask: string;
  /** `sorted`: the surest first, so that a proposal may stand elsewhere in another model. */
  readonly boxes?: { readonly scores: string; readonly corners: string; readonly sorted: boolean };
  readonly depth?: string;
}

/** Proposals that could be answered; the others are background to both models. */
const bestProposals = 100;

/** `graph`: of the network, with its outputs. */
export function headNames({ maskLogits, detection }: NetworkValues, graph: Graph): HeadNames {
  const depth = graph.outputs.find(({ name }) => name === optionalOutputNames.depth)?.value.name;
  const others = { mask: maskLogits.name, ...(depth !== undefined && { depth }) };
  if (!detection) return others;
  const { dense, regionLogits, regionBoxes } = detection;
  const boxes = dense ? { scores: dense.proposalLogits.name, corners: dense.proposals.boxes.name, sorted: false } : { scores: regionLogits.name, corners: regionBoxes.name, sorted: true };
  return { ...others, boxes };
}

export const tensorsOf = ({ mask, boxes, depth }: HeadNames): readonly string[] => [mask, ...(boxes ? [boxes.scores, boxes.corners] : []), ...(depth === undefined ? [] : [depth])];

type Seen = ReadonlyMap<string, Float32Array>;

/** Compares what two models say to one frame. `count`: of the vocabulary's names; what is beyond is padding. `padded`: with it. */
export function compareHeads(names: HeadNames, float: Seen, other: Seen, count: number, padded: number): Divergence {
  const depth = names.depth === undefined ? null : compareDepths(tensor(float, names.depth), tensor(other, names.depth));
  const rest = { ...compareMasks(tensor(float, names.mask), tensor(other, names.mask), count, padded), depth };
  if (!names.boxes) return { ...rest, boxScore: null, boxSide: null };
  const { scores, corners, sorted } = names.boxes;
  const [a, b] = [float, other].map((seen) => bestNames(tensor(seen, scores), count, padded));
  const order = [...a.keys()].sort((i, j) => a[j] - a[i]).slice(0, bestProposals);
  const [from, to] = [tensor(float, corners), tensor(other, corners)];
  const apart = (place: number, other: number): number => mean([0, 1, 2, 3], (side) => Math.abs(from[place * 4 + side] - to[other * 4 + side]));
  const pairs = order.map((place) => [place, sorted ? nearest(b.length, (other) => apart(place, other)) : place] as const);
  const boxScore = mean(pairs, ([place, other]) => Math.abs(sigmoid(a[place]) - sigmoid(b[other])));
  const boxSide = mean(pairs, ([place, other]) => apart(place, other));
  return { ...rest, boxScore, boxSide };
}

export function meanDivergence(each: readonly Divergence[]): Divergence {
  const [first] = each;
  const boxes = first.boxScore !== null;
  return {
    mask: mean(each, ({ mask }) => mask),
    pixels: mean(each, ({ pixels }) => pixels),
    boxScore: boxes ? mean(each, ({ boxScore }) => boxScore ?? 0) : null,
    boxSide: boxes ? mean(each, ({ boxSide }) => boxSide ?? 0) : null,
    depth: first.depth === null ? null : mean(each, ({ depth }) => depth ?? 0),
  };
}

/** Logits [padded, pixels]. */
function compareMasks(a: Float32Array, b: Float32Array, count: number, padded: number): { mask: number; pixels: number } {
  const pixels = a.length / padded;
  const [p, q] = [new Float64Array(count), new Float64Array(count)];
  let [divergence, different] = [0, 0];
  for (let pixel = 0; pixel < pixels; pixel++) {
    const [bestOfA, bestOfB] = [logProbabilities(a, pixel, pixels, p), logProbabilities(b, pixel, pixels, q)];
    if (bestOfA !== bestOfB) different++;
    for (let name = 0; name < count; name++) divergence += Math.exp(p[name]) * (p[name] - q[name]);
  }
  return { mask: divergence / pixels, pixels: (100 * different) / pixels };
}

/** Metres, none of them 0. */
const compareDepths = (a: Float32Array, b: Float32Array): number => (100 * a.reduce((sum, metres, at) => sum + Math.abs(b[at] - metres) / metres, 0)) / a.length;

/** Fills in a pixel's logarithms of probabilities and answers with the likeliest name. */
function logProbabilities(logits: Float32Array, pixel: number, pixels: number, into: Float64Array): number {
  let best = 0;
  for (let name = 0; name < into.length; name++) {
    into[name] = logits[name * pixels + pixel];
    if (into[name] > into[best]) best = name;
  }
  const most = into[best];
  const sum = into.reduce((total, logit) => total + Math.exp(logit - most), 0);
  const log = most + Math.log(sum);
  for (let name = 0; name < into.length; name++) into[name] -= log;
  return best;
}

/** Of logits [places, padded] the greatest of each place. */
function bestNames(logits: Float32Array, count: number, padded: number): Float64Array {
  return Float64Array.from({ length: logits.length / padded }, (_, place) => logits.subarray(place * padded, place * padded + count).reduce((a, b) => Math.max(a, b), -Infinity));
}

/** Which of so many is the least far. What is no number is not near, unless all are none. */
function nearest(count: number, far: (index: number) => number): number {
  let [best, least] = [0, far(0)];
  for (let index = 1; index < count; index++) {
    const distance = far(index);
    if (distance < least || Number.isNaN(least)) [best, least] = [index, distance];
  }
  return best;
}

function tensor(seen: Seen, name: string): Float32Array {
  const found = seen.get(name);
  if (!found) throw new TypeError(`${name} was not looked at`);
  return found;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

const mean = <T>(values: readonly T[], of: (value: T) => number): number => values.reduce((sum, value) => sum + of(value), 0) / values.length;
