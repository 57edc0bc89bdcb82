import test from "ava";
import { adamW, beta1, beta2, clipping } from "../../sdk/autodiff/adamw.js";
import { ema } from "../../sdk/autodiff/ema.js";
import { evaluate } from "../../sdk/engine/reference/index.js";
import { Graph } from "../../sdk/graph/graph.js";
import { distinct, floats } from "../graph/inputs.js";

const near = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((v, i) => Math.abs(v - b[i]) <= 1e-6 * Math.max(1, Math.abs(b[i])));

test("AdamW takes the steps that its definition gives", (t) => {
  const graph = new Graph("adamw");
  const tensor = (name: string) => graph.input(name, "float32", [3]);
  const scalar = (name: string) => graph.input(name, "float32", []);
  const [p, g, m, v] = ["p", "g", "m", "v"].map(tensor);
  const [factor, rate, correction1, correction2, decay] = ["factor", "rate", "correction1", "correction2", "decay"].map(scalar);
  const next = adamW(p, g, m, v, { factor, isFinite: graph.input("isFinite", "bool", []) }, { rate, correction1, correction2, decay });
  graph.output("p2", next.parameter);
  graph.output("m2", next.first);
  graph.output("v2", next.second);

  let [parameter, first, second] = [[1, -2, 0.5], [0, 0, 0], [0, 0, 0]];
  let state = { p: parameter, m: first, v: second };
  for (let step = 1; step <= 4; step++) {
    const gradient = [0.3 * step, -1, 0.01 * (step - 2)];
    const one = (value: number) => floats([], [value]);
    const all = (values: readonly number[]) => floats([3], values);
    const out = evaluate(graph, {
      p: all(state.p), g: all(gradient), m: all(state.m), v: all(state.v),
      factor: one(0.5), rate: one(0.1), decay: one(0.2),
      isFinite: { dtype: "bool", shape: [], data: Uint8Array.of(1) }, correction1: one(1 / (1 - beta1 ** step)), correction2: one(1 / (1 - beta2 ** step)),
    });
    const scaled = gradient.map((x) => 0.5 * x);
    first = first.map((x, i) => 0.9 * x + 0.1 * scaled[i]);
    second = second.map((x, i) => 0.999 * x + 0.001 * scaled[i] ** 2);
    parameter = parameter.map(
      (x, i) => x - 0.1 * (first[i] / (1 - 0.9 ** step) / (Math.sqrt(second[i] / (1 - 0.999 ** step)) + 1e-8) + 0.2 * x),
    );
    const got = (name: string): number[] => [...(out.get(name)?.data ?? [])];
    state = { p: got("p2"), m: got("m2"), v: got("v2") };
    t.true(near(state.p, parameter), `step ${step}: ${state.p.join()} for ${parameter.join()}`);
    t.true(near(state.m, first));
    t.true(near(state.v, second));
  }
});

test("gradients are clipped by their common norm, and only when it is larger", (t) => {
  const graph = new Graph("clip");
  const [a, b] = [graph.input("a", "float32", [2]), graph.input("b", "float32", [])];
  const { factor, norm } = clipping(graph, graph.scalar(1), { gradients: [a, b], contributions: [a, b] }, graph.input("bound", "float32", []));
  graph.output("factor", factor);
  graph.output("norm", norm);
  const run = (bound: number) => evaluate(graph, { a: floats([2], [3, 4]), b: floats([], [12]), bound: floats([], [bound]) });
  t.true(near([...(run(6.5).get("norm")?.data ?? [])], [13]));
  t.true(near([...(run(6.5).get("factor")?.data ?? [])], [0.5]));
  t.true(near([...(run(20).get("factor")?.data ?? [])], [1]));
});

test("where loss or gradients are not finite no step is taken, and all state stays to the bit", (t) => {
  for (const [loss, gradient, isFinite] of [[1, [3, 4], 1], [NaN, [3, 4], 0], [Infinity, [3, 4], 0], [1, [NaN, 4], 0], [1, [3, -Infinity], 0]] as const) {
    const graph = new Graph("not finite");
    const [p, g, m, v] = ["p", "g", "m", "v"].map((name) => graph.input(name, "float32", [2]));
    const clip = clipping(graph, graph.input("loss", "float32", []), { gradients: [g], contributions: [] }, graph.scalar(1));
    const next = adamW(p, g, m, v, clip, { rate: graph.scalar(0.1), correction1: graph.scalar(2), correction2: graph.scalar(3), decay: graph.scalar(0.2) });
    for (const [name, value] of Object.entries({ p2: next.parameter, m2: next.first, v2: next.second, factor: clip.factor })) graph.output(name, value);
    const state = { p: [1, -2], m: [0.3, 0.1], v: [0.2, 0.7] };
    const out = evaluate(graph, { loss: floats([], [loss]), g: floats([2], [...gradient]), p: floats([2], state.p), m: floats([2], state.m), v: floats([2], state.v) });
    const got = Object.fromEntries((["p", "m", "v"] as const).map((name) => [name, [...out.get(`${name}2`)!.data]]));
    if (isFinite) t.notDeepEqual(got, state);
    else t.deepEqual(got, state, `${loss} ${gradient.join()}`);
    t.is(out.get("factor")!.data[0] > 0, isFinite === 1);
  }
});

test("the teacher moves towards the student by 1 - alpha", (t) => {
  const graph = new Graph("ema");
  const [teacher, student] = ["teacher", "student"].map((name) => graph.input(name, "float32", [2, 2]));
  graph.output("next", ema(teacher, student, graph.input("alpha", "float32", [])));
  const [a, b] = [distinct([2, 2], 1), distinct([2, 2], 2)];
  const next = evaluate(graph, { teacher: a, student: b, alpha: floats([], [0.9]) }).get("next");
  t.true(near([...(next?.data ?? [])], Array.from(a.data, (v, i) => 0.9 * v + 0.1 * b.data[i])));
});
