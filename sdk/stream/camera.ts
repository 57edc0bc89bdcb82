import type { Frame } from "../frame.js";

/** A source of frames. One file (or folder) in `adapters/cameras` implements it for each kind. */
export interface Camera {
  readonly name: string;
  /** A live camera goes on whether or not anyone looks; a recording waits. Decides the default policy of the frame slot. */
  readonly live: boolean;
  /**
   * Delivers frames until the source ends or the signal aborts. May be iterated once.
   * Throws `E_CAMERA` when the source cannot be opened or vanishes.
   */
  frames(signal: AbortSignal): AsyncIterable<Frame>;
}
