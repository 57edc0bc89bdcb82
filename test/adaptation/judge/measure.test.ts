import test from "ava";
import { type BoxScore, disagreement, type Exam, judge, latencies, measure, type Prediction, type Predictor } from "../../../sdk/adaptation/judge/index.js";
import type { Vocabulary } from "../../../sdk/bundle/index.js";
import type { Box, ScoredBox } from "../../../sdk/frame.js";
import { restyle, styleOf } from "../../../sdk/adaptation/judge/restyle.js";
import { mirrored, twinOf } from "../../../sdk/adaptation/judge/twin.js";
import { float32 } from "../../../sdk/graph/tensor.js";
import { picture } from "../pictures.js";

const [width, height] = [160, 64];
const names = ["road", "house", "sky"];
const vocabulary = { names, text: float32([5, 1], [0, 0, 0, 0, 0]) };

/** Where the pictures' parts are: sky above 0.38, road below 0.62. */
const truthAt = (y: number): number => (y < 0.38 ? 2 : y < 0.62 ? 1 : 0);
const labels = Uint8Array.from({ length: (width * height) / 16 }, (_, cell) => truthAt((Math.floor((cell * 4) / width) * 4 + 2) / height));

const exam: Exam = {
  width,
  height,
  exemplars: [{ name: "bundle", vocabulary, frames: Array.from({ length: 5 }, (_, at) => ({ rgb: picture("day", at, width, height).rgb, labels })) }],
  targets: Array.from({ length: 5 }, (_, at) => picture("night", at, width, height).rgb),
  targetNames: vocabulary,
};

/** Answers by rows, as it is told to; boxes too. */
class RowPredictor implements Predictor {
  constructor(
    private readonly answer: (y: number, isNight: boolean, x: number) => number,
    private readonly finite = true,
    private readonly boxes: (isNight: boolean, names: readonly string[]) => readonly ScoredBox[] = () => [],
  ) {}

  async predict(rgb: Uint8Array, { names: asked }: Vocabulary = vocabulary): Promise<Prediction> {
    const isNight = rgb.reduce((sum, value) => sum + value, 0) / rgb.length < 60;
    const mask = Uint8Array.from({ length: width * height }, (_, at) => this.answer(Math.floor(at / width) / height, isNight, at % width));
    return { mask, maskScore: new Uint8Array((width * height) / 16).fill(204), boxes: this.boxes(isNight, asked), finite: this.finite };
  }

  async close(): Promise<void> {}
}

/** By night half of the sky's columns are taken for houses. */
const blindAtNight = new RowPredictor((y, isNight, x) => (isNight && y < 0.38 && x < 70 ? 1 : truthAt(y)));
const right = new RowPredictor(truthAt);

const verdictOn = async (after: Predictor) =>
  judge({ before: { ...(await measure(blindAtNight, true, exam)), latencyMs: 1 }, after: { ...(await measure(after, true, exam)), latencyMs: 1 }, deployedDisagreement: 0 });

test("measures labelled, restyled and unlabelled frames", async (t) => {
  const { exemplars, restyled, target, finite } = await measure(blindAtNight, true, exam);
  t.is(exemplars.miou, 100);
  t.true(restyled.miou < 80, "in the night's colours the exemplars show what is not known there");
  t.is(exemplars.frames, 5);
  t.true(target.consistency < 80, "a mirrored frame is answered otherwise");
  t.true(Math.abs(target.confidence - 80) < 0.5);
  t.true(Math.abs(Object.values(target.shares).reduce((a, b) => a + b, 0) - 1) < 1e-6);
  t.true(finite);
});

test("an update that learns the night is accepted", async (t) => {
  const { accepted, reasons, numbers } = await verdictOn(right);
  t.true(accepted, reasons.join("; "));
  t.true(numbers.targetScore.gain > 10);
});

const harmful: Record<string, Predictor> = {
  "one category everywhere": new RowPredictor(() => 0),
  "a class lost": new RowPredictor((y) => (truthAt(y) === 1 ? 0 : truthAt(y))),
  "labels swapped": new RowPredictor((y) => (truthAt(y) === 0 ? 2 : truthAt(y) === 2 ? 0 : 1)),
  "the day forgotten for the night": new RowPredictor((y, isNight) => (isNight ? truthAt(y) : 0)),
  "nothing learnt": blindAtNight,
  "answers that are not finite": new RowPredictor(truthAt, false),
  "answers of padding": new RowPredictor(() => 15),
};

for (const [name, predictor] of Object.entries(harmful)) test(`measured and rejected: ${name}`, async (t) => t.false((await verdictOn(predictor)).accepted));

/** Eight houses in every frame, a pole in every frame, and what is answered to them. */
const houses = Array.from({ length: 8 }, (_, at) => ({ x1: at * 20, y1: 24, x2: at * 20 + 16, y2: 40, label: "house" }));
const truths = [...houses, { x1: 70, y1: 4, x2: 74, y2: 40, label: "pole" }];
const scored = (boxes: readonly Box[], aside = 0): ScoredBox[] => boxes.map((box, at) => ({ ...box, x1: box.x1 + aside, x2: box.x2 + aside, score: 0.9 - at / 100 }));
const boxExam: Exam = { ...exam, exemplars: exam.exemplars.map((set) => ({ ...set, frames: set.frames.map((frame) => ({ ...frame, boxes: truths })) })) };
const whole = ({ ap50, perClass }: BoxScore) => [ap50, ...Object.entries(perClass)].flat().map((value) => (typeof value === "number" ? Math.round(value) : value));

test("boxes are measured as they are and in the frames' colours, of classes that enough of them hold", async (t) => {
  const halfBlind = new RowPredictor(truthAt, true, (isNight) => scored(isNight ? houses.slice(0, 4) : houses));
  const { exemplars, restyled } = await measure(halfBlind, true, boxExam);
  t.deepEqual(whole(exemplars.boxes!), [100, "house", 100]);
  t.deepEqual(whole(restyled.boxes!), [50, "house", 50]);
});

test("measured and rejected: what learns the night in its masks and puts its boxes aside", async (t) => {
  const answering = (answer: (y: number, isNight: boolean, x: number) => number, aside: number) => new RowPredictor(answer, true, () => scored(houses, aside));
  const verdict = async (aside: number) =>
    judge({
      before: { ...(await measure(answering((y, isNight, x) => (isNight && y < 0.38 && x < 70 ? 1 : truthAt(y)), 0), true, boxExam)), latencyMs: 1 },
      after: { ...(await measure(answering(truthAt, aside), true, boxExam)), latencyMs: 1 },
      deployedDisagreement: 0,
    });
  t.true((await verdict(2)).accepted);
  t.regex((await verdict(9)).reasons.join("; "), /^boxes of house lost 100.00 points of AP50 on exemplars; boxes lost 100.00 .*; boxes of house lost 100.00 points of AP50 in the frames' colours/);
});

test("of what only detects, target frames are looked at for boxes: whether their twins have the same, where they are mirrored back", async (t) => {
  const wall = new RowPredictor(() => 255, true, () => scored(houses, 2));
  const { detectsOnly, target } = await measure(wall, true, { ...boxExam, detectsOnly: true });
  t.true(detectsOnly);
  t.is(Math.round(target.consistency), 100, "the row of houses is its own mirror image");
  t.deepEqual(target.shares, { house: 1 });
  const left = new RowPredictor(() => 255, true, () => scored(houses.slice(0, 4)));
  t.is((await measure(left, true, { ...boxExam, detectsOnly: true })).target.consistency, 0);
  const silent = new RowPredictor(() => 255);
  t.like((await measure(silent, true, { ...boxExam, detectsOnly: true })).target, { consistency: 0, confidence: 0, shares: {} });
  t.is(await disagreement(wall, wall, exam.targets, vocabulary, true), 0);
  t.is(await disagreement(wall, left, exam.targets, vocabulary, true), (100 * 4) / 12, "four of the eight and four that are served");
});

test("boxes whose names the masks lack are asked for apart", async (t) => {
  const apart = new RowPredictor(truthAt, true, (_, asked) => (asked.includes("hut") ? scored(houses.map((box) => ({ ...box, label: "hut" }))) : []));
  const exemplars = boxExam.exemplars.map((set) => ({
    ...set,
    boxVocabulary: { ...vocabulary, names: ["hut"] },
    frames: set.frames.map((frame) => ({ ...frame, boxes: houses.map((box) => ({ ...box, label: "hut" })) })),
  }));
  const measurement = await measure(apart, true, { ...boxExam, exemplars });
  t.deepEqual(whole(measurement.exemplars.boxes!), [100, "hut", 100]);
  t.is(measurement.exemplars.miou, 100);
});

test("says on how many pixels two sets of weights disagree", async (t) => {
  t.is(await disagreement(right, right, exam.targets, vocabulary), 0);
  t.is(await disagreement(right, new RowPredictor(() => 0), exam.targets, vocabulary).then(Math.round), 63);
  t.is(await disagreement(right, right, [], vocabulary), NaN);
});

test("restyling gives a day the night's colours and keeps its content", (t) => {
  const day = picture("day", 3, width, height).rgb;
  const night = styleOf(exam.targets, width, height);
  const styled = restyle(day, width, height, night);
  const mean = (rgb: Uint8Array) => rgb.reduce((sum, value) => sum + value, 0) / rgb.length;
  t.true(Math.abs(mean(styled) - mean(exam.targets[0])) < 12, `${mean(styled)} and ${mean(exam.targets[0])}`);
  const own = restyle(day, width, height, styleOf([day], width, height));
  t.true(own.reduce((sum, value, at) => sum + Math.abs(value - day[at]), 0) / own.length < 10, "its own style changes little");
});

test("a twin's mask, mirrored, lies on the frame's", (t) => {
  const mask = Uint8Array.from({ length: 12 }, (_, at) => at);
  t.deepEqual([...mirrored(mask, 4)], [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8]);
  t.deepEqual(mirrored(mirrored(mask, 4), 4), mask);
  const rgb = Uint8Array.from([10, 20, 30, 200, 210, 220]);
  const twin = twinOf(rgb, 2, 1);
  t.true(twin[0] > 190 && twin[5] < 60);
});

test("a machine that is busy makes no weights look slower, and slower ones are", async (t) => {
  let [calls, time] = [0, 0];
  /** What else the machine does falls on the second of two predictors, but for one of its frames. */
  const timed = (ms: number) =>
    new (class extends RowPredictor {
      override predict(rgb: Uint8Array): Promise<Prediction> {
        const call = calls++;
        time += ms + (call % 2 === 1 && call !== 9 ? 30 : 0);
        return super.predict(rgb);
      }
    })(truthAt);
  const times = (before: number, after: number) =>
    latencies(timed(before), timed(after), Array.from({ length: 8 }, () => exam.targets[0]), vocabulary, () => Promise.resolve(), () => time);
  t.deepEqual(await times(40, 40), [40, 40]);
  calls = 0;
  t.deepEqual(await times(40, 70), [40, 70]);
});
