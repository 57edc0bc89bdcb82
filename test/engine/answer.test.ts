import test from "ava";
import { readAnswer } from "../../sdk/engine/answer.js";
import { float32, int64, type Tensor } from "../../sdk/graph/tensor.js";

const network = { width: 64, height: 32 };
const camera = { width: 128, height: 96 };
const uint8 = (shape: number[], fill: number): Tensor => ({ dtype: "uint8", shape, data: new Uint8Array(shape[0] * shape[1]).fill(fill) });

/** Of a model that names every pixel alike, and answers with these boxes: score, label, corners. */
const read = (boxes: readonly (readonly number[])[], category = 0, more: Record<string, Tensor> = {}) =>
  readAnswer(
    {
      mask: uint8([32, 64], category),
      mask_score: uint8([8, 16], 200),
      box_score: float32([boxes.length], boxes.map(([score]) => score)),
      box_label: int64([boxes.length], boxes.map(([, label]) => label)),
      boxes: float32([boxes.length, 4], boxes.flatMap(([, , ...corners]) => corners)),
      ...more,
    },
    network,
    camera,
    ["road", "car"],
    0.5,
  );

test("boxes are in the camera's pixels and within its frame, the surest first; without area, or below the threshold, they are none", (t) => {
  const { boxes, invalidReasons } = read([[0.6, 0, 8, 4, 16, 12], [0.9, 1, -5, 10, 80, 40], [0.8, 1, 70, 4, 90, 12], [0.4, 1, 8, 4, 16, 12], [0.75, 0, 16, 4, 8, 12]]);
  t.deepEqual(boxes.map(({ score, ...box }) => ({ ...box, score: Math.round(score * 100) })), [
    { x1: 0, y1: 30, x2: 128, y2: 96, label: "car", score: 90 },
    { x1: 16, y1: 12, x2: 32, y2: 36, label: "road", score: 60 },
  ]);
  t.deepEqual(invalidReasons, []);
});

test("what nobody can put a name to, and what is no number, makes an answer invalid; a pixel without a name does not", (t) => {
  t.deepEqual(read([], 255).invalidReasons, []);
  t.deepEqual(read([], 2).invalidReasons, ["the mask names a category outside the vocabulary"]);
  const nameless = read([[0.9, 2, 8, 4, 16, 12]]);
  t.deepEqual([nameless.boxes, nameless.invalidReasons], [[], ["a box names a category outside the vocabulary"]]);
  for (const box of [[NaN, 0, 8, 4, 16, 12], [0.1, 0, 8, 4, Infinity, 12]]) t.deepEqual(read([box]).invalidReasons, ["boxes are not finite"]);
  t.deepEqual(read([], 0, { depth: float32([8, 16], [...new Array<number>(127).fill(1), NaN]) }).invalidReasons, ["depths are not finite"]);
});

test("outputs that are missing, or of another type or size, are refused", (t) => {
  for (const mask of [uint8([16, 64], 0), float32([32, 64], new Array<number>(2048).fill(0))]) t.throws(() => read([], 0, { mask }), { code: "E_ENGINE", message: /an output mask, uint8 of 2048 elements/ });
  t.throws(() => readAnswer({}, network, camera, ["road"], 0.5), { code: "E_ENGINE", message: /received none/ });
});
