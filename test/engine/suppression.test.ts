import test from "ava";
import { suppressed } from "../../sdk/engine/suppression.js";

const box = (label: string, score: number, x1: number, x2: number) => ({ label, score, x1, x2, y1: 0, y2: 10 });

test("of boxes of one name that overlap much the surest stays; other names and lesser overlaps stay too", (t) => {
  const car = box("car", 0.9, 0, 100);
  const same = box("car", 0.8, 10, 100);
  const truck = box("truck", 0.7, 0, 100);
  const beside = box("car", 0.6, 50, 150);
  t.deepEqual(suppressed([car, same, truck, beside]), [car, truck, beside]);
});

test("a box that was pushed out pushes out none", (t) => {
  // The second shares 0.7 with the first, the third 0.7 with the second, but only 0.48 with the first.
  const chain = [box("car", 0.9, 0, 100), box("car", 0.8, 17.6, 117.6), box("car", 0.7, 35.2, 135.2)];
  t.deepEqual(suppressed(chain), [chain[0], chain[2]]);
});
