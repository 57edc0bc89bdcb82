import test from "ava";
import type { ScaleRow } from "../../sdk/cli/bench/scale.js";
import { scaleModels, scaleStep } from "../../sdk/cli/bench/scale-models.js";
import { plotScale } from "../../sdk/cli/bench/scale-plot.js";
import { exponent } from "../../sdk/cli/bench/statistics.js";
import { Learner } from "../../sdk/engine/learner.js";
import { json, nightshift } from "../support/command.js";

test("SegFormer on MiT-B0 has its parameters, and learns its picture", async (t) => {
  const model = scaleModels["mit-b0"];
  if (!model) return t.fail();
  const { graph, batch, parameters } = scaleStep(model, 64);
  // 3.7 million, as Xie and others give it.
  t.true(parameters > 3.65e6 && parameters < 3.8e6, `${parameters}`);
  const learner = await Learner.create(graph, { threads: 1 });
  t.teardown(() => learner.close());
  const losses: number[] = [];
  for (let step = 0; step < 6; step++) losses.push((await learner.step(batch)).loss[0] ?? NaN);
  t.true((losses.at(-1) ?? NaN) < (losses[0] ?? NaN), losses.join(" "));
});

test("slopes are exponents, and the plot shows every row", (t) => {
  t.true(Math.abs(exponent([[1, 3], [2, 12], [4, 48]]) - 2) < 1e-9);
  const row = (model: string, size: number): ScaleRow => ({ model, what: model, size, unit: "pixels a side", parameters: 1, stepMs: size * size, spreadMs: [1, 2], peakMb: 10 });
  const svg = plotScale([row("a", 2), row("a", 4), row("b", 2)]);
  t.is(svg.match(/<circle/g)?.length, 6);
  t.regex(svg, /a at 4: 16 ms a step/);
  t.notRegex(svg, /NaN|Infinity/);
});

test("an unknown model is refused by name", async (t) => {
  const { code, out } = await nightshift("bench", "scale", "--models", "mit-b9", "--json");
  t.is(code, 1);
  t.like(json(out), { error: { code: "E_CONFIG", received: "mit-b9" } });
});
