import test from "ava";
import { defaultJudgeBounds, judge, judgeBoundsFor, type Measurements, type ModelMeasurement } from "../../../sdk/adaptation/judge/index.js";

const before: ModelMeasurement = {
  finite: true,
  exemplars: { miou: 60, perClass: { road: 90, car: 60, person: 30 }, frames: 8 },
  restyled: { miou: 30, perClass: { road: 60, car: 20, person: 10 }, frames: 8 },
  target: { consistency: 50, confidence: 60, shares: { road: 0.5, sky: 0.3, car: 0.1, building: 0.1 }, frames: 8 },
  latencyMs: 20,
};

/** An update that helps: restyled frames and consistency gain, nothing is lost. */
const good: ModelMeasurement = {
  ...before,
  exemplars: { miou: 59.5, perClass: { road: 90, car: 59, person: 29.5 }, frames: 8 },
  restyled: { miou: 36, perClass: { road: 68, car: 26, person: 14 }, frames: 8 },
  target: { consistency: 53, confidence: 62, shares: { road: 0.45, sky: 0.33, car: 0.09, building: 0.13 }, frames: 8 },
};

const measured = (after: Partial<ModelMeasurement>, deployedDisagreement = 0.1): Measurements => ({ before, after: { ...good, ...after }, deployedDisagreement });

test("accepts an update that helps, and says by how much", (t) => {
  const { accepted, reasons, numbers } = judge(measured({}));
  t.true(accepted, reasons.join("; "));
  t.deepEqual(reasons, []);
  t.is(numbers.targetScore.gain, 5.25);
  t.deepEqual(numbers.worstClass, { name: "car", loss: 1 });
});

const harmful: Record<string, { readonly after: Partial<ModelMeasurement>; readonly disagreement?: number; readonly reason: RegExp }> = {
  "a class collapsed under a better mean": {
    after: { exemplars: { miou: 62, perClass: { road: 97, car: 77, person: 12 }, frames: 8 } },
    reason: /person lost 18.00 points/,
  },
  "a class that is answered no more": { after: { exemplars: { miou: 60, perClass: { road: 95, car: 85 }, frames: 8 } }, reason: /person lost 30.00 points/ },
  "the mean of exemplars fell": { after: { exemplars: { miou: 57, perClass: { road: 87, car: 57, person: 27 }, frames: 8 } }, reason: /mIoU lost 3.00 points/ },
  "nothing was gained": { after: { restyled: before.restyled, target: before.target }, reason: /target score gained 0.00/ },
  "NaN in the weights": { after: { finite: false }, reason: /not finite/ },
  "NaN in a class": { after: { exemplars: { miou: 60, perClass: { road: 95, car: NaN, person: 31 }, frames: 8 } }, reason: /car lost NaN/ },
  "NaN in the target's scores": { after: { target: { ...good.target, consistency: NaN } }, reason: /gained NaN/ },
  "one category everywhere, consistently and confidently": {
    after: { target: { consistency: 99, confidence: 99, shares: { road: 0.98, sky: 0.02 }, frames: 8 } },
    reason: /collapsed on target frames/,
  },
  "shares turned over": { after: { target: { ...good.target, shares: { person: 0.4, wall: 0.3, fence: 0.2, train: 0.1 } } }, reason: /moved by 1.00/ },
  "half of the shares turned over": { after: { target: { ...good.target, shares: { road: 0.05, sky: 0.05, car: 0.45, building: 0.45 } } }, reason: /^the shares of categories on target frames moved by 0.54$/ },
  "stored otherwise than trained": { after: {}, disagreement: 7, reason: /disagree on 7.00 %/ },
  "nothing compared": { after: {}, disagreement: NaN, reason: /disagree/ },
  "too slow": { after: { latencyMs: 45 }, reason: /45.0 ms instead of 20.0/ },
  "a latency that was not measured": { after: { latencyMs: NaN }, reason: /a frame takes NaN ms/ },
  "too little to judge by": { after: { target: { ...good.target, frames: 2 } }, reason: /only 2 frames/ },
  "too few exemplars to judge by": { after: { exemplars: { ...good.exemplars, frames: 3 } }, reason: /^only 3 frames/ },
};

for (const [name, { after, disagreement, reason }] of Object.entries(harmful))
  test(`rejects: ${name}`, (t) => {
    const { accepted, reasons } = judge(measured(after, disagreement));
    t.false(accepted);
    t.regex(reasons.join("; "), reason);
  });

test("losses count from the delivered weights, so that they do not add up over rounds", (t) => {
  // Each round lost little, all of them together too much.
  const delivered = { miou: 65, perClass: { road: 92, car: 64.5, person: 38 }, frames: 8 };
  t.true(judge(measured({})).accepted);
  const { restyled } = before;
  const { accepted, reasons } = judge({ ...measured({}), delivered: { exemplars: delivered, restyled } });
  t.false(accepted);
  t.deepEqual(reasons, ["person lost 8.50 points on exemplars", "mIoU lost 5.50 points on exemplars"]);
});

test("in the frames' colours losses count from the delivered weights or from those that serve, whichever were better", (t) => {
  const restyled = (person: number): ModelMeasurement["restyled"] => ({ miou: 30, perClass: { road: 60, car: 20, person }, frames: 8 });
  const after = { restyled: { miou: 40, perClass: { road: 80, car: 30, person: 6 }, frames: 8 } };
  const from = (delivered: number): readonly string[] => judge({ ...measured(after), delivered: { exemplars: before.exemplars, restyled: restyled(delivered) } }).reasons;
  t.deepEqual(from(10), []);
  t.deepEqual(from(12), ["person lost 6.00 points in the frames' colours"]);
  // The last round gained here what the delivered weights never had.
  t.deepEqual(judge({ ...measured({ restyled: { ...after.restyled, perClass: { road: 80, car: 30, person: 4 } } }), delivered: { exemplars: before.exemplars, restyled: restyled(0) } }).reasons, ["person lost 6.00 points in the frames' colours"]);
});

test("weights of the night may lose more by day, and no more than others in the night's colours", (t) => {
  const byDay = measured({ exemplars: { miou: 58, perClass: { road: 88, car: 53, person: 31 }, frames: 8 } });
  t.false(judge(byDay, judgeBoundsFor("dusk")).accepted);
  for (const condition of ["night", "fog"] as const) t.true(judge(byDay, judgeBoundsFor(condition)).accepted, condition);
  const dark = measured({ restyled: { miou: 40, perClass: { road: 75, car: 35, person: 3 }, frames: 8 } });
  t.regex(judge(dark, judgeBoundsFor("night")).reasons.join(), /person lost \d.\d+ points in the frames' colours/);
});

type Aps = readonly [car: number, person: number];

const boxes = ([car, person]: Aps) => ({ boxes: { ap50: (car + person) / 2, perClass: { car, person } } });

/** Of weights whose masks helped, and whose boxes stood at 60 and 40 on exemplars and at 30 and 20 in the frames' colours. */
const measuredBoxes = (exemplars: Aps, restyled: Aps): Measurements => ({
  before: { ...before, exemplars: { ...before.exemplars, ...boxes([60, 40]) }, restyled: { ...before.restyled, ...boxes([30, 20]) } },
  after: { ...good, exemplars: { ...good.exemplars, ...boxes(exemplars) }, restyled: { ...good.restyled, ...boxes(restyled) } },
  deployedDisagreement: 0,
});

test("boxes that gain, or lose less than they scatter, stand in no update's way, and the numbers name them", (t) => {
  const { accepted, reasons, numbers } = judge(measuredBoxes([57, 41], [36, 19]));
  t.true(accepted, reasons.join("; "));
  t.deepEqual(numbers.boxes, { mean: 1, worstClass: { name: "car", loss: 3 } });
  t.deepEqual(numbers.restyledBoxes, { mean: -2.5, worstClass: { name: "person", loss: 1 } });
});

const harmfulBoxes: Record<string, readonly [Measurements, RegExp]> = {
  "a class of boxes lost under a better mean": [measuredBoxes([80, 28], [36, 19]), /^boxes of person lost 12.00 points of AP50 on exemplars$/],
  "the mean of boxes fell": [measuredBoxes([54, 34], [36, 19]), /^boxes lost 6.00 points of AP50 on exemplars$/],
  "boxes lost in the condition's own colours": [measuredBoxes([60, 40], [20, 20]), /^boxes of car lost 10.00 points of AP50 in the frames' colours$/],
  "the mean of boxes fell in the condition's own colours": [measuredBoxes([60, 40], [24, 14]), /^boxes lost 6.00 points of AP50 in the frames' colours$/],
  "NaN in a class of boxes": [measuredBoxes([NaN, 90], [36, 19]), /boxes of car lost NaN/],
  "NaN in the mean of boxes": [{ ...measuredBoxes([60, 40], [36, 19]), after: { ...good, exemplars: { ...good.exemplars, boxes: { ap50: NaN, perClass: { car: 60, person: 40 } } }, restyled: { ...good.restyled, ...boxes([30, 20]) } } }, /boxes lost NaN/],
  "boxes that are measured no more": [{ ...measured({}), before: measuredBoxes([0, 0], [0, 0]).before }, /boxes of car lost 60.00/],
  "boxes lost over rounds": [{ ...measuredBoxes([57, 41], [36, 19]), delivered: { exemplars: { ...before.exemplars, ...boxes([70, 40]) }, restyled: before.restyled } }, /boxes of car lost 13.00/],
  "boxes lost over rounds in the condition's own colours": [{ ...measuredBoxes([60, 40], [36, 19]), delivered: { exemplars: { ...before.exemplars, ...boxes([60, 40]) }, restyled: { ...before.restyled, ...boxes([45, 20]) } } }, /^boxes of car lost 9.00 points of AP50 in the frames' colours$/],
};

for (const [name, [measurements, reason]] of Object.entries(harmfulBoxes))
  test(`rejects, though the masks are better: ${name}`, (t) => {
    const { accepted, reasons } = judge(measurements);
    t.false(accepted);
    t.regex(reasons.join("; "), reason);
  });

test("boxes of the night may lose more by day, and no more than others in the night's colours", (t) => {
  const byDay = measuredBoxes([50, 32], [36, 19]);
  t.false(judge(byDay).accepted);
  for (const condition of ["night", "fog"] as const) t.true(judge(byDay, judgeBoundsFor(condition)).accepted, condition);
  t.false(judge(measuredBoxes([60, 40], [20, 20]), judgeBoundsFor("night")).accepted);
});

test("without boxes before there is nothing to lose", (t) => {
  const { after } = measuredBoxes([0, 0], [0, 0]);
  const { accepted, numbers } = judge({ ...measured({}), after });
  t.true(accepted);
  t.false("boxes" in numbers || "restyledBoxes" in numbers);
});

/** Of weights that only detect. */
const detecting = (exemplars: Aps | undefined, restyled: Aps, consistency: number): ModelMeasurement => ({
  detectsOnly: true,
  finite: true,
  exemplars: { miou: NaN, perClass: {}, frames: 8, ...(exemplars && boxes(exemplars)) },
  restyled: { miou: NaN, perClass: {}, frames: 8, ...(exemplars && boxes(restyled)) },
  target: { consistency, confidence: 50, shares: {}, frames: 8 },
  latencyMs: 20,
});
const detected = (after: ModelMeasurement, start = detecting([60, 40], [30, 20], 40)) => judge({ before: start, after, deployedDisagreement: 0 });

test("what only detects is judged by its boxes alone", (t) => {
  const { accepted, reasons, numbers } = detected(detecting([58, 40], [34, 20], 44));
  t.true(accepted, reasons.join("; "));
  t.is(numbers.targetScore.gain, 0.75 * 2 + 0.25 * 4);
});

const harmfulDetectors: Record<string, readonly [ReturnType<typeof judge>, RegExp]> = {
  "a gain within what AP50 scatters": [detected(detecting([60, 40], [31, 20.5], 40)), /^the target score gained 0.56 points, 1.00 points needed$/],
  "boxes forgotten by day": [detected(detecting([45, 40], [50, 40], 60)), /^boxes of car lost 15.00/],
  "silent on target frames, though not on exemplars": [detected(detecting([60, 40], [34, 20], 0)), /the target score gained -8.50/],
  "too few boxes to compare by": [detected(detecting(undefined, [0, 0], 60), detecting(undefined, [0, 0], 40)), /^no class of boxes could be compared/],
  "NaN in boxes of the frames' colours": [detected(detecting([60, 40], [NaN, NaN], 60)), /gained NaN/],
};

for (const [name, [{ accepted, reasons }, reason]] of Object.entries(harmfulDetectors))
  test(`of what only detects, rejects: ${name}`, (t) => {
    t.false(accepted);
    t.regex(reasons.join("; "), reason);
  });

test("bounds are configuration", (t) => {
  const worse = measured({ exemplars: { miou: 57, perClass: { road: 87, car: 57, person: 27 }, frames: 8 } });
  t.true(judge(worse, { ...defaultJudgeBounds, meanLoss: 5 }).accepted);
  const confident = { restyled: 0, consistency: 0, confidence: 1 };
  t.is(judge(measured({}), { ...defaultJudgeBounds, weights: confident }).numbers.targetScore.gain, 2);
});

test("a verdict is plain JSON", (t) => {
  const verdict = judge(measured({}));
  t.deepEqual(JSON.parse(JSON.stringify(verdict)), verdict);
});
