import { existsSync } from "node:fs";
import { join } from "node:path";
import { DriveCamera } from "../../adapters/cameras/drive/index.js";
import { openCamera } from "../../adapters/cameras/open.js";
import { undistorted } from "../../adapters/cameras/undistort.js";
import type { NightshiftError } from "../errors.js";
import type { Camera } from "../stream/camera.js";
import { defaultSeed, defaultSource, type NightshiftOptions } from "./options.js";

/** The camera that the options describe. Throws `E_CAMERA` or `E_CONFIG`. */
export function openSource(options: NightshiftOptions, onError: (error: NightshiftError) => void): Camera {
  const { source = defaultSource, intrinsics, frames } = options;
  const opened = source === "drive" ? openDrive(options) : openNamed(source, options, onError);
  const clear = intrinsics ? undistorted(opened, intrinsics) : opened;
  return frames === undefined ? clear : first(clear, frames);
}

/** The rendered drive, paced like a camera unless a rate of 0 is asked for. */
const openDrive = ({ camera: name, fps, seed = defaultSeed }: NightshiftOptions): Camera =>
  new DriveCamera({ seed, ...(name !== undefined && { name }), ...(fps === 0 ? { paced: false } : fps !== undefined && { fps }) });

const openNamed = (source: string, { camera: name, fps, loop }: NightshiftOptions, onError: (error: NightshiftError) => void): Camera =>
  openCamera(imagesOf(source), { onError, ...(name !== undefined && { name }), ...(fps !== undefined && { fps }), ...(loop !== undefined && { loop }) });

/** A labelled dataset's folder is a source too: its images are. */
function imagesOf(source: string): string {
  const images = join(source, "images");
  return existsSync(join(source, "classes.json")) && existsSync(images) ? images : source;
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
