import { constants, deflateSync, inflateSync } from "node:zlib";
import { create } from "@bufbuild/protobuf";
import { NightshiftError } from "../errors.js";
import { mostPixels } from "../frame.js";
import { Encoding, type Plane, PlaneSchema } from "./messages/nightshift_pb.js";

/**
 * Packs `height * width` bytes without loss. Runs are nearly all there is to find in a mask, so zlib looks for nothing else: at
 * 512 x 256 that takes two thirds of the time of its usual search and gives smaller messages. A raw plane shares the bytes.
 */
export function packPlane(bytes: Uint8Array, width: number, height: number, encoding: Encoding.ZLIB | Encoding.RAW = Encoding.ZLIB): Plane {
  if (bytes.length !== width * height)
    throw new NightshiftError("E_FRAME_SIZE", {
      expected: `${width * height} bytes (${width} x ${height})`,
      received: `${bytes.length} bytes`,
      remedy: "State the size of the plane as it is.",
    });
  const data = encoding === Encoding.RAW ? bytes : deflateSync(bytes, { level: 1, strategy: constants.Z_RLE, chunkSize: 65536 });
  return create(PlaneSchema, { width, height, encoding, data });
}

/** The `height * width` bytes of a plane. Throws `E_FRAME_FORMAT` where they cannot be had. */
export function unpackPlane(plane: Plane): Uint8Array {
  const size = plane.width * plane.height;
  const bytes = plane.encoding === Encoding.RAW ? plane.data : plane.encoding === Encoding.ZLIB ? inflate(plane.data, size) : undefined;
  if (bytes?.length === size) return bytes;
  throw new NightshiftError("E_FRAME_FORMAT", {
    expected: `${size} bytes (${plane.width} x ${plane.height}), raw or as a zlib stream`,
    received: bytes ? `${bytes.length} bytes` : `encoding ${plane.encoding} of ${plane.data.length} bytes that do not unpack to that`,
    remedy: "Check that the message is whole and of this schema.",
  });
}

/** Undefined where the stream is damaged, holds more than `size` bytes, or more than any mask. */
function inflate(data: Uint8Array, size: number): Uint8Array | undefined {
  if (size > mostPixels) return undefined;
  try {
    return inflateSync(data, { maxOutputLength: Math.max(1, size) });
  } catch {
    return undefined;
  }
}
