/** What makes one frame differ from another, small enough to compare with every remembered frame. */
export interface Scene {
  /** `[9, 16, 3]`: mean colours (see `FrameStatistics`). */
  readonly thumbnail: Uint8Array;
  /** Share of the predicted mask by category name; shares sum to 1. Names with no pixel may be left out. */
  readonly shares: ReadonlyMap<string, number>;
}

/**
 * 0 for equal scenes, 1 for scenes with nothing in common: half from the colours, half from what is seen.
 * Colours are compared relative to how bright the scenes are, or no night frame would differ from another; shares by Hellinger's distance, in which a
 * category of few pixels counts for more than its area.
 */
export function sceneDistance(a: Scene, b: Scene): number {
  let [difference, brightness] = [0, 0];
  for (let at = 0; at < a.thumbnail.length; at++) {
    difference += Math.abs(a.thumbnail[at] - b.thumbnail[at]);
    brightness += Math.max(a.thumbnail[at], b.thumbnail[at]);
  }
  return (difference / Math.max(1, brightness) + hellinger(a.shares, b.shares)) / 2;
}

/** 0 for equal shares, 1 for shares without a common name. */
export function hellinger(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  let common = 0;
  for (const [name, share] of a) common += Math.sqrt(share * (b.get(name) ?? 0));
  return Math.sqrt(Math.max(0, 1 - common));
}

/**
 * Shares of a mask's categories; what is not named has the empty name.
 * Looks at every `stride`th pixel; 7 shares no factor with the usual widths, so it meets every column.
 */
export function maskShares(mask: Uint8Array, vocabulary: readonly string[], stride = 7): Map<string, number> {
  const counts = new Uint32Array(256);
  let total = 0;
  for (let at = 0; at < mask.length; at += stride) {
    counts[mask[at]]++;
    total++;
  }
  const shares = new Map<string, number>();
  let unnamed = total;
  vocabulary.forEach((name, index) => {
    if (counts[index] > 0) shares.set(name, counts[index] / total);
    unnamed -= counts[index];
  });
  if (unnamed > 0) shares.set("", unnamed / total);
  return shares;
}
