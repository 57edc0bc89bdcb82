import test from "ava";
import type { Golden } from "../../sdk/bundle/golden.js";
import { checkGolden, makeGolden } from "../../sdk/engine/golden.js";
import type { Tensors } from "../../sdk/engine/onnxruntime.js";
import { float32 } from "../../sdk/graph/tensor.js";
import { tinyNetwork } from "../bundle/contents.js";
import { names, vocabulary, weightsOf } from "./models.js";

/** The golden outputs, changed. */
function changed({ outputs }: Golden, change: (outputs: { scores: Float32Array; boxes: Float32Array; labels: BigInt64Array; mask: Uint8Array; maskScore: Uint8Array }) => void): Tensors {
  const copy = structuredClone(outputs) as Tensors;
  change({
    scores: copy.box_score?.data as Float32Array,
    boxes: copy.boxes?.data as Float32Array,
    labels: copy.box_label?.data as BigInt64Array,
    mask: copy.mask?.data as Uint8Array,
    maskScore: copy.mask_score?.data as Uint8Array,
  });
  return copy;
}

test("outputs that another machine's arithmetic may lead to pass, and what leads further is told", async (t) => {
  const golden = await makeGolden(tinyNetwork, weightsOf(1), vocabulary());
  const check = (change: Parameters<typeof changed>[1]): void => checkGolden(golden, changed(golden, change), tinyNetwork, names, "generation 1");
  const scores = golden.outputs.box_score?.data as Float32Array;
  const best = scores.indexOf(Math.max(...scores));
  const worst = scores.indexOf(Math.min(...scores));
  t.true((scores[best] ?? 0) > 0.3 && (scores[worst] ?? 1) < 0.25);
  t.notThrows(() => check(() => undefined));
  t.notThrows(() => check(({ scores: all, boxes }) => (all.forEach((score, at) => (all[at] = score + 0.04)), boxes.forEach((corner, at) => (boxes[at] = corner * 1.001)))));
  const refused = (change: Parameters<typeof changed>[1], message: RegExp): void => void t.throws(() => check(change), { code: "E_GOLDEN", message });
  refused(({ mask }) => mask.fill(0, 0, 32).fill(1, 32, 64), /of the mask agrees/);
  refused(({ maskScore }) => maskScore.forEach((score, at) => (maskScore[at] = score < 128 ? score + 9 : score - 9)), /confidences differ by 9\.0 of 255/);
  refused(({ scores: all }) => (all[best] = 0), /1 of \d+ boxes are missing/);
  for (const otherwise of [
    ({ scores: all }) => (all[best] -= all[best] > 0.6 ? 0.2 : -0.2),
    ({ labels }) => (labels[best] = (labels[best] + 1n) % 3n),
    ({ boxes }) => boxes.set([1, 1, 50, 30], best * 4),
  ] satisfies Parameters<typeof changed>[1][])
    refused(otherwise, /1 of \d+ boxes are missing; 1 boxes are none of the golden ones/);
  refused(({ scores: all, boxes }) => ((all[worst] = 0.9), boxes.set([1, 1, 50, 30], worst * 4)), /1 boxes are none of the golden ones/);
  refused(({ boxes }) => (boxes[0] = NaN), /boxes are not finite/);
});

test("depths that differ by more than a little are told, where the golden outputs have them", async (t) => {
  const golden = await makeGolden(tinyNetwork, weightsOf(1), vocabulary());
  const { width, height } = tinyNetwork;
  const depths = (factor: number): Tensors => ({ ...golden.outputs, depth: float32([height / 4, width / 4], Array.from({ length: (width * height) / 16 }, (_, at) => factor * (1 + at))) });
  const check = (factor: number): void => checkGolden({ ...golden, outputs: depths(1) }, depths(factor), tinyNetwork, names, "generation 1");
  t.notThrows(() => check(1.01));
  t.throws(() => check(1.05), { code: "E_GOLDEN", message: /depths differ by 5\.0 %/ });
});
