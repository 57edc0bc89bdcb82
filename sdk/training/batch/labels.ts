import { ignoreLabel, type Sample } from "../dataset.js";
import type { Random } from "../../random.js";
import { columnPlace, rowPlace, type View } from "./view.js";

/**
 * Labels of a view, one for each cell of `stride` x `stride` pixels, into `out` (`view.height / stride * view.width / stride`).
 * With `random`, a cell takes its label at a random place within itself, so that over the epochs it is taught by all that it covers; without, at its centre.
 * Outside the frame, and without a mask, the label is `ignoreLabel`.
 */
export function viewLabels(sample: Sample, view: View, stride: number, random: Random | undefined, out: Uint8Array): void {
  const { mask, width, height } = sample;
  if (!mask) {
    out.fill(ignoreLabel);
    return;
  }
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
      out[row * columns + column] = inside ? mask[y * width + x] : ignoreLabel;
    }
}
