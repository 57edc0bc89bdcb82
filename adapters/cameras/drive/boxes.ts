import type { Box } from "../../../sdk/frame.js";
import type { DriveBoxName } from "./classes.js";
import type { Surface } from "./surface.js";

/** An object with fewer visible pixels gets no box. */
export const fewestPixels = 40;
/** An object of which less is visible gets no box. What lies outside the picture does not count as hidden. */
export const leastVisible = 0.25;

/** The boxes of what is visible of each object; `labels[object]` names it. Objects count from 1. */
export function visibleBoxes(surface: Surface, labels: readonly (DriveBoxName | undefined)[]): Box[] {
  const { width, height, object, coverage } = surface;
  const count = labels.length;
  const x1 = new Int32Array(count).fill(width), y1 = new Int32Array(count).fill(height), x2 = new Int32Array(count).fill(-1), y2 = new Int32Array(count).fill(-1);
  const seen = new Uint32Array(count);
  for (let y = 0, p = 0; y < height; y++)
    for (let x = 0; x < width; x++, p++) {
      const o = object[p];
      if (o === 0) continue;
      seen[o]++;
      if (x < x1[o]) x1[o] = x;
      if (x > x2[o]) x2[o] = x;
      if (y < y1[o]) y1[o] = y;
      if (y > y2[o]) y2[o] = y;
    }
  const boxes: Box[] = [];
  labels.forEach((label, o) => {
    if (label === undefined || seen[o] < fewestPixels || seen[o] < leastVisible * coverage[o]) return;
    boxes.push({ x1: x1[o], y1: y1[o], x2: x2[o] + 1, y2: y2[o] + 1, label });
  });
  return boxes;
}
