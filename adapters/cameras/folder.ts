import { readdir } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { NightshiftError, reasonOf } from "../../sdk/errors.js";
import { type Frame, mostPixels, nowNs } from "../../sdk/frame.js";
import type { Camera } from "../../sdk/stream/camera.js";
import { checkName, nameOf } from "./name.js";
import { Pace } from "./pace.js";

export interface FolderOptions {
  /** The folder's name by default. */
  readonly name?: string;
  /** Frames a second; 0 for as fast as they are taken. */
  readonly fps?: number;
  /** How often to go through the folder. */
  readonly loop?: number;
  /**
   * Gets an `E_IMAGE` for each file that cannot be read, after which the camera goes on, leaving a gap in the sequence.
   * Without it the camera throws.
   */
  readonly onError?: (error: NightshiftError) => void;
}

/** The image files of a folder, in the order of their names, as `imagesAmong` says. */
export class FolderCamera implements Camera {
  readonly live = false;
  readonly name: string;

  constructor(
    readonly folder: string,
    private readonly options: FolderOptions = {},
  ) {
    this.name = checkName(options.name ?? nameOf(folder));
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame, void, undefined> {
    const files = await imagesOf(this.folder);
    const pace = new Pace(this.options.fps ?? 15);
    let sequence = 0;
    for (let round = 0; round < (this.options.loop ?? 1); round++) {
      let delivered = 0;
      for (const file of files) {
        const image = await this.#read(join(this.folder, file));
        try {
          await pace.wait(signal);
        } catch (error) {
          if (!signal.aborted) throw error;
        }
        if (signal.aborted) return;
        const number = sequence++;
        if (!image) continue;
        delivered++;
        yield { camera: this.name, sequence: number, captureTimeNs: nowNs(), ...image };
      }
      if (delivered === 0) throw noImages(this.folder, `${files.length} files, none of them readable`, undefined);
    }
  }

  async #read(path: string): Promise<Image | undefined> {
    try {
      return await readImage(path);
    } catch (error) {
      if (!(error instanceof NightshiftError) || !this.options.onError) throw error;
      this.options.onError(error);
      return undefined;
    }
  }
}

type Image = Pick<Frame, "width" | "height" | "rgb">;

async function imagesOf(folder: string): Promise<string[]> {
  let entries;
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    throw noImages(folder, reasonOf(cause), cause);
  }
  const files = imagesAmong(entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name));
  if (files.length === 0) throw noImages(folder, entries.length === 0 ? "an empty folder" : `other entries alone, such as ${entries[0].name}`, undefined);
  return files;
}

/**
 * Those of some names that are of image files, in their order: numbers in them by their size, `frame9` before `frame10`, all else by UTF-16 code units, the same on every machine.
 * Hidden files are none: what macOS leaves beside an image on other disks is called as the image is, `._frame9.jpg`.
 */
export function imagesAmong(names: readonly string[]): string[] {
  return names.filter((name) => !name.startsWith(".") && /\.(jpe?g|png|webp|tiff?)$/i.test(name)).sort(byNumbers);
}

function byNumbers(a: string, b: string): number {
  const [ours, theirs] = [a, b].map((name) => name.split(/(\d+)/));
  for (let at = 0; at < Math.min(ours.length, theirs.length); at++) {
    // Texts and numbers take turns.
    const difference = at % 2 === 1 ? Number(ours[at]) - Number(theirs[at]) : compare(ours[at], theirs[at]);
    if (difference !== 0) return difference;
  }
  return compare(a, b);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Packed RGB, turned upright as the file's orientation says. Throws `E_IMAGE`. */
async function readImage(path: string): Promise<Image> {
  try {
    const image = sharp(path, { limitInputPixels: mostPixels }).autoOrient().flatten().toColourspace("srgb").raw({ depth: "uchar" });
    const { data, info } = await image.toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, rgb: data };
  } catch (cause) {
    throw new NightshiftError("E_IMAGE", {
      expected: `an image that can be decoded: ${path}`,
      received: reasonOf(cause),
      remedy: "Replace or remove the file.",
      cause,
    });
  }
}

const noImages = (folder: string, received: string, cause: unknown): NightshiftError =>
  new NightshiftError("E_CAMERA", { expected: `JPEG, PNG, WebP or TIFF images in the folder ${folder}`, received, remedy: "Name the folder that they lie in themselves: folders inside of it are not looked into.", cause });
