import { NewestFrameSlot, type SlotPolicy } from "../stream/slot.js";

/**
 * Hands items to any number of readers. Under `every` the giver waits for the slowest of them; under `newest` a slow reader misses some.
 * A reader gets what is given after it asked for its iterator.
 */
export class FanOut<T> {
  readonly #slots = new Set<NewestFrameSlot<T>>();
  #hasEnded = false;

  constructor(readonly policy: SlotPolicy) {}

  async give(item: T): Promise<void> {
    await Promise.all([...this.#slots].map((slot) => slot.put(item)));
  }

  /** No more items will come; what waits is still read. */
  end(): void {
    this.#hasEnded = true;
    for (const slot of this.#slots) slot.end();
  }

  /** Items from now on, until the end. */
  reader(): AsyncIterable<T> {
    return { [Symbol.asyncIterator]: () => this.#read() };
  }

  #read(): AsyncGenerator<T, void, undefined> {
    const slot = new NewestFrameSlot<T>(this.policy);
    this.#slots.add(slot);
    if (this.#hasEnded) slot.end();
    const slots = this.#slots;
    return (async function* () {
      try {
        for await (const taken of slot) {
          taken.answered();
          yield taken.item;
        }
      } finally {
        // A reader that leaves must not keep the giver waiting.
        slots.delete(slot);
        slot.abort();
      }
    })();
  }
}
