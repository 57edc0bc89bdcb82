import { existsSync } from "node:fs";
import { join } from "node:path";
import { DriveCamera } from "../../adapters/cameras/drive/index.js";
import { checkName } from "../../adapters/cameras/name.js";
import { openCamera } from "../../adapters/cameras/open.js";
import { undistorted } from "../../adapters/cameras/undistort.js";
import { NightshiftError } from "../errors.js";
import type { Camera } from "../stream/camera.js";
import { defaultSeed, defaultSource, type NightshiftOptions } from "./options.js";

/** The camera that the options describe. Throws `E_CAMERA` or `E_CONFIG`. */
export function openSource(options: NightshiftOptions, onError: (error: NightshiftError) => void): Camera {
  const { source = defaultSource, intrinsics, frames } = options;
  const opened = typeof source === "object" ? own(source, options) : source === "drive" ? openDrive(options) : openNamed(source, options, onError);
  const clear = intrinsics ? undistorted(opened, intrinsics) : opened;
  return frames === undefined ? clear : first(clear, frames);
}

/** A camera of the caller's own. */
function own(source: Camera, { camera, fps, loop }: NightshiftOptions): Camera {
  const strange = Object.entries({ camera, fps, loop }).find(([, value]) => value !== undefined);
  if (strange)
    throw new NightshiftError("E_CONFIG", {
      expected: "a camera of your own, which has its own name and pace",
      received: `${strange[0]} ${String(strange[1])} beside it`,
      remedy: "Leave that option out, and let the camera do it.",
    });
  checkName(source.name);
  return source;
}

/** The rendered drive, paced like a camera unless a rate of 0 is asked for. */
const openDrive = ({ camera: name, fps, seed = defaultSeed }: NightshiftOptions): Camera =>
  new DriveCamera({ seed, ...(name !== undefined && { name }), ...(fps === 0 ? { paced: false } : fps !== undefined && { fps }) });

const openNamed = (source: string, { camera: name, fps, loop }: NightshiftOptions, onError: (error: NightshiftError) => void): Camera =>
  openCamera(imagesOf(source), { onError, ...(name !== undefined && { name }), ...(fps !== undefined && { fps }), ...(loop !== undefined && { loop }) });

/** A dataset's folder is a source too, labelled or not: its images are. */
function imagesOf(source: string): string {
  const images = join(source, "images");
  return existsSync(images) ? images : source;
}

/** The camera's first frames only. */
function first(camera: Camera, count: number): Camera {
  return {
    name: camera.name,
    live: camera.live,
    async *frames(signal) {
      let delivered = 0;
      if (count > 0)
        for await (const frame of camera.frames(signal)) {
          yield frame;
          if (++delivered >= count) return;
        }
    },
  };
}
