import { boxIou, type ScoredBox } from "../frame.js";
import { isImported, type Network } from "../network/architecture.js";
import { mostOverlap } from "../network/suppression.js";

/** Whether several boxes that a network answers may be one object. Imported models say of themselves what they are, and their graphs see to it. */
export const overlaps = (network: Network): boolean => !isImported(network);

/** Greedy suppression: of boxes of one name that share more than `mostOverlap` the surest stays. `boxes`: the surest first, as they are answered. */
export function suppressed(boxes: readonly ScoredBox[]): ScoredBox[] {
  const kept: ScoredBox[] = [];
  for (const box of boxes) if (!kept.some((surer) => surer.label === box.label && boxIou(surer, box) > mostOverlap)) kept.push(box);
  return kept;
}
