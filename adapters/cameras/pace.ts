import { setTimeout as sleep } from "node:timers/promises";

/** Lets a recording run at the rate of a camera. */
export class Pace {
  #nextMs: number | undefined;

  /** `fps` of 0 does not wait at all. */
  constructor(private readonly fps: number) {}

  /** Resolves when the next frame is due, at once where the reader is behind; rejects when the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    if (this.fps <= 0) return;
    const now = performance.now();
    const due = Math.max(this.#nextMs ?? now, now);
    if (due > now) await sleep(due - now, undefined, { signal });
    this.#nextMs = due + 1000 / this.fps;
  }
}
