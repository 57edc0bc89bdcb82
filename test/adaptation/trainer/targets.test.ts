import test from "ava";
import { splitTargets } from "../../../sdk/adaptation/trainer/targets.js";
import { trainingOptionsFor } from "../../../sdk/adaptation/trainer/index.js";
import { Random } from "../../../sdk/random.js";

const options = trainingOptionsFor("night");
const random = new Random(3, "targets");
const frames = Array.from({ length: 64 }, () => Uint8Array.from({ length: 48 }, () => random.below(256)));

/** Which frames those are. */
const places = (some: readonly Uint8Array[]): number[] => some.map((frame) => frames.indexOf(frame as Uint8Array<ArrayBuffer>)).sort((a, b) => a - b);

test("one target frame in four is judged by, and none that is learnt from", (t) => {
  const { teaching, judging } = splitTargets({ targets: frames.slice(0, 32), options });
  t.deepEqual([teaching.length, judging.length], [24, 8]);
  t.deepEqual(places([...teaching, ...judging]), [...frames.slice(0, 32).keys()]);
});

test("wherever a frame lies in the memory, it is judged by again or learnt from again", (t) => {
  const first = splitTargets({ targets: frames, options: { ...options, judgeFrames: 64 } });
  const turned = splitTargets({ targets: [...frames.slice(5), ...frames.slice(0, 5)], options: { ...options, judgeFrames: 64 } });
  t.deepEqual(places(turned.judging), places(first.judging));
  // A quarter of them is forgotten.
  const later = splitTargets({ targets: frames.filter((_, at) => at % 4 !== 1), options: { ...options, judgeFrames: 64 } });
  const learntBefore = later.judging.filter((frame) => first.teaching.includes(frame));
  t.true(learntBefore.length <= 2, `${learntBefore.length} of ${later.judging.length}`);
});

test("too few target frames are refused", (t) => {
  t.throws(() => splitTargets({ targets: frames.slice(0, 3), options }), { code: "E_TRAINER", message: /at least 4 .*those that repeat another/ });
});
