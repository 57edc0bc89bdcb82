import test from "ava";
import { defaultJudgeBounds, type Measurements, type ModelMeasurement } from "../../../sdk/adaptation/judge/index.js";
import { interpolated, type Learnt, offer, type Place } from "../../../sdk/adaptation/trainer/offer.js";
import type { Weights } from "../../../sdk/graph/tensor.js";

const scalar = (value: number): Weights => new Map([["w", { dtype: "float32", shape: [1], data: Float32Array.of(value) }]]);
const learnt = (value: number): Learnt => ({ weights: scalar(value) });
const valueOf = (weights: Weights): number => weights.get("w")!.data[0];

const before: ModelMeasurement = {
  finite: true,
  exemplars: { miou: 60, perClass: { road: 90, fence: 30 }, frames: 8 },
  restyled: { miou: 30, perClass: { road: 40, fence: 20 }, frames: 8 },
  target: { consistency: 50, confidence: 60, shares: { road: 0.6, fence: 0.4 }, frames: 8 },
  latencyMs: 20,
};

/** Along one number: in the frames' colours `gain` points at all of the way, and fences lose by its square, 20 points at all of it. */
const along = (gain: number, seen: { at: number; known: boolean }[], written: number[] = []): Place => ({
  async write({ weights }) {
    written.push(valueOf(weights));
  },
  async measure({ weights }, known): Promise<Measurements> {
    const at = valueOf(weights);
    seen.push({ at: Number(at.toFixed(6)), known: known !== undefined });
    const after = { ...before, exemplars: { ...before.exemplars, perClass: { road: 90, fence: 30 - 20 * at ** 2 } }, restyled: { ...before.restyled, miou: 30 + gain * at } };
    return { before, after, deployedDisagreement: 0 };
  },
});

test("all of what was learnt is offered where the judge accepts it", async (t) => {
  const seen: { at: number; known: boolean }[] = [];
  const { share } = await offer(learnt(0), learnt(0.4), [0.8, 0.6, 0.4], defaultJudgeBounds, along(10, seen));
  t.is(share, 1);
  t.deepEqual(seen, [{ at: 0.4, known: false }]);
});

test("where a class loses too much, the greatest share that the judge accepts is offered, and the weights that serve are measured once", async (t) => {
  const seen: { at: number; known: boolean }[] = [];
  const { share, measurements } = await offer(learnt(0), learnt(1), [0.8, 0.6, 0.4], defaultJudgeBounds, along(10, seen));
  t.is(share, 0.4, "20 times 0.16 is less than 5, 20 times 0.36 is more");
  t.deepEqual(seen, [{ at: 1, known: false }, { at: 0.8, known: true }, { at: 0.6, known: true }, { at: 0.4, known: true }]);
  t.is(measurements.after.restyled.miou.toFixed(3), "34.000");
});

test("where no share passes, all of it stays, with its own measurements", async (t) => {
  const seen: { at: number; known: boolean }[] = [];
  const written: number[] = [];
  const { share, measurements } = await offer(learnt(0), learnt(1), [0.8, 0.6], defaultJudgeBounds, along(10, seen, written));
  t.is(share, 1);
  t.is(written.at(-1), 1, "it is what is written");
  t.is(seen.length, 3, "each is measured once");
  t.is(measurements.after.exemplars.perClass.fence, 10);
});

test("what gains nothing is not tried in parts", async (t) => {
  const seen: { at: number; known: boolean }[] = [];
  t.is((await offer(learnt(0), learnt(1), [0.8, 0.6], defaultJudgeBounds, along(0, seen))).share, 1);
  t.is((await offer(learnt(0), learnt(1), [0.8, 0.6], defaultJudgeBounds, along(NaN, seen))).share, 1);
  t.is(seen.length, 2);
});

test("interpolates between weights by tensor", (t) => {
  t.is(valueOf(interpolated(scalar(2), scalar(4), 0.25)), 2.5);
});

test("prompts go the same way as weights", async (t) => {
  const prompted = (value: number): Learnt => {
    const prompt = { dtype: "float32", shape: [1, 2], data: Float32Array.of(value, -value) } as const;
    return { weights: scalar(value), prompts: { task: prompt, category: prompt } };
  };
  const written: Learnt[] = [];
  const place = along(10, []);
  const { share } = await offer(prompted(0), prompted(1), [0.4], defaultJudgeBounds, { measure: (each, known) => place.measure(each, known), write: async (each) => void written.push(each) });
  t.is(share, 0.4);
  const last = written.at(-1)?.prompts;
  t.deepEqual([...(last?.category.data ?? [])].map((value) => value.toFixed(6)), ["0.400000", "-0.400000"]);
  t.deepEqual(last?.task, last?.category);
});
