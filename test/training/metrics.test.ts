import test from "ava";
import { NightshiftError } from "../../sdk/errors.js";
import { type Box, boxIou, type ScoredBox } from "../../sdk/frame.js";
import { Random } from "../../sdk/random.js";
import { averagePrecision50, bootstrapInterval, BoxMatches, ConfusionMatrix, DepthErrors, resizeMaskNearest } from "../../sdk/training/metrics/index.js";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

test("mIoU is a mean of percentages over the classes that are labelled", (t) => {
  const matrix = new ConfusionMatrix(["road", "car", "sky", "bus"]);
  matrix.add(bytes(0, 0, 1, 1, 2, 0), bytes(0, 0, 0, 1, 255, 1));
  // road: 2 of 4, car: 1 of 3; sky was only ignored, bus never seen
  const { miou, perClass, pixelAccuracy } = matrix.score();
  t.deepEqual(perClass, { road: 50, car: 100 / 3 });
  t.is(miou, (50 + 100 / 3) / 2);
  t.is(pixelAccuracy, 60);
});

test("sums are taken over frames before dividing", (t) => {
  const matrix = new ConfusionMatrix(["road"]);
  matrix.add(bytes(0, 0, 0), bytes(0, 0, 0));
  matrix.add(bytes(255), bytes(0));
  t.is(matrix.miou(), 75);
});

test("counts of several may be put together", (t) => {
  const [matrix, other] = [new ConfusionMatrix(["road", "car"]), new ConfusionMatrix(["road", "car"])];
  matrix.add(bytes(0, 0, 1), bytes(0, 1, 1));
  other.add(bytes(0, 255), bytes(0, 0));
  matrix.include(other);
  t.deepEqual(matrix.perClass(), { road: 50, car: 50 });
});

test("a class that is answered but never labelled costs the classes it displaced, not a class of its own", (t) => {
  const matrix = new ConfusionMatrix(["road", "bus"]);
  matrix.add(bytes(0, 0, 0, 1), bytes(0, 0, 0, 0));
  t.deepEqual(matrix.perClass(), { road: 75 });
});

test("nothing labelled is undefined, not zero", (t) => {
  t.is(new ConfusionMatrix(["road"]).miou(), undefined);
  t.is(averagePrecision50([[]], [[]]).ap50, undefined);
});

test("sizes and indices that do not fit are refused", (t) => {
  const matrix = new ConfusionMatrix(["road"]);
  t.is(t.throws(() => matrix.add(bytes(0), bytes(0, 0)), { instanceOf: NightshiftError })?.code, "E_FRAME_SIZE");
  t.is(t.throws(() => matrix.add(bytes(0), bytes(1)), { instanceOf: NightshiftError })?.code, "E_VOCABULARY");
  t.is(t.throws(() => matrix.add(bytes(1), bytes(0)), { instanceOf: NightshiftError })?.code, "E_VOCABULARY");
  t.notThrows(() => matrix.add(bytes(9), bytes(255)));
});

const car = (x1: number, x2: number): { x1: number; y1: number; x2: number; y2: number; label: string } => ({ x1, y1: 0, x2, y2: 10, label: "car" });

test("average precision by hand: hit, duplicate, miss, hit", (t) => {
  const truths = [[car(0, 10), car(50, 60)], [car(0, 10)]];
  const detections = [
    [
      { ...car(0, 9), score: 0.9 },
      { ...car(1, 10), score: 0.8 }, // the same car again
      { ...car(50, 60), score: 0.6 },
    ],
    [{ ...car(30, 40), score: 0.7 }],
  ];
  // precision 1, 1/2, 1/3, 2/4 at recall 1/3, 1/3, 1/3, 2/3: interpolated area (1 + 1/2) / 3
  t.is(averagePrecision50(detections, truths).ap50, 50);
});

test("an overlap of exactly a half counts, less does not, and another image's box never does", (t) => {
  t.is(boxIou(car(0, 10), car(0, 5)), 0.5);
  t.is(averagePrecision50([[{ ...car(0, 5), score: 1 }]], [[car(0, 10)]]).ap50, 100);
  t.is(averagePrecision50([[{ ...car(0, 4.9), score: 1 }]], [[car(0, 10)]]).ap50, 0);
  t.is(averagePrecision50([[], [{ ...car(0, 10), score: 1 }]], [[car(0, 10)], []]).ap50, 0);
});

test("classes are scored apart, and a class without labels is left out", (t) => {
  const truths = [[car(0, 10), { ...car(20, 30), label: "bus" }]];
  const detections = [
    [
      { ...car(0, 10), score: 0.9 },
      { ...car(20, 30), score: 0.9 },
      { ...car(70, 80), label: "person", score: 0.9 },
    ],
  ];
  const { ap50, perClass } = averagePrecision50(detections, truths);
  t.deepEqual(perClass, { car: 100, bus: 0 });
  t.is(ap50, 50);
});

test("difficult boxes count neither where they are found nor where they are missed", (t) => {
  const hard = { ...car(40, 50), difficult: true };
  const sure = (box: Box): ScoredBox => ({ ...box, score: 0.9 });
  const of = (...found: Box[]) => averagePrecision50([found.map(sure)], [[car(0, 10), hard]]).ap50;
  t.deepEqual([of(car(0, 10)), of(car(0, 10), car(40, 50)), of(car(40, 50), car(41, 51), car(0, 10))], [100, 100, 100]);
  t.is(of(car(40, 50), car(70, 80), car(0, 10)), 50, "what lies on nothing is a mistake still");
  t.deepEqual(averagePrecision50([[sure(car(40, 50))]], [[hard]]), { ap50: undefined, perClass: {} });
});

test("a mask is laid over another size by nearest neighbour", (t) => {
  t.deepEqual([...resizeMaskNearest(bytes(1, 2, 3, 4), 2, 2, 4, 2)], [1, 1, 2, 2, 3, 3, 4, 4]);
  t.deepEqual([...resizeMaskNearest(bytes(1, 2, 3, 4, 5, 6), 6, 1, 3, 1)], [2, 4, 6]);
  t.deepEqual([...resizeMaskNearest(bytes(1, 2, 3), 3, 1, 2, 2)], [1, 3, 1, 3]);
});

test("errors of depth by hand: near, far, sky, and another size", (t) => {
  const errors = new DepthErrors();
  t.is(errors.score(), undefined);
  // Each depth that is told stands for two pixels; the sky and what is beyond 80 m do not count.
  errors.add(Float32Array.of(10, 20), 2, 1, Float32Array.of(10, 8, Infinity, 90), 4, 1);
  t.deepEqual(errors.score(), { absRel: 12.5, within125: 50 });
  errors.add(Float32Array.of(16), 1, 1, Float32Array.of(20), 1, 1);
  t.like(errors.score(), { absRel: (100 * (0.25 + 0.2)) / 3, within125: 100 / 3 });
  t.throws(() => errors.add(new Float32Array(2), 2, 2, new Float32Array(4), 2, 2), { code: "E_FRAME_SIZE" });
});

test("a bootstrap's interval holds the score, narrows with more frames, and is the same each time", (t) => {
  const share = (right: readonly number[]) => (drawn: readonly number[]): number => drawn.reduce((sum, at) => sum + right[at], 0) / drawn.length;
  const frames = (count: number): number[] => Array.from({ length: count }, (_, at) => (at % 4 === 0 ? 0 : 100));
  const width = (count: number): number => {
    const interval = bootstrapInterval(count, share(frames(count)))!;
    t.true(interval[0] <= 75 && 75 <= interval[1]);
    return interval[1] - interval[0];
  };
  // Of a share p of n frames the standard deviation is sqrt(p (1 - p) / n), four of which are 95 %: 27 points of 40 frames, 8.7 of 400.
  t.true(Math.abs(width(40) - 27) < 5, `${width(40)}`);
  t.true(Math.abs(width(400) - 8.7) < 2, `${width(400)}`);
  t.is(width(40), width(40));
  t.is(bootstrapInterval(4, () => undefined), null);
});

test("images that are drawn again score as if they were others with the same boxes", (t) => {
  const random = new Random(3, "drawn");
  const labels = ["car", "person", "sign"];
  const box = (): Box => ({ label: labels[random.below(3)], x1: 10 * random.below(4), y1: 0, x2: 10 * random.below(4) + 40, y2: 20 });
  const many = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
  const truths = many(12, () => many(random.below(4), box));
  // Scores of which many are equal, within an image and between images.
  const detections = many(12, () => many(random.below(9), () => ({ ...box(), score: random.below(5) / 5 })));
  const matches = new BoxMatches(detections, truths);
  for (let draw = 0; draw < 50; draw++) {
    const drawn = many(12, () => random.below(12));
    t.deepEqual(matches.score(drawn), byImage(drawn.map((image) => detections[image]), drawn.map((image) => truths[image])));
  }
});

/** The same from the definition: answers of all images by falling score, each against the labels of its image. */
function byImage(detections: readonly (readonly ScoredBox[])[], truths: readonly (readonly Box[])[]) {
  const perClass: Record<string, number> = {};
  for (const label of new Set(truths.flat().map((box) => box.label))) {
    const claimed = new Set<string>();
    const answers = detections.flatMap((boxes, image) => boxes.map((box) => ({ box, image }))).filter(({ box }) => box.label === label);
    const found = answers.sort((a, b) => b.box.score - a.box.score).map(({ box, image }) => {
      const overlaps = truths[image].map((truth) => (truth.label === label ? boxIou(box, truth) : 0));
      const nearest = overlaps.indexOf(Math.max(...overlaps));
      const isHit = nearest >= 0 && overlaps[nearest] >= 0.5 && !claimed.has(`${image} ${nearest}`);
      if (isHit) claimed.add(`${image} ${nearest}`);
      return isHit;
    });
    const wanted = truths.flat().filter((box) => box.label === label).length;
    const precisions = found.map((_, at) => found.slice(0, at + 1).filter(Boolean).length / (at + 1));
    perClass[label] = 100 * found.reduce((area, isHit, at) => area + (isHit ? Math.max(...precisions.slice(at)) / wanted : 0), 0);
  }
  const values = Object.values(perClass);
  return { ap50: values.reduce((sum, value) => sum + value, 0) / values.length, perClass };
}
