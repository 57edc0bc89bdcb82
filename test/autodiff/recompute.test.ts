import test from "ava";
import { backward } from "../../sdk/autodiff/backward.js";
import { blocksOf, type Recompute } from "../../sdk/autodiff/recompute.js";
import { evaluate } from "../../sdk/engine/reference/index.js";
import { Graph, type Value } from "../../sdk/graph/graph.js";
import { live } from "../../sdk/graph/live.js";
import { add, conv, mul, relu, reshape, slice, stopGradient, topK, total } from "../../sdk/graph/ops.js";
import { distinct } from "../graph/inputs.js";

const [channels, height, width, depth] = [3, 5, 4, 8];

/** Residual blocks that widen between, with a path around all of them, indices, and a stopped gradient: what networks have. */
function loss(graph: Graph): { readonly loss: Value; readonly wrt: readonly Value[] } {
  const image = graph.input("image", "float32", [2, channels, height, width]);
  const wrt: Value[] = [];
  const weight = (name: string, shape: readonly number[]): Value => {
    const value = graph.input(name, "float32", shape);
    wrt.push(value);
    return value;
  };
  let x = image;
  for (let block = 0; block < depth; block++) {
    const hidden = relu(conv(x, weight(`wide${block}`, [4 * channels, channels, 3, 3]), weight(`bias${block}`, [4 * channels]), { padding: 1 }));
    x = add(x, conv(hidden, mul(weight(`narrow${block}`, [channels, 4 * channels, 1, 1]), 0.3), undefined));
  }
  const [best] = topK(reshape(x, [2, channels * height * width]), 7, 1);
  const sum = add(total(mul(best, best)), total(mul(slice(image, 1, 0, 1), slice(x, 1, 1, 2))));
  return { loss: add(sum, total(mul(stopGradient(x), x))), wrt };
}

function run(recompute: Recompute) {
  const graph = new Graph(recompute);
  const { loss: value, wrt } = loss(graph);
  backward(value, wrt, { recompute }).gradients.forEach((gradient, at) => graph.output(`g${at}`, gradient));
  graph.output("loss", value);
  const answer = evaluate(graph, Object.fromEntries(graph.inputs.map(({ name, shape }, at) => [name, distinct(shape, at + 1)])));
  return { graph, nodes: live(graph).nodes, numbers: [...answer].map(([name, { data }]) => [name, [...data]] as const) };
}

test("gradients are the same to the bit where activations are computed again", (t) => {
  const [kept, again] = [run("none"), run("blocks")];
  t.deepEqual(again.numbers, kept.numbers);
});

test("blocks are computed again, but not what nothing asks for, and less is kept for the backward pass", (t) => {
  const [kept, again] = [run("none"), run("blocks")];
  const convolutions = ({ nodes }: typeof kept): number => nodes.filter(({ operator, outputs }) => operator === "Conv" && !/backward\/(?!again)/.test(outputs[0].name)).length;
  const made = convolutions(again) - convolutions(kept);
  // Of each block but the last the wide convolution alone: the narrow one's output is only added.
  t.true(made >= depth / 2 && made <= depth + 2, `${made}`);
  t.true(peak(again.nodes) < 0.7 * peak(kept.nodes), `${peak(again.nodes)} of ${peak(kept.nodes)}`);
});

test("a border lies where least crosses it", (t) => {
  const graph = new Graph("borders");
  loss(graph);
  const blocks = blocksOf(graph.nodes);
  t.true(blocks.length > 2);
  t.deepEqual(blocks.flat(), graph.nodes);
  for (const block of blocks.slice(0, -1)) t.true((block.at(-1)?.outputs[0].size ?? Infinity) <= 2 * channels * height * width);
});

/** The most numbers that are alive at once when the nodes are computed in this order. */
function peak(nodes: ReturnType<typeof live>["nodes"]): number {
  const last = new Map<Value, number>();
  nodes.forEach(({ inputs }, at) => inputs.forEach((input) => last.set(input, at)));
  let [alive, most] = [0, 0];
  nodes.forEach(({ inputs, outputs }, at) => {
    alive += outputs.reduce((sum, output) => sum + output.size, 0);
    most = Math.max(most, alive);
    for (const value of new Set([...inputs, ...outputs]))
      if ((last.get(value) ?? at) === at && (outputs.includes(value) || value.graph.producer(value))) alive -= value.size;
  });
  return most;
}
