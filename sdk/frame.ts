import { NightshiftError } from "./errors.js";

/** One camera frame: packed RGB, 8 bits a channel, rows from top to bottom. */
export interface Frame {
  /** Name of the camera; part of the ZeroMQ topic, so letters, digits, `-` and `_` only. */
  readonly camera: string;
  /** Counts the frames that the camera delivered, from 0. Gaps mean that the camera itself lost frames. */
  readonly sequence: number;
  /** When the light fell on the sensor, or the best that is known of it: nanoseconds since the Unix epoch. */
  readonly captureTimeNs: bigint;
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** `height * width * 3` bytes. They are read until the frame is answered, shown, recorded and remembered: each frame has memory of its own. */
  readonly rgb: Uint8Array;
}

/** A picture with more pixels is refused before it is decoded; 8K video has 33 million. */
export const mostPixels = 2 ** 26;

/** Pixels that a side of a frame may have. */
const mostSide = 16_384;

/** A box in pixels of the image it belongs to, corners (x1, y1) top left and (x2, y2) bottom right, exclusive. */
export interface Box {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
  /** Category name. */
  readonly label: string;
}

/** A box that somebody labelled. */
export interface LabelledBox extends Box {
  /** Hard to see, says the label, so that neither finding it nor missing it is scored, as in PASCAL VOC. It is taught like any other. */
  readonly difficult?: boolean;
}

/** A box that a model answered with. */
export interface ScoredBox extends Box {
  /** 0 to 1. */
  readonly score: number;
}

/** Intersection over union of two boxes, 0 to 1. */
export function boxIou(a: Box, b: Box): number {
  const across = Math.min(a.x2, b.x2) - Math.max(a.x1, b.x1);
  const down = Math.min(a.y2, b.y2) - Math.max(a.y1, b.y1);
  if (across <= 0 || down <= 0) return 0;
  const area = (box: Box): number => (box.x2 - box.x1) * (box.y2 - box.y1);
  return (across * down) / (area(a) + area(b) - across * down);
}

/** Throws `E_FRAME_SIZE` unless both are whole numbers of `least` to 16384 pixels. */
export function checkSides(width: number, height: number, least: number): void {
  if ([width, height].every((side) => Number.isInteger(side) && side >= least && side <= mostSide)) return;
  throw new NightshiftError("E_FRAME_SIZE", { expected: `width and height of ${least} to ${mostSide} whole pixels`, received: `${width} x ${height}`, remedy: "Check the camera's resolution." });
}

/** Throws `E_FRAME_SIZE` or `E_FRAME_FORMAT` unless the frame's numbers agree with its data. */
export function checkFrame(frame: Frame): void {
  const { width, height, rgb } = frame;
  checkSides(width, height, 16);
  if (!(rgb instanceof Uint8Array))
    throw new NightshiftError("E_FRAME_FORMAT", {
      expected: "packed RGB in a Uint8Array",
      received: Object.prototype.toString.call(rgb),
      remedy: "Convert the frame to 8-bit RGB first.",
    });
  if (rgb.length !== width * height * 3) {
    const bytesPerPixel = rgb.length / (width * height);
    const isOtherFormat = bytesPerPixel === 1 || bytesPerPixel === 1.5 || bytesPerPixel === 2 || bytesPerPixel === 4;
    throw new NightshiftError(isOtherFormat ? "E_FRAME_FORMAT" : "E_FRAME_SIZE", {
      expected: `${width * height * 3} bytes (${width} x ${height} x 3)`,
      received: `${rgb.length} bytes${isOtherFormat ? `, ${bytesPerPixel} a pixel` : ""}`,
      remedy: "Convert the frame to packed 8-bit RGB and state its true size.",
    });
  }
}

/**
 * Now, on the clock of `captureTimeNs`: nanoseconds since the Unix epoch, as the machine's clock had it when the process started. It never goes back while the
 * process lives, nor does it follow a clock that is set meanwhile.
 */
export const nowNs = (): bigint => BigInt(Math.round(performance.timeOrigin * 1e3)) * 1000n + BigInt(Math.round(performance.now() * 1e6));
