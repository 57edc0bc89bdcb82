import test from "ava";
import type { Golden } from "../../sdk/bundle/golden.js";
import { checkGolden, makeGolden } from "../../sdk/engine/golden.js";
import type { Tensors } from "../../sdk/engine/onnxruntime.js";
import { tinyNetwork } from "../bundle/contents.js";
import { names, vocabulary, weightsOf } from "./models.js";

/** The golden outputs, changed. */
function changed({ outputs }: Golden, change: (outputs: { scores: Float32Array; boxes: Float32Array; mask: Uint8Array; maskScore: Uint8Array }) => void): Tensors {
  const copy = structuredClone(outputs) as Tensors;
  change({
    scores: copy.box_score?.data as Float32Array,
    boxes: copy.boxes?.data as Float32Array,
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
  refused(({ scores: all, boxes }) => ((all[worst] = 0.9), boxes.set([1, 1, 50, 30], worst * 4)), /1 boxes are none of the golden ones/);
  refused(({ boxes }) => (boxes[0] = NaN), /boxes are not finite/);
});
