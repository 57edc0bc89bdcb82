import type { Frame } from "../frame.js";
import { plainView } from "../training/batch/view.js";
import { resample } from "../training/batch/resample.js";

/** The whole frame at another size, `[height, width, 3]`, as the network's graph would see it. A few milliseconds for a camera's frame. */
export function shrink(frame: Frame, { width, height }: { readonly width: number; readonly height: number }): Uint8Array {
  const out = new Uint8Array(width * height * 3);
  resample(frame, plainView(width, height), true, out);
  return out;
}
