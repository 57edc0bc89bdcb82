/** Waits longer after each failure in a row. */
export class Backoff {
  #failures = 0;
  #untilMs = 0;

  constructor(
    /** After the first failure, milliseconds; doubled by each further one. */
    readonly firstMs: number,
    readonly mostMs: number,
    /** Milliseconds on a clock that does not go back. */
    readonly now: () => number,
  ) {}

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures;
  }

  get isWaiting(): boolean {
    return this.now() < this.#untilMs;
  }

  failed(): void {
    this.#untilMs = this.now() + Math.min(this.mostMs, this.firstMs * 2 ** this.#failures++);
  }

  succeeded(): void {
    this.#failures = 0;
    this.#untilMs = 0;
  }
}
