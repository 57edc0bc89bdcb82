import { NightshiftError } from "../errors.js";
import { callNative, loadNative } from "./native.js";

/** What cameras deliver besides RGB. NV12 and YUYV in studio range, as ITU-R BT.601 states it; rows follow each other without gaps. */
export type PixelFormat = "nv12" | "yuyv" | "bgr";

/**
 * A camera's bytes as the packed RGB that a `Frame` has, on the thread that calls: 1280 x 720 takes one to two milliseconds.
 * `into`: memory to use again, `width * height * 3` bytes, not the source's own. Throws `E_NATIVE`, `E_FRAME_SIZE`.
 */
export function toRgb(format: PixelFormat, bytes: Uint8Array, width: number, height: number, into = new Uint8Array(width * height * 3)): Uint8Array {
  const { native } = loadNative();
  if (bytes.buffer === into.buffer && bytes.byteOffset < into.byteOffset + into.byteLength && into.byteOffset < bytes.byteOffset + bytes.byteLength)
    throw new NightshiftError("E_FRAME_SIZE", { expected: "memory of its own for the answer", received: "the frame's own", remedy: "Give other memory to convert into, or none." });
  const convert = { nv12: native.nv12ToRgb, yuyv: native.yuyvToRgb, bgr: native.bgrToRgb }[format];
  callNative(() => convert(bytes, width, height, into));
  return into;
}
