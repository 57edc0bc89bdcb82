import test from "ava";
import { trainability } from "../../sdk/autodiff/trainability.js";
import { Graph } from "../../sdk/graph/graph.js";
import { add, argMax, cast, mul, relu } from "../../sdk/graph/ops.js";
import { float32 } from "../../sdk/graph/tensor.js";

test("parameters are told apart by whether the outputs can teach them", (t) => {
  const graph = new Graph("ways");
  const x = graph.input("x", "float32", [2, 3]);
  const parameter = (name: string) => graph.constant(float32([3], [1, 2, 3]), name);
  const [taught, lost, both, unused] = [parameter("taught"), parameter("lost"), parameter("both"), parameter("unused")];
  const hidden = relu(mul(x, taught));
  graph.output("y", add(hidden, both));
  // What argmax answers has no slope.
  graph.output("index", cast(argMax(mul(mul(x, lost), both), 1), "float32"));
  relu(mul(x, unused));
  const found = trainability(graph);
  t.is(found.get(taught), "yes");
  t.is(found.get(lost), "zero");
  t.is(found.get(both), "yes", "one way is enough");
  t.is(found.get(unused), "zero");
});

test("an operator without a gradient is named, whatever the other ways are", (t) => {
  const graph = new Graph("blocked");
  const x = graph.input("x", "float32", [1, 2, 4, 4]);
  const before = graph.constant(float32([1, 2, 1, 1], [1, 2]), "before");
  const after = graph.constant(float32([1], [2]), "after");
  const scaled = mul(x, before);
  const [wider] = graph.node("Resize", [scaled], { sizes: [2, 2, 4, 4], mode: "nearest", alignment: "asymmetric", antialias: false });
  graph.output("wide", mul(wider, after));
  graph.output("plain", scaled);
  const found = trainability(graph);
  t.is(found.get(after), "yes");
  t.deepEqual(found.get(before), { blockedBy: `Resize of other axes than the last two (node ${wider.name})` });
});
