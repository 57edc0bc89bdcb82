/** More frames than this are never on their way to and from an engine at once, so more buffers would lie idle. */
const mostIdle = 3;

/** Memory that frames cross to the engine's thread in, used again and again: a new buffer for each frame would have to be cleared first. */
export class FrameBuffers {
  readonly #idle: Uint8Array<ArrayBuffer>[] = [];

  /** A copy of these bytes that may be transferred. */
  copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const at = this.#idle.findIndex(({ length }) => length === bytes.length);
    const buffer = at < 0 ? new Uint8Array(bytes.length) : (this.#idle.splice(at, 1)[0] ?? new Uint8Array(bytes.length));
    buffer.set(bytes);
    return buffer;
  }

  /** Takes a buffer back. */
  giveBack(buffer: Uint8Array<ArrayBuffer>): void {
    this.#idle.push(buffer);
    if (this.#idle.length > mostIdle) this.#idle.shift();
  }
}
