import sharp, { type Sharp } from "sharp";
import { NightshiftError, reasonOf } from "../../sdk/errors.js";
import { mostPixels } from "../../sdk/frame.js";

/** Pixels of an image file, channels interleaved, rows from top to bottom. */
export interface Pixels {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** `height * width * 3` bytes for an image, `height * width` for a mask. */
  readonly data: Uint8Array;
}

/** Decodes an image file to packed RGB, as the camera that reads folders does: upright, as the file's orientation says, and black where it is transparent. Throws `E_IMAGE`, naming the file. */
export async function readImage(path: string): Promise<Pixels> {
  return decode(path, (image) => image.autoOrient().flatten().toColourspace("srgb"), 3);
}

/** Decodes a label file: one byte a pixel, the class id. Throws `E_IMAGE`, naming the file. */
export async function readMask(path: string): Promise<Pixels> {
  return decode(path, (image) => image.toColourspace("b-w"), 1);
}

async function decode(path: string, convert: (image: Sharp) => Sharp, channels: number): Promise<Pixels> {
  // What turns colours, a palette, a curve of grey or fewer bits into grey of 8 bits invents class ids: a mask is looked at before, and taken as it is.
  const isMask = channels === 1;
  try {
    const image = sharp(path, { failOn: "error", limitInputPixels: mostPixels, ignoreIcc: isMask });
    if (isMask) {
      const { space, bitsPerSample } = await image.metadata();
      if (space !== "b-w" || bitsPerSample !== 8) throw new Error(`a mask has one channel of 8 bits, this one is ${space} of ${bitsPerSample ?? "unknown"}`);
    }
    const { data, info } = await convert(image).raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    if (info.channels !== channels) throw new Error(`${info.channels} channels where ${channels} were expected`);
    return { width: info.width, height: info.height, data: new Uint8Array(data.buffer, data.byteOffset, data.length) };
  } catch (cause) {
    throw new NightshiftError("E_IMAGE", {
      expected: `a readable image in ${path}`,
      received: reasonOf(cause),
      remedy: isMask ? "Save the class ids as a PNG of one grey channel of 8 bits; colours, and those of a palette, are none." : "Replace or remove the file.",
      cause,
    });
  }
}
