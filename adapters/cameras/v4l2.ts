import { existsSync } from "node:fs";
import { NightshiftError } from "../../sdk/errors.js";
import type { Camera } from "../../sdk/stream/camera.js";
import { FfmpegCamera, type FfmpegOptions } from "./ffmpeg.js";
import { nameOf } from "./name.js";

export interface V4l2Options extends FfmpegOptions {
  /** The device's name by default. */
  readonly name?: string;
  /** What to ask the device for; its own default otherwise, or for 0. */
  readonly fps?: number;
  /** What to ask the device for, pixels; its own default otherwise. */
  readonly size?: { readonly width: number; readonly height: number };
}

/** A camera of Linux's video interface; frames have the times at which the driver captured them. Throws `E_CAMERA` where there is no such device. */
export function v4l2Camera(device: string, options: V4l2Options = {}): Camera {
  if (!existsSync(device))
    throw new NightshiftError("E_CAMERA", {
      expected: `a video device: ${device}`,
      received: "no such device",
      remedy: "Plug the camera in; `ls /dev/video*` lists what there is.",
    });
  const rate = options.fps ? ["-framerate", String(options.fps)] : [];
  const size = options.size === undefined ? [] : ["-video_size", `${options.size.width}x${options.size.height}`];
  const input = ["-f", "v4l2", "-fflags", "nobuffer", ...rate, ...size, "-i", device];
  return new FfmpegCamera({ name: options.name ?? nameOf(device), live: true, what: device, input, isTimed: true, fps: 0 }, options);
}
