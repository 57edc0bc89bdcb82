import { statSync } from "node:fs";
import { NightshiftError, reasonOf } from "../../sdk/errors.js";
import type { Camera } from "../../sdk/stream/camera.js";
import { csiCamera } from "./csi.js";
import { DriveCamera } from "./drive/index.js";
import { FolderCamera } from "./folder.js";
import { isAddress, isRtsp, rtspCamera, withoutSecrets } from "./rtsp.js";
import { v4l2Camera } from "./v4l2.js";
import { videoCamera } from "./video.js";

/** Options for any camera; each takes those that mean something to it. */
export interface CameraOptions {
  /** Letters, digits, `-` and `_`; made from the source by default. */
  readonly name?: string;
  /** Frames a second; 0 for as fast as they are taken. What the camera does by itself by default, 15 for a folder and for the drive. */
  readonly fps?: number;
  /** How often to go through a folder or a video. */
  readonly loop?: number;
  /** What a device, or the drive, is asked for, pixels. */
  readonly size?: { readonly width: number; readonly height: number };
  /** Which drive: a whole number, 1 by default. */
  readonly seed?: number;
  /** Gets what is wrong with single frames, after which the camera goes on. Without it the camera throws. */
  readonly onError?: (error: NightshiftError) => void;
  /** The program that reads CSI cameras, where it is not `gst-launch-1.0` on the PATH. */
  readonly gstLaunch?: string;
  /** The program that reads videos and cameras, where it is not `ffmpeg` on the PATH. */
  readonly ffmpeg?: string;
}

/**
 * The camera that a source names: `drive` for the rendered one, an `rtsp://` address, a device `/dev/video*`, a Jetson's camera `csi:0`, a folder of images, or a video file.
 * Throws `E_CAMERA` where there is no such source, `E_CONFIG` where it cannot be one.
 */
export function openCamera(source: string, options: CameraOptions = {}): Camera {
  checkPace(options);
  if (source === "drive") return drive(options);
  if (isRtsp(source)) return rtspCamera(source, options);
  const sensor = sensorOf(source);
  if (sensor !== undefined) return csiCamera(sensor, options);
  if (isAddress(source))
    throw new NightshiftError("E_CONFIG", {
      expected: sources,
      received: withoutSecrets(source),
      remedy: "Save the video as a file, or use the camera's RTSP address.",
    });
  if (isDevice(source)) return v4l2Camera(source, options);
  return isFolder(source) ? new FolderCamera(source, options) : videoCamera(source, options);
}

/** Whether a source names a live camera, which may be lost and come back. */
export const isLive = (source: string): boolean => isRtsp(source) || isDevice(source) || sensorOf(source) !== undefined;

const isDevice = (source: string): boolean => source.startsWith("/dev/");

function sensorOf(source: string): number | undefined {
  const [, sensor] = /^csi:(\d)$/.exec(source) ?? [];
  return sensor === undefined ? undefined : Number(sensor);
}

/** A video would take a count of 0 for one without end. */
function checkPace({ fps = 0, loop = 1 }: CameraOptions): void {
  const invalid = (expected: string, received: number): NightshiftError => new NightshiftError("E_CONFIG", { expected, received: String(received), remedy: "Correct the camera's options." });
  if (!(Number.isFinite(fps) && fps >= 0)) throw invalid("frames a second, 0 for as fast as they are taken", fps);
  if (loop !== Infinity && !(Number.isInteger(loop) && loop >= 1)) throw invalid("a whole number of rounds from 1 on, or Infinity", loop);
}

function isFolder(path: string): boolean {
  const none = (received: string, cause?: unknown): NightshiftError => new NightshiftError("E_CAMERA", { expected: sources, received, remedy: "Check the path.", cause });
  let found;
  try {
    found = statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw none(reasonOf(cause), cause);
  }
  if (!found) throw none(`${path}, which does not exist`);
  return found.isDirectory();
}

const drive = ({ name, fps, size, seed = 1 }: CameraOptions): Camera =>
  new DriveCamera({ seed, name, ...size, ...(fps === 0 ? { paced: false } : { fps }) });

const sources = "drive, a folder of images, a video file, a device such as /dev/video0, a camera csi:0, or an address such as rtsp://host/stream";
