import { setTimeout as sleep } from "node:timers/promises";
import { NightshiftError } from "../../errors.js";

/** Keeps work to a share of time by resting after each piece of it, and between pieces for as long as it is held. */
export class Budget {
  #workedSince = performance.now();
  #held: Promise<void> | undefined;
  #goOn: () => void = () => undefined;

  /** `duty`: above 0, at most 1. Throws `E_CONFIG`. */
  constructor(readonly duty: number) {
    if (!(duty > 0 && duty <= 1))
      throw new NightshiftError("E_CONFIG", { expected: "a share of time above 0 and at most 1", received: String(duty), remedy: "Pause the adaptation to stop training altogether." });
  }

  /** No piece begins from now on. */
  hold(): void {
    this.#held ??= new Promise((resolve) => (this.#goOn = resolve));
  }

  goOn(): void {
    this.#held = undefined;
    this.#goOn();
  }

  /** Does a piece of work, then rests for as long as the share asks. */
  async work<T>(piece: () => Promise<T>): Promise<T> {
    await this.#unheld();
    const result = await piece();
    await this.rest();
    return result;
  }

  /** Rests for the time worked since the last rest. */
  async rest(): Promise<void> {
    const workedMs = performance.now() - this.#workedSince;
    // Also without a limit: messages of the parent are read between pieces.
    await sleep(workedMs * (1 / this.duty - 1));
    await this.#unheld();
  }

  async #unheld(): Promise<void> {
    while (this.#held) await this.#held;
    this.#workedSince = performance.now();
  }
}
