import test from "ava";
import { gradients } from "../../sdk/autodiff/backward.js";
import { evaluate } from "../../sdk/engine/reference/index.js";
import { Graph } from "../../sdk/graph/graph.js";
import { float32, type FloatTensor } from "../../sdk/graph/tensor.js";
import { alignment, hierarchicalAlignment, proposed, type Proposed } from "../../sdk/network/losses/alignment.js";

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

test("a name's proposal is what its mask shows, and counts by how sure and how large the mask is; a region's by its best score", (t) => {
  const graph = new Graph("proposed");
  const constant = (shape: number[], data: readonly number[]) => graph.constant(float32(shape, [...data]));
  // The first name covers three of four pixels surely, the second the last one less so, the third is not used.
  const logits = [[8, 8, 8, 0], [0, 0, 0, 1], [-1e4, -1e4, -1e4, -1e4]];
  const concepts = [[1, 2, 3, 4], [0, 1, 0, 1]];
  const maskLogits = graph.input("maskLogits", "float32", [1, 3, 2, 2]);
  const embedded = {
    masks: { names: constant([1, 3, 2], [1, 0, 0, 1, 1, 1]), concepts: constant([1, 2, 4], concepts.flat()), scale: graph.input("scale", "float32", [1]) },
    regions: { names: constant([1, 3, 2], [1, 0, 0, 1, 1, 1]), features: constant([1, 2, 2], [1, 2, 3, 4]), scale: constant([1], [1]) },
  };
  const detection = { regionLogits: constant([1, 2, 3], [-1, 2, 0, -3, -2, -9]), regionBoxes: constant([1, 2, 4], [0, 0, 1, 1, 0, 0, 1, 1]) };
  const [masks, regions] = proposed({ maskLogits, attention: constant([1, 1], [1]), detection, embedded }, constant([1, 3], [1, 1, 0]));
  const loss = alignment(masks, masks);
  const outputs = { proposals: masks.proposals, quality: masks.quality, there: masks.there!, regions: regions.quality, toScale: gradients(loss, [embedded.masks.scale])[0], toMasks: gradients(loss, [maskLogits])[0] };
  for (const [name, value] of Object.entries(outputs)) graph.output(name, value);
  const found = evaluate(graph, { maskLogits: float32([1, 3, 2, 2], logits.flat()), scale: float32([1], [4]) });
  const numbers = (name: string): number[] => [...found.get(name)!.data].map(Number);
  const p = [0, 1].map((name) => [0, 1, 2, 3].map((pixel) => Math.exp(logits[name][pixel]) / (Math.exp(logits[0][pixel]) + Math.exp(logits[1][pixel]))));
  const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
  const near = (name: string, expected: readonly number[]): void => void t.true(numbers(name).every((value, at) => Math.abs(value - expected[at]) < 1e-6), `${name}: ${numbers(name).join()} for ${expected.join()}`);
  const covered = p.map(sum);
  near("proposals", [...p.flatMap((mask, name) => concepts.map((row) => sum(row.map((value, pixel) => value * mask[pixel])) / (covered[name] + 1e-3))), 0, 0]);
  near("quality", [...p.map((mask, name) => (sum(mask.map((value) => value ** 2)) / (covered[name] + 1e-3)) * (covered[name] / (covered[name] + 32))), 0]);
  near("there", [1, 1, 0]);
  near("regions", [2, -2].map((logit) => 1 / (1 + Math.exp(-logit))));
  t.deepEqual([...numbers("toScale"), ...numbers("toMasks")].filter((gradient) => gradient !== 0), [], "neither the temperature nor the masks learn from their own labels");
});
