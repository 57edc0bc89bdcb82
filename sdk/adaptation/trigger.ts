import type { ConditionName } from "../stream/events.js";
import { Backoff } from "./backoff.js";
import type { LoopOptions } from "./options.js";

/** The reason for what somebody asked for. Events tell it, and a replay asks again where a recording does. */
export const askedFor = "it was asked for";

/** Decides when an adaptation begins: by the weather, again while it lasts, when asked; not soon after a failure or a rejection. */
export class TriggerPolicy {
  readonly #failures: Backoff;
  readonly #rejections: Backoff;
  #isAsked = false;
  /** Verdicts since the present weather came. */
  #rounds = 0;

  constructor(private options: LoopOptions) {
    const { failureBackoffMs, rejectionBackoffMs, mostBackoffMs, now } = options;
    this.#failures = new Backoff(failureBackoffMs, mostBackoffMs, now);
    this.#rejections = new Backoff(rejectionBackoffMs, mostBackoffMs, now);
  }

  /** Why an adaptation should begin, in words; undefined where none should. Asking overrides everything but an unknown condition. */
  reason(condition: ConditionName, heldFrames: number, idleFrames: number): string | undefined {
    if (condition === "unknown") return undefined;
    if (this.#isAsked) return askedFor;
    if (this.#failures.isWaiting || this.#rejections.isWaiting) return undefined;
    const { conditions, triggerFrames, furtherRounds, furtherAfterFrames } = this.options;
    if (!conditions.includes(condition) || heldFrames < triggerFrames) return undefined;
    if (this.#rounds === 0) return `the weather is ${condition}`;
    return this.#rounds <= furtherRounds && idleFrames >= furtherAfterFrames ? `it is still ${condition}` : undefined;
  }

  /** Waiting times after failures and rejections stay as they were. */
  reconfigure(options: LoopOptions): void {
    this.options = options;
  }

  ask(): void {
    this.#isAsked = true;
  }

  /** What was asked for is done, or void. */
  forget(): void {
    this.#isAsked = false;
  }

  weatherChanged(): void {
    this.#rounds = 0;
  }

  judged(accepted: boolean): void {
    this.#rounds++;
    this.#failures.succeeded();
    if (accepted) this.#rejections.succeeded();
    else this.#rejections.failed();
  }

  /** What was just taken back would only be learnt again. */
  rolledBack(): void {
    this.#rejections.failed();
  }

  /** Answers with the failures in a row. */
  failed(): number {
    this.#failures.failed();
    return this.#failures.failures;
  }

  resumed(): void {
    this.#failures.succeeded();
  }
}
