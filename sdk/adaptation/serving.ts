import { rm } from "node:fs/promises";
import type { Bundle, GenerationStore } from "../bundle/index.js";
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

/** Knows which bundle serves, and keeps the engine and the store of generations agreed on it. */
export class Serving {
  readonly #first: Served;
  #current: Served;
  #previous: Served | undefined;

  constructor(
    bundle: Bundle,
    private readonly engine: SwapTarget,
    private readonly store: GenerationStore,
    /** Generations that stay on disk. */
    private readonly kept: number,
  ) {
    const { directory, manifest } = bundle;
    this.#first = { directory, generation: manifest.generation, condition: manifest.condition };
    this.#current = this.#first;
  }

  get current(): Served {
    return this.#current;
  }

  /** Number and place for the next generation. */
  async next(): Promise<{ generation: number; directory: string }> {
    const generation = Math.max(await this.store.next(), this.#current.generation + 1);
    return { generation, directory: this.store.pathOf(generation) };
  }

  /** Throws as the engine does, and then what served still serves. */
  async swap(next: Served): Promise<void> {
    const generation = await this.engine.swap(next.directory);
    this.#previous = this.#current;
    this.#current = { ...next, generation };
    await this.store.setCurrent(next.generation);
    await this.store.keepLast(this.kept);
  }

  /** Puts the previous generation back, at once. Throws `E_ENGINE` where there is none. */
  async rollBack(): Promise<{ from: Served; to: Served }> {
    const from = this.#current;
    const generation = await this.engine.rollBack();
    this.#current = { ...(this.#previous ?? this.#first), generation };
    this.#previous = undefined;
    const { directory } = this.#current;
    await this.store.setCurrent(directory === this.store.pathOf(generation) ? generation : undefined);
    return { from, to: this.#current };
  }

  /** Removes a generation that will not serve. */
  async discard(directory: string): Promise<void> {
    if (directory !== this.#current.directory && directory !== this.#previous?.directory) await rm(directory, { recursive: true, force: true });
  }
}
