import { setTimeout as sleep } from "node:timers/promises";
import { Drive } from "../../../adapters/cameras/drive/index.js";
import { type Frame, nowNs } from "../../frame.js";
import type { Camera } from "../../stream/camera.js";

export type Pixels = Pick<Frame, "width" | "height" | "rgb">;

/** Frames of a rendered drive, a second apart. */
export function driveFrames(width: number, height: number, count: number): Pixels[] {
  const drive = new Drive({ seed: 7, width, height, fps: 1, condition: "day" });
  return Array.from({ length: count }, (_, at) => ({ width, height, rgb: drive.render(at).rgb }));
}

/** Delivers frames from memory over and over, at a rate or as fast as they are taken; a recording, which loses none, unless told otherwise. */
export class LoopedCamera implements Camera {
  readonly name: string;
  readonly live: boolean;
  readonly #delayMs: number;
  #stopped = false;

  /** `count`: how many frames in all. `fps`: 0 for as fast as they are taken. `delayMs`: when the first is due. */
  constructor(
    private readonly pixels: readonly Pixels[],
    private readonly count: number,
    private readonly fps: number,
    { name = "bench", live = false, delayMs = 0 }: { readonly name?: string; readonly live?: boolean; readonly delayMs?: number } = {},
  ) {
    this.name = name;
    this.live = live;
    this.#delayMs = delayMs;
  }

  /** Ends the camera after the frame that is on its way. */
  stop(): void {
    this.#stopped = true;
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame> {
    const startMs = performance.now();
    const startNs = nowNs();
    for (let sequence = 0; sequence < this.count && !this.#stopped && !signal.aborted; sequence++) {
      const dueMs = this.fps > 0 ? this.#delayMs + (sequence * 1000) / this.fps : 0;
      const waitMs = startMs + dueMs - performance.now();
      if (this.fps > 0 && waitMs > 0) await sleep(waitMs);
      const pixels = this.pixels[sequence % this.pixels.length];
      // A paced frame counts as captured when it was due, so that being late is seen whoever is to blame.
      if (pixels) yield { camera: this.name, sequence, captureTimeNs: this.fps > 0 ? startNs + BigInt(Math.round(dueMs * 1e6)) : nowNs(), ...pixels };
    }
  }
}
