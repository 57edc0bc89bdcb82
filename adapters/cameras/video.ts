import { existsSync } from "node:fs";
import { NightshiftError } from "../../sdk/errors.js";
import type { Camera } from "../../sdk/stream/camera.js";
import { FfmpegCamera, type FfmpegOptions } from "./ffmpeg.js";
import { nameOf } from "./name.js";

export interface VideoOptions extends FfmpegOptions {
  /** The file's name by default. */
  readonly name?: string;
  /** Frames a second; 0 for as fast as they are taken; the file's own rate by default. Every frame is delivered whatever the rate. */
  readonly fps?: number;
  /** How often to play the file. */
  readonly loop?: number;
}

/** A video file. Throws `E_CAMERA` where there is none. */
export function videoCamera(file: string, options: VideoOptions = {}): Camera {
  if (!existsSync(file))
    throw new NightshiftError("E_CAMERA", { expected: `a video file: ${file}`, received: "no such file", remedy: "Check the path." });
  const rounds = options.loop ?? 1;
  const repeats = Number.isFinite(rounds) ? String(rounds - 1) : "-1";
  const input = ["-stream_loop", repeats, ...(options.fps === undefined ? ["-re"] : []), "-i", `file:${file}`];
  return new FfmpegCamera({ name: options.name ?? nameOf(file), live: false, what: file, input, fps: options.fps ?? 0 }, options);
}
