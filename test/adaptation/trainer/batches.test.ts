import test from "ava";
import { pastedBatch } from "../../../sdk/adaptation/trainer/pasted-batch.js";
import { recoloured } from "../../../sdk/adaptation/trainer/recoloured.js";
import { restyledBatch } from "../../../sdk/adaptation/trainer/restyled-batch.js";
import { type Batch, Random } from "../../../sdk/training/batch/index.js";
import { picture } from "../pictures.js";

const [width, height] = [64, 32];
const cells = (width * height) / 16;

/** Two frames of one colour each: names 0 left, 1 right, nothing in the last column of cells. */
const batch: Batch = {
  step: 0,
  frames: new Uint8Array(2 * width * height * 3).fill(200),
  labels: Uint8Array.from({ length: 2 * cells }, (_, at) => (at % 16 === 15 ? 255 : at % 16 < 8 ? 0 : 1)),
  names: [["left", "right"], ["left", "right"]],
  boxNames: [["car"], ["car"]],
  boxes: new Float32Array(8),
  boxLabels: new Int32Array(2).fill(-1),
  hasMask: Float32Array.of(1, 1),
  hasBoxes: Float32Array.of(1, 1),
  ids: ["a", "b"],
};
const dark = [new Uint8Array(width * height * 3).fill(9)];

test("half of what is labelled is pasted over a target frame, and nothing else is labelled there", (t) => {
  const { frames, labels, hasBoxes, hasMask } = pastedBatch(batch, dark, 1, new Random(4), width, height);
  for (let at = 0; at < 2; at++) {
    const own = labels.subarray(at * cells, (at + 1) * cells);
    const kept = [...new Set(own)].filter((label) => label !== 255);
    t.is(kept.length, 1);
    for (let place = 0; place < cells; place++) {
      const was = batch.labels[at * cells + place] ?? 255;
      const isPasted = was === kept[0];
      t.is(own[place], isPasted ? was : 255);
      const [row, column] = [Math.floor(place / 16), place % 16];
      for (const corner of [0, 3]) t.is(frames[(at * width * height + (row * 4 + corner) * width + column * 4 + corner) * 3], isPasted ? 200 : 9);
    }
  }
  t.deepEqual([...hasBoxes, ...hasMask], [0, 0, 1, 1]);
  t.true(batch.frames.every((value) => value === 200), "the batch itself stays");
});

test("frames without labels, and all at a share of 0, stay as they are", (t) => {
  t.deepEqual(pastedBatch(batch, dark, 0, new Random(4), width, height), batch);
  const unlabelled = { ...batch, hasMask: Float32Array.of(0, 0) };
  t.deepEqual(pastedBatch(unlabelled, dark, 1, new Random(4), width, height), unlabelled);
});

test("a restyled frame has the target's brightness, its own labels, and the share is kept to", (t) => {
  const frames = new Uint8Array([...picture("day", 1, width, height).rgb, ...picture("day", 2, width, height).rgb]);
  const night = [picture("night", 5, width, height).rgb];
  const mean = (values: Uint8Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const restyled = restyledBatch({ ...batch, frames }, night, 1, new Random(1), width, height);
  t.true(Math.abs(mean(restyled.frames) - mean(night[0] ?? new Uint8Array())) < 12, `${mean(frames)} to ${mean(restyled.frames)}, for ${mean(night[0] ?? new Uint8Array())}`);
  t.deepEqual(restyled.labels, batch.labels);
  t.deepEqual(restyledBatch({ ...batch, frames }, night, 0, new Random(1), width, height).frames, frames);
});

test("target frames are met in other colours with the probability asked for, the same by the same seed", (t) => {
  const size = width * height * 3;
  const targets = new Uint8Array(40 * size).fill(90);
  t.deepEqual(recoloured(targets, 40, 0, new Random(4)), targets);
  const views = recoloured(targets, 40, 0.5, new Random(4));
  t.deepEqual(recoloured(targets, 40, 0.5, new Random(4)), views);
  t.true(targets.every((level) => level === 90), "the teacher's stay");
  const changed = Array.from({ length: 40 }, (_, at) => views.subarray(at * size, (at + 1) * size).some((level) => level !== 90)).filter(Boolean).length;
  t.true(changed > 10 && changed < 30, `${changed} of 40`);
});
