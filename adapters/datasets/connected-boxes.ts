import type { Box } from "../../sdk/frame.js";
import type { Dataset } from "../../sdk/training/dataset.js";
import { NightshiftError } from "../../sdk/errors.js";

/** A region smaller than this share of the frame is no object to teach: 60 pixels at 480 x 360. */
const smallestShare = 60 / (480 * 360);

interface Mask {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** `height * width` indices into `names`. */
  readonly mask: Uint8Array;
}

/**
 * One box for each 8-connected region of the `wanted` classes, tightly around it, in pixels of the mask.
 *
 * Regions too small to recognise are dropped. Regions that touch the frame's edge stay: their box is the visible part, as a labeller would draw it.
 * Objects that touch in the mask share one box, and an object behind a pole may have two; a mask cannot tell, and a wide box over
 * a row of cars teaches more than calling that row background.
 */
export function connectedBoxes({ width, height, mask }: Mask, names: readonly string[], wanted: readonly string[]): Box[] {
  const isWanted = new Uint8Array(256);
  for (const name of wanted) if (names.includes(name)) isWanted[names.indexOf(name)] = 1;
  const seen = new Uint8Array(mask.length);
  const stack = new Int32Array(mask.length);
  const boxes: Box[] = [];
  for (let start = 0; start < mask.length; start++) {
    const value = mask[start];
    if (seen[start] || !isWanted[value]) continue;
    let [x1, y1, x2, y2, area, depth] = [width, height, 0, 0, 0, 1];
    stack[0] = start;
    seen[start] = 1;
    while (depth > 0) {
      const position = stack[--depth];
      const y = Math.floor(position / width);
      const x = position - y * width;
      area++;
      x1 = Math.min(x1, x);
      x2 = Math.max(x2, x + 1);
      y1 = Math.min(y1, y);
      y2 = Math.max(y2, y + 1);
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++)
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const next = ny * width + nx;
          if (seen[next] || mask[next] !== value) continue;
          seen[next] = 1;
          stack[depth++] = next;
        }
    }
    if (area >= smallestShare * mask.length) boxes.push({ x1, y1, x2, y2, label: names[value] });
  }
  return boxes;
}

/** The dataset with boxes made from its masks, for the classes in `wanted`. Throws `E_DATASET` where a class is not among its names. */
export function withConnectedBoxes(dataset: Dataset, wanted: readonly string[]): Dataset {
  const unknown = wanted.filter((name) => !dataset.names.includes(name));
  if (unknown.length > 0)
    throw new NightshiftError("E_DATASET", {
      expected: `classes of ${dataset.name} to make boxes from (${dataset.names.join(", ")})`,
      received: unknown.join(", "),
      remedy: "Name classes that the dataset's masks hold.",
    });
  return {
    name: dataset.name,
    names: dataset.names,
    boxNames: wanted,
    length: dataset.length,
    sample: async (index) => {
      const sample = await dataset.sample(index);
      if (!sample.mask) return sample;
      return { ...sample, boxes: connectedBoxes({ ...sample, mask: sample.mask }, dataset.names, wanted) };
    },
  };
}
