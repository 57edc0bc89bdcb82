/** So many a second, and some more at once after a pause (a token bucket). */
export class Allowance {
  #left: number;
  #countedMs: number;

  constructor(
    private readonly perSecond: number,
    private readonly atOnce: number,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.#left = atOnce;
    this.#countedMs = nowMs();
  }

  /** Whether one more may be had now, and takes it. */
  take(): boolean {
    const now = this.nowMs();
    this.#left = Math.min(this.atOnce, this.#left + ((now - this.#countedMs) / 1000) * this.perSecond);
    this.#countedMs = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
