import test from "ava";
import type { Vocabulary } from "../../sdk/bundle/index.js";
import type { Engine } from "../../sdk/engine/engine.js";
import type { Perception } from "../../sdk/engine/perception.js";
import type { Frame } from "../../sdk/frame.js";
import { float32 } from "../../sdk/graph/tensor.js";
import { askedBeside, type Dataset, inFinerWords, inOtherWords, inTaughtWords, type Sample, withoutNames } from "../../sdk/training/dataset.js";
import { evaluate, evaluationOf, scoreFrames, seenAndUnseen } from "../../sdk/training/evaluate.js";

const width = 32;
const height = 16;

/** The left half is one thing, the right another; a box around the right; the first column is not scored. */
const sample = (index: number): Sample => ({
  id: String(index),
  width,
  height,
  rgb: new Uint8Array(width * height * 3),
  mask: Uint8Array.from({ length: width * height }, (_, at) => (at % width === 0 ? 255 : at % width < 16 ? 0 : 1)),
  boxes: [{ x1: 16, y1: 0, x2: 32, y2: 16, label: "cart" }],
});

const dataset = (boxNames: readonly string[]): Dataset => ({ name: "halves", names: ["road", "cart"], boxNames, length: 5, sample: (index) => Promise.resolve(sample(index)) });

/** Answers a mask of half the size, with the first `wrong` columns called a cart, and notes what it was asked for. */
function answering(wrong: number): Engine & { readonly asked: (readonly string[])[] } {
  let vocabulary: readonly string[] = [];
  const asked: (readonly string[])[] = [];
  const loaded = () => ({ generation: 0, network: { width: 16, height: 8 }, vocabulary });
  return {
    asked,
    get loaded() {
      return loaded();
    },
    load: () => Promise.resolve(loaded()),
    setVocabulary: (words) => {
      vocabulary = "names" in words ? words.names : words;
      asked.push(vocabulary);
      return Promise.resolve(loaded());
    },
    infer: ({ camera, sequence, captureTimeNs, width: cameraWidth, height: cameraHeight }: Frame): Promise<Perception> =>
      Promise.resolve({
        camera,
        sequence,
        captureTimeNs,
        generation: 0,
        vocabulary,
        width: 16,
        height: 8,
        mask: Uint8Array.from({ length: 128 }, (_, at) => (at % 16 >= 8 || at % 16 < wrong ? 1 : 0)),
        maskScore: new Uint8Array(8),
        boxes: [{ x1: 16, y1: 0, x2: 32, y2: 16, label: "cart", score: 0.4 }],
        cameraWidth,
        cameraHeight,
        valid: true,
        invalidReasons: [],
        timings: { queueMs: 0, inferenceMs: 1, totalMs: 1 },
      }),
    unload: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

const vocabularyOf = (names: readonly string[]): Promise<Vocabulary> => Promise.resolve({ names, text: float32([names.length + 2, 384], new Float32Array((names.length + 2) * 384)) });

test("right answers score 100, at the size of the labels and without what is not labelled", async (t) => {
  const engine = answering(0);
  const { seconds, ...scores } = await evaluate(engine, vocabularyOf, dataset(["cart"]));
  t.deepEqual(scores, { miou: 100, perClass: { road: 100, cart: 100 }, ap50: 100, perClassAp50: { cart: 100 }, frames: 5 });
  t.true(seconds >= 0);
  t.deepEqual(engine.asked, [["road", "cart"]]);
});

test("a frame of which no pixel is named is missed, a model that never names one is not scored on masks", async (t) => {
  const silent = (isSilent: (sequence: number) => boolean) => {
    const engine = answering(0);
    return {
      ...engine,
      infer: async (frame: Frame) => {
        const answer = await engine.infer(frame);
        return isSilent(frame.sequence) ? { ...answer, mask: answer.mask.map(() => 255) } : answer;
      },
    };
  };
  const once = await evaluate(silent((sequence) => sequence === 0), vocabularyOf, dataset([]), { intervals: true });
  t.deepEqual(once.perClass, { road: 80, cart: 80 });
  t.true((once.intervals?.miou?.[0] ?? 100) < 80);
  const always = await evaluate(silent(() => true), vocabularyOf, dataset(["cart"]), { intervals: true });
  t.deepEqual([always.miou, always.perClass, always.intervals?.miou, always.ap50], [null, {}, null, 100]);
});

test("masks of which no pixel has a class that is listed are refused: they would score nothing", async (t) => {
  const other: Dataset = { ...dataset([]), sample: (index) => Promise.resolve({ ...sample(index), mask: new Uint8Array(width * height).fill(255) }) };
  await t.throwsAsync(evaluate(answering(0), vocabularyOf, other), { code: "E_DATASET", message: /5 masks without any/ });
});

test("wrong pixels cost what they should", async (t) => {
  // Two of eight columns of the answer are four of sixteen of the labels, of which the first is not scored: 3 of 15.
  const { perClass } = await evaluate(answering(2), vocabularyOf, dataset(["cart"]));
  t.is(perClass["road"], (100 * 12) / 15);
  t.is(perClass["cart"], (100 * 16) / 19);
});

test("boxes by other names than the masks are asked for apart", async (t) => {
  const engine = answering(0);
  const told: string[] = [];
  const { ap50 } = await evaluate(engine, vocabularyOf, { ...dataset(["wagon"]), sample: (index) => Promise.resolve({ ...sample(index), boxes: [] }) }, { frames: 2, onProgress: (done, total) => told.push(`${done}/${total}`) });
  t.is(ap50, null);
  t.deepEqual(engine.asked, [["road", "cart"], ["wagon"]]);
  t.deepEqual(told, ["1/4", "2/4", "3/4", "4/4"]);
});

test("a dataset without labels is refused, and an unreadable sample is told", async (t) => {
  await t.throwsAsync(evaluate(answering(0), vocabularyOf, { ...dataset([]), names: [] }), { code: "E_DATASET_UNLABELLED" });
  const broken: Dataset = { ...dataset(["cart"]), sample: (index) => (index === 2 ? Promise.reject(new Error("torn")) : Promise.resolve(sample(index))) };
  await t.throwsAsync(evaluate(answering(0), vocabularyOf, broken), { message: "torn" });
});

test("a dataset in other words is asked and scored by them, masks and boxes", async (t) => {
  const engine = answering(0);
  const renamed = inOtherWords(dataset(["cart"]), new Map([["cart", "wagon"]]));
  const { perClass, ap50 } = await evaluate(engine, vocabularyOf, renamed);
  t.deepEqual(engine.asked, [["road", "wagon"]]);
  t.deepEqual(perClass, { road: 100, wagon: 100 });
  t.is(ap50, 0, "this engine calls its box a cart, whatever it is asked for");
  t.deepEqual((await renamed.sample(0)).boxes?.map(({ label }) => label), ["wagon"]);
  t.throws(() => inOtherWords(dataset([]), new Map([["boat", "ship"]])), { code: "E_VOCABULARY", message: /road, cart; received "boat"/ });
});

test("names that are held out are neither labelled nor boxes, and the others keep their pixels", async (t) => {
  const without = withoutNames(dataset(["cart"]), ["road", "giraffe"]);
  t.deepEqual([without.names, without.boxNames], [["cart"], ["cart"]]);
  const { mask, boxes } = await without.sample(0);
  t.deepEqual(new Set(mask), new Set([255, 0]));
  t.is(mask?.filter((label) => label === 0).length, sample(0).mask?.filter((label) => label === 1).length);
  t.is(boxes?.length, 1);
  t.is((await withoutNames(dataset(["cart"]), ["cart"]).sample(0)).boxes?.length, 0);
});

test("names asked for beside the dataset's are asked with them, and pixels called so are mistakes", async (t) => {
  const engine = answering(0);
  const allRoad: Dataset = { ...dataset([]), names: ["road"], sample: (index) => Promise.resolve({ ...sample(index), mask: sample(index).mask?.map((label) => (label === 255 ? 255 : 0)) }) };
  const { perClass } = await evaluate(engine, vocabularyOf, askedBeside(allRoad, ["cart"]));
  t.deepEqual(engine.asked, [["road", "cart"]]);
  t.deepEqual(perClass, { road: (100 * 15) / 31 });
  t.throws(() => askedBeside(dataset([]), ["bus", "road"]), { code: "E_VOCABULARY", message: /road, cart; received "road"/ });
  t.throws(() => askedBeside({ ...dataset([]), names: [] }, ["bus"]), { code: "E_VOCABULARY" });
});

test("a dataset in finer words tells its labels by each class's first word, and which others a pixel may bear", async (t) => {
  const finer = inFinerWords(dataset(["cart"]), { cart: ["car", "bus"], road: ["road"] });
  t.deepEqual([finer.names, finer.boxNames], [["road", "car", "bus"], ["car"]]);
  t.deepEqual([...(finer.alsoNames ?? [])], [["car", ["bus"]]]);
  const { mask, boxes } = await finer.sample(0);
  t.deepEqual(mask, sample(0).mask);
  t.deepEqual(boxes?.map(({ label }) => label), ["car"]);
  t.throws(() => inFinerWords(dataset(["cart"]), { boat: ["ship"] }), { code: "E_CONFIG", message: /road, cart.*received "boat"/ });
  t.throws(() => inFinerWords(dataset(["cart"]), { cart: ["road", "bus"] }), { code: "E_CONFIG", message: /received "cart": \["road","bus"\]/ });
});

test("names that no label bears stand behind those in finer words, which are told first", async (t) => {
  const taught = inTaughtWords(dataset(["cart"]), { finer: { cart: ["car", "van"] }, also: ["bus"] });
  t.deepEqual(taught.names, ["road", "car", "van", "bus"]);
  t.deepEqual([...(taught.alsoNames ?? [])], [["car", ["van"]]]);
  t.deepEqual((await taught.sample(0)).mask, (await dataset(["cart"]).sample(0)).mask);
  t.throws(() => inTaughtWords(dataset(["cart"]), { finer: { cart: ["car", "van"] }, also: ["van"] }), { code: "E_VOCABULARY" });
});

test("a gain is told of what both score, frame beside frame", async (t) => {
  const scored = (wrong: number, boxNames: readonly string[] = ["cart"]) => scoreFrames(answering(wrong), vocabularyOf, dataset(boxNames));
  const [before, after] = [await scored(4), await scored(0)];
  const { gain, perClass } = evaluationOf(after, { before });
  const points = 100 - evaluationOf(before, {}).perClass["road"];
  t.deepEqual(perClass, { road: 100, cart: 100 });
  // Every frame gains the same, so that nothing is left to chance.
  t.deepEqual(gain?.perClass["road"], { points, interval: [points, points] });
  t.deepEqual(gain?.perClassAp50, { cart: { points: 0, interval: [0, 0] } });
  t.is(gain?.miou?.points, 100 - evaluationOf(before, {}).miou!);
  t.deepEqual(evaluationOf(await scored(0, []), { before }).gain?.ap50, null, "without boxes there is no gain in them");
  t.is(evaluationOf(after, {}).gain, undefined);
});

test("what makes a frame hard for both is not in the spread of a gain", async (t) => {
  // Of five frames, two are wrong for both; one more is wrong before.
  const missing = (missed: readonly number[]) => {
    const engine = answering(0);
    const infer = async (frame: Frame): Promise<Perception> => ({ ...(await engine.infer(frame)), ...(missed.includes(frame.sequence) && { boxes: [] }) });
    return scoreFrames({ ...engine, infer }, vocabularyOf, dataset(["cart"]));
  };
  const [before, after] = [await missing([0, 1, 2]), await missing([0, 1])];
  const { intervals, gain } = evaluationOf(after, { intervals: true, before });
  t.deepEqual([Math.round(gain?.ap50?.points ?? NaN), gain?.ap50?.interval?.[0]], [20, 0]);
  const width = ([low, high]: readonly number[]): number => high - low;
  t.true(width(gain?.ap50?.interval ?? []) < width(intervals?.ap50 ?? []));
});

test("intervals are told where they are asked for; means of learnt and held-out names apart", async (t) => {
  t.is((await evaluate(answering(0), vocabularyOf, dataset(["cart"]))).intervals, undefined);
  const evaluation = await evaluate(answering(4), vocabularyOf, dataset(["cart"]), { intervals: true });
  // All frames are alike.
  t.deepEqual(evaluation.intervals?.miou, [evaluation.miou, evaluation.miou]);
  t.deepEqual(evaluation.intervals?.ap50, [evaluation.ap50, evaluation.ap50]);
  const { seen, unseen } = seenAndUnseen(evaluation, ["cart"]);
  t.deepEqual([seen.miou, unseen.miou, seen.ap50, unseen.ap50], [evaluation.perClass["road"], evaluation.perClass["cart"], null, evaluation.ap50]);
});
