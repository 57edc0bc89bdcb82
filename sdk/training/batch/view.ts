import type { Box } from "../../frame.js";
import type { Random } from "../../random.js";

/**
 * Which part of a frame the network sees. The whole frame is stretched to the network's input, enlarged by `scale`,
 * and a window of the input's size is cut out of it.
 */
export interface View {
  /** The network's input, pixels. */
  readonly width: number;
  /** The network's input, pixels. */
  readonly height: number;
  readonly scale: number;
  /** The window's left edge in the enlarged frame, pixels; negative where the frame is smaller than the window. */
  readonly left: number;
  /** The window's top edge in the enlarged frame, pixels. */
  readonly top: number;
  /** Mirrors left and right after cutting. */
  readonly flip: boolean;
}

/** The whole frame. */
export function plainView(width: number, height: number): View {
  return { width, height, scale: 1, left: 0, top: 0, flip: false };
}

/** Scale from 0.75 to 1.75, even in its logarithm; any window; mirrored every other time. */
export function randomView(width: number, height: number, random: Random): View {
  const scale = random.logUniform(0.75, 1.75);
  const left = random.uniform() * width * (scale - 1);
  const top = random.uniform() * height * (scale - 1);
  return { width, height, scale, left, top, flip: random.chance(0.5) };
}

/** For each output column, the place in the frame (0 at its left edge, 1 at its right) that lies `within` (0 to 1) of the column. */
export function columnPlace(view: View, column: number, within = 0.5): number {
  const x = column + within;
  return ((view.flip ? view.width - x : x) + view.left) / (view.width * view.scale);
}

/** Likewise for rows. */
export function rowPlace(view: View, row: number, within = 0.5): number {
  return (row + within + view.top) / (view.height * view.scale);
}

/** How far a flat road is at a place between the frame's upper edge, 0, and its lower, 1, in units of its distance at the lower edge; infinite at the horizon and above. */
export function roadDistance(place: number, horizon: number): number {
  return place <= horizon ? Infinity : (1 - horizon) / (place - horizon);
}

/**
 * Where a box of a frame of `width` x `height` pixels lies in the view, in pixels of the network's input, cut at its edges.
 * Undefined where less than 30 % of its area stays, or less than two pixels either way: too little left to name.
 */
export function boxInView(view: View, box: Box, width: number, height: number): Box | undefined {
  const across = (view.width * view.scale) / width;
  const down = (view.height * view.scale) / height;
  const [left, right] = [box.x1 * across - view.left, box.x2 * across - view.left];
  const whole = {
    x1: view.flip ? view.width - right : left,
    y1: box.y1 * down - view.top,
    x2: view.flip ? view.width - left : right,
    y2: box.y2 * down - view.top,
  };
  const cut = {
    x1: Math.max(0, whole.x1),
    y1: Math.max(0, whole.y1),
    x2: Math.min(view.width, whole.x2),
    y2: Math.min(view.height, whole.y2),
  };
  if (cut.x2 - cut.x1 < 2 || cut.y2 - cut.y1 < 2) return undefined;
  const share = ((cut.x2 - cut.x1) * (cut.y2 - cut.y1)) / ((whole.x2 - whole.x1) * (whole.y2 - whole.y1));
  return share < 0.3 ? undefined : { ...cut, label: box.label };
}
