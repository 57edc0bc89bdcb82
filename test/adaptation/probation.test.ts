import test from "ava";
import { defaultProbationLimits, type LiveSample, LiveProxies, LiveWindow, Probation, type ProbationOutcome } from "../../sdk/adaptation/probation.js";

const before = { confidence: 0.8, variety: 4, stability: 0.9 };
const limits = { ...defaultProbationLimits, frames: 5, leastFrames: 3 };

/** What is said of each of so many answers alike. */
function said(sample: LiveSample, start = before): readonly (ProbationOutcome | undefined)[] {
  const probation = new Probation(start, limits);
  return Array.from({ length: limits.frames }, () => probation.observe(sample));
}

test("answers as good as before pass when they have stood long enough, and a little worse ones too", (t) => {
  const expected = [undefined, undefined, undefined, undefined, { passed: true }];
  t.deepEqual(said(before), expected);
  t.deepEqual(said({ confidence: 0.75, variety: 3, stability: 0.85 }), expected);
});

for (const [what, sample, reason] of [
  ["unsure", { ...before, confidence: 0.65 }, /^mean confidence fell from 0.80 to 0.65$/],
  ["restless", { ...before, stability: 0.75 }, /^stability from frame to frame fell from 0.90 to 0.75$/],
  ["all of one category", { ...before, variety: 1 }, /^categories collapsed: effectively 1.0 of 4.0$/],
] as const)
  test(`answers that are ${what} end it after a few frames, with the reason`, (t) => {
    const [first, second, third] = said(sample);
    t.deepEqual([first, second], [undefined, undefined]);
    t.regex(third && !third.passed ? third.reasons.join() : "", reason);
  });

test("what was not known before cannot have worsened", (t) => {
  t.deepEqual(said({ confidence: 0, variety: 0, stability: 0 }, { confidence: NaN, variety: NaN, stability: NaN }).at(-1), { passed: true });
});

test("means are those of the latest answers; of a first frame nothing is known of stability", (t) => {
  const window = new LiveWindow(2);
  for (const [confidence, stability] of [[0, undefined], [0.25, undefined], [0.75, 0.5]] as const) window.add({ confidence, variety: 1, ...(stability !== undefined && { stability }) });
  t.is(window.count, 2);
  t.deepEqual(window.means, { confidence: 0.5, variety: 1, stability: 0.5 });
});

test("an answer is compared with the one before it of the same camera", (t) => {
  const proxies = new LiveProxies();
  const see = (camera: string, category: number) => proxies.sample({ camera, mask: new Uint8Array(64).fill(category), maskScore: new Uint8Array(4).fill(51) }, new Map([["road", 0.5], ["sky", 0.5]]));
  const seen = [see("front", 0), see("rear", 1), see("front", 0), see("rear", 1), see("front", 1)];
  t.deepEqual(seen.map(({ stability }) => stability), [undefined, undefined, 1, 1, 0]);
  t.deepEqual([seen[0].confidence, seen[0].variety], [0.2, 2]);
});
