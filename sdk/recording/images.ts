import sharp from "sharp";
import { NightshiftError, reasonOf } from "../errors.js";
import { type Frame, mostPixels } from "../frame.js";
import { noName } from "../network/contract.js";

export type ImageFormat = "jpeg" | "png";
export type Pixels = Pick<Frame, "width" | "height" | "rgb">;

/** A frame as a file: `png` loses nothing and takes some five times the bytes. Works on libuv's threads, not on the caller's. */
export async function encodeImage({ width, height, rgb }: Pixels, format: ImageFormat): Promise<Uint8Array> {
  const image = sharp(Buffer.from(rgb.buffer, rgb.byteOffset, rgb.byteLength), { raw: { width, height, channels: 3 } });
  return format === "png" ? image.png({ compressionLevel: 1 }).toBuffer() : image.jpeg({ quality: 95 }).toBuffer();
}

/** Throws `E_IMAGE` where it cannot be decoded. */
export async function decodeImage(file: Uint8Array): Promise<Pixels> {
  try {
    const { data, info } = await sharp(file, { limitInputPixels: mostPixels }).flatten().toColourspace("srgb").raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, rgb: data };
  } catch (cause) {
    throw new NightshiftError("E_IMAGE", { expected: "an image that can be decoded", received: reasonOf(cause), remedy: "Record again.", cause });
  }
}

/** A mask in colours, a colour a category; black where it names none. */
export function paintMask(mask: Uint8Array, width: number, height: number): Pixels {
  const colours = Uint8Array.from(Array.from({ length: 256 }, (_, category) => (category === noName ? [0, 0, 0] : colourOf(category).map((part) => Math.round(part * 255)))).flat());
  const rgb = new Uint8Array(mask.length * 3);
  // The stream waits: a call for each pixel takes eight times as long.
  for (let at = 0, to = 0; at < mask.length; at++) {
    const from = mask[at] * 3;
    rgb[to++] = colours[from];
    rgb[to++] = colours[from + 1];
    rgb[to++] = colours[from + 2];
  }
  return { width, height, rgb };
}

/** Depths, metres, in grey: white at 1 m and nearer, black at 100 m and beyond, evenly by their logarithm. */
export function paintDepth(depth: Float32Array, width: number, height: number): Pixels {
  const rgb = new Uint8Array(depth.length * 3);
  for (let at = 0, to = 0; at < depth.length; at++) {
    const grey = 255 * Math.min(1, Math.max(0, 1 - Math.log10(depth[at]) / 2));
    rgb[to++] = grey;
    rgb[to++] = grey;
    rgb[to++] = grey;
  }
  return { width, height, rgb };
}

/** Red, green and blue of a category, 0 to 1 each: neighbours far apart, as their hues lie a golden angle from each other. */
export function colourOf(category: number): readonly [number, number, number] {
  const hue = (category * 137.508) % 360;
  const light = [0.6, 0.45, 0.75][category % 3];
  const channel = (shift: number): number => {
    const k = (shift + hue / 30) % 12;
    return light - 0.65 * Math.min(light, 1 - light) * Math.max(-1, Math.min(k - 3, 9 - k, 1));
  };
  return [channel(0), channel(8), channel(4)];
}
