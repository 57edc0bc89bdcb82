import { NightshiftError } from "../errors.js";
import { checkSides } from "../frame.js";
import { callNative, loadNative } from "./native.js";

/** What cameras deliver besides RGB. NV12 and YUYV in studio range, as ITU-R BT.601 states it; rows follow each other without gaps. */
export type PixelFormat = "nv12" | "yuyv" | "bgr";

/**
 * A camera's bytes as the packed RGB that a `Frame` has, on the thread that calls: 1280 x 720 takes one to two milliseconds.
 * `into`: memory to use again, `width * height * 3` bytes, not the source's own. Throws `E_NATIVE`, `E_FRAME_FORMAT`, `E_FRAME_SIZE`.
 */
export function toRgb(format: PixelFormat, bytes: Uint8Array, width: number, height: number, into?: Uint8Array): Uint8Array {
  const { native } = loadNative();
  const convert = new Map([["nv12", native.nv12ToRgb], ["yuyv", native.yuyvToRgb], ["bgr", native.bgrToRgb]]).get(format);
  if (!convert)
    throw new NightshiftError("E_FRAME_FORMAT", { expected: "nv12, yuyv or bgr", received: JSON.stringify(format), remedy: "Convert the frame to one of these before." });
  checkSides(width, height, 1);
  const rgb = into ?? new Uint8Array(width * height * 3);
  if (bytes.buffer === rgb.buffer && bytes.byteOffset < rgb.byteOffset + rgb.byteLength && rgb.byteOffset < bytes.byteOffset + bytes.byteLength)
    throw new NightshiftError("E_FRAME_SIZE", { expected: "memory of its own for the answer", received: "the frame's own", remedy: "Give other memory to convert into, or none." });
  callNative(() => convert(bytes, width, height, rgb));
  return rgb;
}
