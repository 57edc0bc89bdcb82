import type { Picture } from "./ppm.js";
import type { PictureReader } from "./program.js";

/** Cuts a stream of raw RGB pictures of one size, rows without padding. */
export class RawReader implements PictureReader {
  #rgb: Uint8Array;
  #filled = 0;

  constructor(private readonly size: { readonly width: number; readonly height: number }) {
    this.#rgb = this.#empty();
  }

  push(bytes: Buffer): Picture[] {
    const done: Picture[] = [];
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + this.#rgb.length - this.#filled);
      this.#rgb.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < this.#rgb.length) continue;
      done.push({ ...this.size, rgb: this.#rgb });
      this.#rgb = this.#empty();
      this.#filled = 0;
    }
    return done;
  }

  get isInside(): boolean {
    return this.#filled > 0;
  }

  #empty(): Uint8Array {
    return new Uint8Array(this.size.width * this.size.height * 3);
  }
}
