import { boxIou, type ScoredBox } from "../frame.js";
import { mostOverlap } from "../network/suppression.js";

/** Greedy suppression: of boxes of one name that share more than `mostOverlap` the surest stays. `boxes`: the surest first, as they are answered. */
export function suppressed(boxes: readonly ScoredBox[]): ScoredBox[] {
  const kept: ScoredBox[] = [];
  for (const box of boxes) if (!kept.some((surer) => surer.label === box.label && boxIou(surer, box) > mostOverlap)) kept.push(box);
  return kept;
}
