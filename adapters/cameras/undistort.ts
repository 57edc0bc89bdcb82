import type { Mat } from "@techstark/opencv-js";
import { NightshiftError } from "../../sdk/errors.js";
import { checkFrame, type Frame } from "../../sdk/frame.js";
import type { Camera } from "../../sdk/stream/camera.js";
import { loadOpenCv, type OpenCv } from "./opencv.js";

/** A pinhole camera with Brown-Conrady distortion, as `cv.calibrateCamera` measures it. */
export interface Intrinsics {
  /** Size of the frames that were calibrated with, pixels. Frames of another size are scaled to, if the aspect is the same. */
  readonly width: number;
  readonly height: number;
  /** Focal lengths, pixels. */
  readonly fx: number;
  readonly fy: number;
  /** Principal point, pixels. */
  readonly cx: number;
  readonly cy: number;
  /** k1, k2, p1, p2 and, where measured, k3 or k3 to k6. */
  readonly distortion: readonly number[];
}

/**
 * The camera with its lens's distortion taken out: straight edges become straight, and every frame keeps its size. OpenCV does it, loaded with the first
 * frame (about a second). It works on the thread that iterates: 1280 x 720 takes some tens of milliseconds.
 * Throws `E_CONFIG` for intrinsics that cannot be, `E_FRAME_SIZE` where a frame's aspect is another than the calibrated one.
 */
export function undistorted(camera: Camera, intrinsics: Intrinsics): Camera {
  checkIntrinsics(intrinsics);
  return {
    name: camera.name,
    live: camera.live,
    async *frames(signal) {
      const lens = new Lens((await loadOpenCv()).cv, intrinsics);
      try {
        // What is no frame is left to whoever refuses it: OpenCV would fill up what is missing with pictures before it.
        for await (const frame of camera.frames(signal)) yield isSound(frame) ? lens.undistort(frame) : frame;
      } finally {
        lens.close();
      }
    },
  };
}

interface Maps {
  readonly width: number;
  readonly height: number;
  readonly x: Mat;
  readonly y: Mat;
}

/** Where each pixel of the corrected frame lies in the distorted one: made once, as it costs more than using it. */
class Lens {
  #maps: Maps | undefined;

  constructor(
    private readonly cv: OpenCv,
    private readonly intrinsics: Intrinsics,
  ) {}

  undistort(frame: Frame): Frame {
    // OpenCV's own types leave its constants untyped.
    const { cv } = this;
    const { width, height } = frame;
    const { x, y } = this.#mapsFor(width, height);
    const source = new cv.Mat(height, width, Number(cv.CV_8UC3));
    const target = new cv.Mat();
    try {
      source.data.set(frame.rgb);
      cv.remap(source, target, x, y, Number(cv.INTER_LINEAR), Number(cv.BORDER_CONSTANT), new cv.Scalar(0, 0, 0, 0));
      // A copy: OpenCV's memory is freed below, and moves when it grows.
      return { ...frame, rgb: new Uint8Array(target.data) };
    } finally {
      source.delete();
      target.delete();
    }
  }

  close(): void {
    this.#maps?.x.delete();
    this.#maps?.y.delete();
    this.#maps = undefined;
  }

  #mapsFor(width: number, height: number): Maps {
    if (this.#maps?.width === width && this.#maps.height === height) return this.#maps;
    this.close();
    const { cv, intrinsics } = this;
    const scale = width / intrinsics.width;
    if (Math.abs(height - intrinsics.height * scale) > 1)
      throw new NightshiftError("E_FRAME_SIZE", {
        expected: `frames with the aspect of the calibration, ${intrinsics.width} x ${intrinsics.height}`,
        received: `${width} x ${height}`,
        remedy: "Calibrate the camera in the mode that it is used in.",
      });
    // Pixel centres lie at whole numbers in OpenCV, so the principal point scales about the corner of the first pixel.
    const centre = (at: number): number => (at + 0.5) * scale - 0.5;
    const matrix = cv.matFromArray(3, 3, Number(cv.CV_64F), [intrinsics.fx * scale, 0, centre(intrinsics.cx), 0, intrinsics.fy * scale, centre(intrinsics.cy), 0, 0, 1]);
    const distortion = cv.matFromArray(1, intrinsics.distortion.length, Number(cv.CV_64F), [...intrinsics.distortion]);
    const rotation = cv.Mat.eye(3, 3, Number(cv.CV_64F));
    const maps = { width, height, x: new cv.Mat(), y: new cv.Mat() };
    cv.initUndistortRectifyMap(matrix, distortion, rotation, matrix, new cv.Size(width, height), Number(cv.CV_32FC1), maps.x, maps.y);
    for (const used of [matrix, distortion, rotation]) used.delete();
    this.#maps = maps;
    return maps;
  }
}

function isSound(frame: Frame): boolean {
  try {
    checkFrame(frame);
    return true;
  } catch {
    return false;
  }
}

function checkIntrinsics({ width, height, fx, fy, cx, cy, distortion }: Intrinsics): void {
  const areFinite = [width, height, fx, fy, cx, cy, ...distortion].every(Number.isFinite);
  if (areFinite && width > 0 && height > 0 && fx > 0 && fy > 0 && [4, 5, 8].includes(distortion.length)) return;
  throw new NightshiftError("E_CONFIG", {
    expected: "intrinsics of finite numbers: sizes and focal lengths above 0, and 4, 5 or 8 distortion coefficients",
    received: JSON.stringify({ width, height, fx, fy, cx, cy, distortion }),
    remedy: "Calibrate the camera with OpenCV and copy its camera matrix and distortion coefficients.",
  });
}
