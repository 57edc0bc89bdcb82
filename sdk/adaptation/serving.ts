import { type Bundle, type GenerationStore, shelvedFor } from "../bundle/index.js";
import { Turns } from "../engine/turns.js";
import { NightshiftError } from "../errors.js";
import type { ConditionName } from "../stream/events.js";

/** What serves and can be changed. Both answer with the generation that serves from then on. */
export interface SwapTarget {
  swap(bundleDirectory: string): Promise<number>;
  /** Throws `E_ENGINE` where there is no previous generation. */
  rollBack(): Promise<number>;
}

/** A generation that serves or served. */
export interface Served {
  readonly directory: string;
  readonly generation: number;
  /** What it was learnt in. */
  readonly condition: ConditionName;
}

export interface Change {
  readonly from: Served;
  readonly to: Served;
}

export interface ServingParts {
  /** What serves now. */
  readonly bundle: Bundle;
  /** What serves in a condition that nothing was learnt in. */
  readonly delivered: Bundle;
  readonly engine: SwapTarget;
  readonly store: GenerationStore;
  /** Generations that stay on disk, besides those on the shelf. */
  readonly kept: number;
  /** Hears of generations that were discarded as they are damaged, and of what could not be written, after which what serves is not what the disk says. */
  readonly onError: (error: unknown) => void;
}

/** Knows which bundle serves, and in which condition which one should; keeps the engine and the store of generations agreed on it. */
export class Serving {
  readonly delivered: Served;
  #current: Served;
  #previous: Served | undefined;
  readonly #turns = new Turns();

  constructor(private readonly parts: ServingParts) {
    this.delivered = servedOf(parts.delivered);
    this.#current = servedOf(parts.bundle);
  }

  get current(): Served {
    return this.#current;
  }

  /** Whether `rollBack` has something to go back to. */
  get hasPrevious(): boolean {
    return this.#previous !== undefined;
  }

  /** Number and place for the next generation. */
  async next(): Promise<{ generation: number; directory: string }> {
    const { store } = this.parts;
    const generation = Math.max(await store.next(), this.#current.generation + 1);
    return { generation, directory: store.pathOf(generation) };
  }

  /**
   * Signs a new generation, puts it on its condition's shelf, and serves it unless the weather is another by now. Answers with whether it serves.
   * Throws as the engine does, `E_KEY`, and `E_DISK`, and then what served still serves and is on the shelf.
   */
  accept(next: Served, weather: () => ConditionName): Promise<boolean> {
    const { store, kept } = this.parts;
    return this.#turns.take(async () => {
      await store.sign(next.generation);
      const shelved = (await store.shelf())[next.condition];
      // First of all, so that what is promised here is kept whatever happens from now on.
      await store.shelve(next.condition, next.generation);
      const serves = weather() === next.condition;
      try {
        if (serves) await this.#swap(next);
      } catch (error) {
        // It is as good as it was judged, and serves after the next start.
        if (isGivenUp(error)) return false;
        await store.shelve(next.condition, shelved);
        throw error;
      }
      await store.keepLast(kept, this.#previous && this.#stored(this.#previous)).catch(this.parts.onError);
      return serves;
    });
  }

  /**
   * Serves what is right for a condition; what turns out to be damaged is discarded, and the next best serves. Answers with the change; undefined where it serves already.
   * Throws as the engine does, and then nothing changes.
   */
  turnTo(condition: ConditionName): Promise<Change | undefined> {
    return this.#turns.take(async () => {
      for (;;) {
        const [from, to] = [this.#current, await this.#rightFor(condition)];
        if (to.directory === from.directory) return undefined;
        try {
          await this.#swap(to);
          return { from, to: this.#current };
        } catch (error) {
          if (!isDamage(error) || to.directory === this.delivered.directory) throw error;
          this.parts.onError(error);
          await this.parts.store.discard(to.generation);
        }
      }
    });
  }

  /** Puts the previous generation back, at once, and takes what served off the shelf. Throws `E_ENGINE` where there is none. */
  rollBack(): Promise<Change> {
    const { engine, store } = this.parts;
    return this.#turns.take(async () => {
      const from = this.#current;
      const generation = await engine.rollBack();
      const to = { ...(this.#previous ?? this.delivered), generation };
      this.#current = to;
      this.#previous = undefined;
      await store.setCurrent(this.#stored(to)).catch(this.parts.onError);
      await this.#unshelve(from, to).catch(this.parts.onError);
      return { from, to };
    });
  }

  async #unshelve(from: Served, to: Served): Promise<void> {
    const { store } = this.parts;
    if ((await store.shelf())[from.condition] === from.generation) await store.shelve(from.condition, to.condition === from.condition ? this.#stored(to) : undefined);
  }

  /** Removes a generation that will not serve. One that cannot be removed is told of: nothing refers to it, so it only takes room. */
  async discard(generation: number): Promise<void> {
    if (![this.#current, this.#previous].some((served) => served && this.#stored(served) === generation)) await this.parts.store.remove(generation).catch(this.parts.onError);
  }

  async #rightFor(condition: ConditionName): Promise<Served> {
    const { store } = this.parts;
    const found = shelvedFor(await store.shelf(), condition);
    return found ? { directory: store.pathOf(found.generation), generation: found.generation, condition: found.learntIn } : this.delivered;
  }

  async #swap(next: Served): Promise<void> {
    const generation = await this.parts.engine.swap(next.directory);
    this.#previous = this.#current;
    this.#current = { ...next, generation };
    await this.parts.store.setCurrent(this.#stored(this.#current)).catch(this.parts.onError);
  }

  /** The store's number of a generation; undefined for the delivered bundle, which is elsewhere. */
  #stored({ directory, generation }: Served): number | undefined {
    return directory === this.parts.store.pathOf(generation) ? generation : undefined;
  }
}

/** Whether a change was given up as everything closes, with which nothing is wrong. */
export const isGivenUp = (error: unknown): boolean => error instanceof NightshiftError && (error.code === "E_CANCELLED" || error.code === "E_CLOSED");

/** Whether it is the bundle that is at fault: damaged, or not what was signed here. */
const isDamage = (error: unknown): boolean => error instanceof NightshiftError && (error.code.startsWith("E_BUNDLE") || ["E_WEIGHTS_NOT_FINITE", "E_GOLDEN", "E_UNTRUSTED"].includes(error.code));

const servedOf = ({ directory, manifest: { generation, condition } }: Bundle): Served => ({ directory, generation, condition });
