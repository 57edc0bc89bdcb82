import type { Box } from "../../frame.js";
import { ignoreLabel, type Sample } from "../dataset.js";

/** What covers less than this share of a donor's labelled pixels is rare: poles, signs, people, riders, rather than road or sky. */
const rareShare = 0.02;

/** A box stays while at least this much of it is not covered. */
const visibleShare = 0.7;

/**
 * A copy of `sample` with what is rare in `donor` laid over it at its own place, so that rare names are met more often and before other backgrounds
 * (copy-paste of whole label regions, as in ClassMix). Boxes follow: covered ones go, pasted ones come.
 * `sample` itself where either has no mask, their sizes differ, or nothing in the donor is rare.
 *
 * @param names of the masks; boxes are told to be pasted by the same words
 */
export function pasteRare(sample: Sample, donor: Sample, names: readonly string[]): Sample {
  if (!sample.mask || !donor.mask || donor.width !== sample.width || donor.height !== sample.height) return sample;
  const counts = new Uint32Array(256);
  for (const label of donor.mask) counts[label]++;
  const labelled = donor.mask.length - counts[ignoreLabel];
  const rare = Uint8Array.from(counts, (count, label) => (label !== ignoreLabel && count > 0 && count < rareShare * labelled ? 1 : 0));
  if (!rare.includes(1)) return sample;

  const rgb = Uint8Array.from(sample.rgb);
  const mask = Uint8Array.from(sample.mask);
  const depth = sample.depth && donor.depth && Float32Array.from(sample.depth);
  donor.mask.forEach((label, at) => {
    if (rare[label] === 0) return;
    mask[at] = label;
    if (depth && donor.depth) depth[at] = donor.depth[at];
    rgb.set(donor.rgb.subarray(3 * at, 3 * at + 3), 3 * at);
  });
  const covered = ({ x1, y1, x2, y2 }: Box): boolean => {
    const [left, top, right, bottom] = [x1, y1, x2, y2].map(Math.round);
    let pasted = 0;
    for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) pasted += rare[donor.mask?.[y * donor.width + x] ?? ignoreLabel];
    return pasted > (1 - visibleShare) * (right - left) * (bottom - top);
  };
  const boxes = sample.boxes && [
    ...sample.boxes.filter((box) => !covered(box)),
    ...(donor.boxes ?? []).filter(({ label }) => rare[names.indexOf(label)] === 1),
  ];
  const { depth: _, ...others } = sample;
  return { ...others, rgb, mask, boxes, ...(depth && { depth }) };
}
