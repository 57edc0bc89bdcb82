import test from "ava";
import type { Divergence } from "../../calibration/heads.js";
import { chooseLayers } from "../../calibration/sensitivity.js";
import { Graph } from "../../sdk/graph/graph.js";

const tolerated = { pixels: 1, boxScore: 1, boxSide: 1, depth: 1 };
const apart = (pixels: number, boxScore: number, boxSide: number, depth: number | null = null): Divergence => ({ mask: 0, pixels, boxScore, boxSide, depth });

/** Chooses among eight layers, the first the most sensitive, of networks that are so far apart with none, one and two of them in float. */
async function chosen(...divergences: readonly Divergence[]) {
  const layers = Array.from({ length: 8 }, (_, at) => ({ tensors: [`t${at}`], name: `layer${at}`, work: 12.5 }));
  const left = [...divergences];
  const candidate = { divergence: async () => left.shift() ?? apart(NaN, NaN, NaN) };
  const worstFirst = layers.map((layer) => ({ layers: [layer], divergence: apart(0, 0, 0) }));
  const { divergence, reports } = await chooseLayers(candidate, { layers, tolerated, apply: () => new Graph("none") }, worstFirst);
  return [divergence, reports.filter(({ float }) => float).length];
}

test("the first choice that is tolerated is taken, also where another is nearer to float in sum", async (t) => {
  t.deepEqual(await chosen(apart(1.2, 0.1, 0.1), apart(0.9, 0.3, 0.3)), [apart(0.9, 0.3, 0.3), 1]);
  t.deepEqual(await chosen(apart(0.5, 0.5, 0.5)), [apart(0.5, 0.5, 0.5), 0]);
  t.deepEqual(await chosen(apart(0, 0, 0, 1.2), apart(0, 0, 0, 0.9)), [apart(0, 0, 0, 0.9), 1], "of depth too");
});

test("where none is tolerated, the nearest to float is", async (t) => {
  t.deepEqual(await chosen(apart(3, 0, 0), apart(1.5, 0, 0), apart(2, 0, 0)), [apart(1.5, 0, 0), 1]);
  t.deepEqual(await chosen(apart(NaN, 0, 0), apart(9, 9, 9), apart(NaN, 0, 0)), [apart(9, 9, 9), 1]);
});
