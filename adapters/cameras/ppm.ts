import { NightshiftError } from "../../sdk/errors.js";
import { mostPixels } from "../../sdk/frame.js";

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** `height * width * 3` bytes of its own. */
  readonly rgb: Uint8Array;
}

/** "P6", width, height, 255, as ffmpeg writes it; longer than this there is none. */
const longestHeader = 32;

/**
 * Cuts a stream of binary PPM pictures, which is how ffmpeg passes frames on: raw RGB, each with its size before it. So
 * nothing has to be asked about the stream beforehand, and a rotated or changing video is read right.
 */
export class PpmReader {
  #head = Buffer.alloc(0);
  #picture: { width: number; height: number; rgb: Uint8Array } | undefined;
  #filled = 0;

  /** Takes the next bytes and answers with the pictures that they complete. Throws `E_CAMERA` on anything but PPM. */
  push(bytes: Buffer): Picture[] {
    const done: Picture[] = [];
    let rest = bytes;
    while (rest.length > 0) {
      if (!this.#picture) {
        const before = this.#head.length;
        const head = Buffer.concat([this.#head, rest.subarray(0, longestHeader - before)]);
        const header = /^P6\s(\d+)\s(\d+)\s255\s/.exec(head.toString("latin1"));
        if (!header && (head.length >= longestHeader || !"P6\n".startsWith(head.toString("latin1", 0, 3)))) throw notPpm(head);
        this.#head = head;
        if (!header) return done;
        const [width, height] = [Number(header[1]), Number(header[2])];
        if (width * height > mostPixels || width * height === 0) throw notPpm(head);
        this.#picture = { width, height, rgb: new Uint8Array(width * height * 3) };
        this.#filled = 0;
        rest = rest.subarray(header[0].length - before);
      }
      const { rgb } = this.#picture;
      const part = rest.subarray(0, rgb.length - this.#filled);
      rgb.set(part, this.#filled);
      this.#filled += part.length;
      rest = rest.subarray(part.length);
      if (this.#filled === rgb.length) {
        done.push(this.#picture);
        this.#picture = undefined;
        this.#head = Buffer.alloc(0);
      }
    }
    return done;
  }

  /** Whether the stream stopped inside a picture. */
  get isInside(): boolean {
    return this.#picture !== undefined || this.#head.length > 0;
  }
}

const notPpm = (head: Buffer): NightshiftError =>
  new NightshiftError("E_CAMERA", {
    expected: `pictures in binary PPM from ffmpeg, each of 1 to ${mostPixels} pixels`,
    received: JSON.stringify(head.toString("latin1")),
    remedy: "Check that the program is ffmpeg 4.4 or newer.",
  });
