import test from "ava";
import { evaluate } from "../../sdk/engine/reference/index.js";
import { Graph } from "../../sdk/graph/graph.js";
import { float32, type FloatTensor } from "../../sdk/graph/tensor.js";
import { alignment, hierarchicalAlignment, type Proposed } from "../../sdk/network/losses/alignment.js";

/** One domain in numbers: rows of unit length over three dimensions. */
interface Domain {
  readonly proposals: readonly (readonly number[])[];
  readonly quality: readonly number[];
  readonly there?: readonly number[];
  readonly names: readonly (readonly number[])[];
  readonly used: readonly number[];
  readonly scale: number;
}

const build = (graph: Graph, { proposals, quality, there, names, used, scale }: Domain): Proposed => {
  const constant = (shape: number[], data: readonly number[]) => graph.constant(float32(shape, [...data]) satisfies FloatTensor);
  return {
    proposals: constant([1, proposals.length, 3], proposals.flat()),
    quality: constant([1, quality.length], quality),
    ...(there && { there: constant([1, there.length], there) }),
    names: constant([1, names.length, 3], names.flat()),
    used: constant([1, used.length], used),
    scale: constant([1], [scale]),
  };
};

function loss(make: (graph: Graph) => ReturnType<typeof alignment>): number {
  const graph = new Graph("alignment");
  graph.output("loss", make(graph));
  return Number(evaluate(graph, {}).get("loss")?.data[0]);
}

const between = (a: Domain, b: Domain): number => loss((graph) => alignment(build(graph, a), build(graph, b)));

/** Eq. 7 written out in plain numbers, for proposals of one image. */
function byHand({ names, used, scale }: Domain, { proposals, quality }: Domain): number {
  const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, i) => sum + v * b[i], 0);
  const unit = (v: readonly number[]): number[] => v.map((x) => x / Math.sqrt(dot(v, v) + 1e-6));
  const s = names.map((t) => proposals.map((o) => dot(unit(t), unit(o)) * scale));
  const known = names.map((_, i) => i).filter((i) => used[i] === 1);
  let [ofProposals, ofNames, weight] = [0, 0, 0];
  proposals.forEach((_, j) => {
    const y = known.reduce((best, i) => (s[i][j] > s[best][j] ? i : best));
    weight += quality[j];
    ofProposals -= quality[j] * (s[y][j] - Math.log(known.reduce((sum, i) => sum + Math.exp(s[i][j]), 0)));
    ofNames -= quality[j] * (s[y][j] - Math.log(s[y].reduce((sum, v) => sum + Math.exp(v), 0)));
  });
  return (ofProposals + ofNames) / (weight + 1e-3);
}

const day: Domain = {
  proposals: [[1, 0.2, 0], [0.9, -0.3, 0.1], [0.1, 1, 0.4], [0, 0.2, -1]],
  quality: [1, 0.5, 0.8, 0],
  names: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  used: [1, 1, 0],
  scale: 4,
};
const night: Domain = { ...day, proposals: [[0.3, 0.4, 0.2], [0.5, 0.1, 0.6]], quality: [0.7, 0.4], names: [[0.8, 0.1, 0], [0.2, 0.9, 0.3], [0, 0, 1]] };

test("both directions of eq. 7, weighted, without unused names", (t) => {
  for (const [a, b] of [[day, day], [day, night], [night, day]] as const) t.true(Math.abs(between(a, b) - byHand(a, b)) < 1e-6, `${between(a, b)} ${byHand(a, b)}`);
});

test("what counts nothing, and names that are not used, change nothing", (t) => {
  const onlyTheDirection = { ...day, names: [day.names[0], day.names[1], [5, -3, 1]] };
  t.is(between(onlyTheDirection, day), between(day, day));
  t.true(between(day, { ...day, quality: [0, 0, 0, 0] }) === 0);
});

test("names are not compared with proposals that are not there, the masks of unused names", (t) => {
  const padded: Domain = { ...day, proposals: [...day.proposals, [0, 0, 0]], quality: [...day.quality, 0] };
  t.true(between(day, padded) > between(day, day), "a proposal that is there costs, of whatever quality");
  t.is(between(day, { ...padded, there: [1, 1, 1, 1, 0] }), between(day, day));
});

test("proposals on their names cost less than proposals between them", (t) => {
  const clear: Domain = { ...day, proposals: [[1, 0, 0], [0, 1, 0]], quality: [1, 1] };
  const vague: Domain = { ...day, proposals: [[1, 0.9, 0], [0.9, 1, 0]], quality: [1, 1] };
  t.true(between(day, clear) < between(day, vague));
});

test("the hierarchy is the mean of the domains with themselves and with each other", (t) => {
  const all = loss((graph) => hierarchicalAlignment(build(graph, day), build(graph, night)));
  const parts = between(day, day) + between(night, night) + between(day, night) + between(night, day);
  t.true(Math.abs(all - parts / 4) < 1e-9);
});
