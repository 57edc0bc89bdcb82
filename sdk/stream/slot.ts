import { NightshiftError } from "../errors.js";
import type { Camera } from "./camera.js";

/**
 * What happens when a frame comes while another still waits.
 * `newest`: the newer one takes its place, and the one that waited counts as dropped.
 * `every`: the producer waits until the place is free.
 */
export type SlotPolicy = "newest" | "every";

export const policyFor = (camera: Camera): SlotPolicy => (camera.live ? "newest" : "every");

export interface SlotCounters {
  /** Items that the slot accepted. */
  readonly framesIn: number;
  readonly answered: number;
  /** Replaced by a newer one, or still waiting when the slot was aborted. */
  readonly dropped: number;
  /** 0 or 1. */
  readonly waiting: number;
  /** Taken and not answered yet. */
  readonly working: number;
  /** `framesIn - answered - dropped - waiting - working`. Anything but 0 is a fault. */
  readonly lost: number;
}

/** An item that was taken. Whoever takes it says when it is answered. */
export interface Taken<T> {
  readonly item: T;
  /** Counts the item as answered. Throws `E_CLOSED` the second time. */
  readonly answered: () => void;
  /** Gives up on the item, which then counts as lost. Throws `E_CLOSED` the second time. */
  readonly abandoned: () => void;
}

/** A place for one frame between a camera and the engine. One producer, any number of consumers. */
export class NewestFrameSlot<T> implements AsyncIterable<Taken<T>> {
  #waiting: { item: T } | undefined;
  #isClosed = false;
  #framesIn = 0;
  #answered = 0;
  #dropped = 0;
  #working = 0;
  readonly #consumers: (() => void)[] = [];
  readonly #producers: (() => void)[] = [];

  constructor(readonly policy: SlotPolicy) {}

  get counters(): SlotCounters {
    const waiting = this.#waiting ? 1 : 0;
    const lost = this.#framesIn - this.#answered - this.#dropped - waiting - this.#working;
    return { framesIn: this.#framesIn, answered: this.#answered, dropped: this.#dropped, waiting, working: this.#working, lost };
  }

  /** Offers an item; under `every`, resolves once there is a place for it. False where the slot is closed, and then nothing was counted. */
  async put(item: T): Promise<boolean> {
    while (this.policy === "every" && this.#waiting && !this.#isClosed) await new Promise<void>((wake) => this.#producers.push(wake));
    if (this.#isClosed) return false;
    if (this.#waiting) this.#dropped++;
    this.#waiting = { item };
    this.#framesIn++;
    this.#consumers.shift()?.();
    return true;
  }

  /** Resolves when an item waits, with true; with false once the slot is closed and empty. For a single consumer, whose `take` then takes the newest at once. */
  async ready(): Promise<boolean> {
    while (!this.#waiting) {
      if (this.#isClosed) return false;
      await new Promise<void>((wake) => this.#consumers.push(wake));
    }
    return true;
  }

  /** The item that waits, or the next that comes; undefined once the slot is closed and empty. */
  async take(): Promise<Taken<T> | undefined> {
    while (!this.#waiting) {
      if (this.#isClosed) return undefined;
      await new Promise<void>((wake) => this.#consumers.push(wake));
    }
    const { item } = this.#waiting;
    this.#waiting = undefined;
    this.#working++;
    this.#producers.shift()?.();
    return this.#taken(item);
  }

  /** No more items will come. What waits can still be taken. */
  end(): void {
    this.#isClosed = true;
    for (const wake of [...this.#consumers.splice(0), ...this.#producers.splice(0)]) wake();
  }

  /** Stops at once: what waits counts as dropped, and a producer that waits is told that the slot is closed. */
  abort(): void {
    if (this.#waiting) this.#dropped++;
    this.#waiting = undefined;
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Taken<T>, void, undefined> {
    for (let taken = await this.take(); taken; taken = await this.take()) yield taken;
  }

  #taken(item: T): Taken<T> {
    let isSettled = false;
    const settle = () => {
      if (isSettled)
        throw new NightshiftError("E_CLOSED", {
          expected: "an item to be settled once",
          received: "a second call",
          remedy: "Call either answered() or abandoned(), once.",
        });
      isSettled = true;
      this.#working--;
    };
    return {
      item,
      answered: () => {
        settle();
        this.#answered++;
      },
      abandoned: settle,
    };
  }
}
