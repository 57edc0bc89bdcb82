/** Whether frames are answered, for whoever watches over the program. */
export class Readiness {
  #answeredAtMs: number | undefined;

  /** `patienceMs`: without an answer for so long, it is no longer ready. */
  constructor(
    private readonly patienceMs = 5000,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** A frame was answered. */
  answered(): void {
    this.#answeredAtMs = this.nowMs();
  }

  /** Why it is not ready, in words; undefined while it is. */
  get obstacle(): string | undefined {
    if (this.#answeredAtMs === undefined) return "no frame was answered yet";
    const silentMs = this.nowMs() - this.#answeredAtMs;
    return silentMs > this.patienceMs ? `no frame was answered for ${(silentMs / 1000).toFixed(1)} s` : undefined;
  }
}
