import { ignoreLabel, type Sample } from "../dataset.js";
import type { Random } from "../../random.js";
import { columnPlace, rowPlace, type View } from "./view.js";

/**
 * Labels of a view, one for each cell of `stride` x `stride` pixels, into `out` (`view.height / stride * view.width / stride`).
 * With `random`, a cell takes its label at a random place within itself, so that over the epochs it is taught by all that it covers; without, at its centre.
 * Outside the frame, and without a mask, the label is `ignoreLabel`.
 */
export function viewLabels(sample: Sample, view: View, stride: number, random: Random | undefined, out: Uint8Array): void {
  const { mask } = sample;
  if (!mask) out.fill(ignoreLabel);
  else cells(sample, view, stride, random, (cell, pixel) => (out[cell] = pixel < 0 ? ignoreLabel : mask[pixel]));
}

/** 1 for each pixel of a view that its label calls sky, 0 elsewhere. `names` are those of the mask. */
export function viewSky(sample: Sample, names: readonly string[], view: View): Uint8Array {
  const labels = new Uint8Array(view.width * view.height);
  viewLabels(sample, view, 1, undefined, labels);
  const sky = names.indexOf("sky");
  return labels.map((label) => (label === sky ? 1 : 0));
}

/**
 * Likewise metres, 0 outside the frame, in the sky and without depth. An enlarged view is what a camera of longer focal length sees: told as the network's own
 * camera would have to stand, everything is nearer by as much.
 */
export function viewDepth(sample: Sample, view: View, stride: number, random: Random | undefined, out: Float32Array): void {
  const { depth } = sample;
  if (!depth) out.fill(0);
  else cells(sample, view, stride, random, (cell, pixel) => (out[cell] = pixel >= 0 && Number.isFinite(depth[pixel]) ? depth[pixel] / view.scale : 0));
}

/** Tells for each cell of a view the frame's pixel in it, -1 outside the frame. */
function cells({ width, height }: Sample, view: View, stride: number, random: Random | undefined, tell: (cell: number, pixel: number) => void): void {
  const [columns, rows] = [view.width / stride, view.height / stride];
  // Places are linear in the column and row, so two of each give all of them.
  const left = columnPlace(view, 0, 0) * width;
  const across = columnPlace(view, stride, 0) * width - left;
  const top = rowPlace(view, 0, 0) * height;
  const down = rowPlace(view, stride, 0) * height - top;
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const x = Math.floor(left + (column + (random ? random.uniform() : 0.5)) * across);
      const y = Math.floor(top + (row + (random ? random.uniform() : 0.5)) * down);
      const inside = x >= 0 && x < width && y >= 0 && y < height;
      tell(row * columns + column, inside ? y * width + x : -1);
    }
}
