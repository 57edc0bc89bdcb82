import type { SlotPolicy } from "../stream/slot.js";

/** What a reader may leave waiting under `queued`. */
const mostQueued = 1000;

export type FanOutPolicy = SlotPolicy | "queued";

/**
 * Hands items to any number of readers. Under `every` the giver waits for the slowest of them; under `newest` a slow reader misses some, though of each lane, a camera
 * for example, it gets the newest; under `queued` each has a queue, and who is more than a thousand behind misses the oldest. A lane may have a policy of its own. A reader gets what is given
 * after it asked for its iterator.
 */
export class FanOut<T> {
  readonly #mailboxes = new Set<Mailbox<T>>();
  #hasEnded = false;

  constructor(readonly policy: FanOutPolicy) {}

  /** Under `newest` and `queued`, readers have it when this returns. */
  async give(item: T, lane = "", policy = this.policy): Promise<void> {
    await Promise.all([...this.#mailboxes].map((mailbox) => mailbox.put(lane, item, policy)));
  }

  /** No more items will come, and no giver waits any longer; what waits is still read. */
  end(): void {
    this.#hasEnded = true;
    for (const mailbox of this.#mailboxes) mailbox.end();
  }

  /** Items from now on, until the end. */
  reader(): AsyncIterable<T> {
    return { [Symbol.asyncIterator]: () => this.#read() };
  }

  #read(): AsyncIterator<T, undefined> {
    const mailbox = new Mailbox<T>();
    this.#mailboxes.add(mailbox);
    if (this.#hasEnded) mailbox.end();
    // No generator: one that is left before its first item runs no `finally`.
    return {
      next: async () => {
        const next = await mailbox.take();
        return next ? { done: false, value: next.item } : { done: true, value: undefined };
      },
      return: async () => {
        // A reader that leaves must not keep the giver waiting.
        this.#mailboxes.delete(mailbox);
        mailbox.leave();
        return { done: true, value: undefined };
      },
    };
  }
}

/** What waits for one reader. */
class Mailbox<T> {
  readonly #waiting: { readonly lane: string; readonly item: T }[] = [];
  readonly #changed: (() => void)[] = [];
  #hasEnded = false;

  async put(lane: string, item: T, policy: FanOutPolicy): Promise<void> {
    const isOfLane = (each: { readonly lane: string }): boolean => each.lane === lane;
    while (policy === "every" && this.#waiting.some(isOfLane) && !this.#hasEnded) await this.#change();
    if (this.#hasEnded) return;
    const at = policy === "newest" ? this.#waiting.findIndex(isOfLane) : -1;
    if (at < 0) this.#waiting.push({ lane, item });
    else this.#waiting[at] = { lane, item };
    if (this.#waiting.length > mostQueued) this.#waiting.shift();
    this.#wake();
  }

  /** What waits longest, or the next; undefined after the end. */
  async take(): Promise<{ readonly item: T } | undefined> {
    while (this.#waiting.length === 0 && !this.#hasEnded) await this.#change();
    const first = this.#waiting.shift();
    this.#wake();
    return first;
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  /** Ends it without what waits. */
  leave(): void {
    this.#waiting.length = 0;
    this.end();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve));
  }

  #wake(): void {
    for (const wake of this.#changed.splice(0)) wake();
  }
}
