import { Session } from "node:inspector/promises";

/** What of the code ran, as V8 counts it: which of the blocks of our files were entered, and about how often. */
export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  private constructor(private readonly isOurs: (url: string) => boolean) {}

  /** Of this thread. `isOurs`: which files count. */
  static async start(isOurs: (url: string) => boolean): Promise<Coverage> {
    const coverage = new Coverage(isOurs);
    coverage.#session.connect();
    await coverage.#session.post("Profiler.enable");
    await coverage.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    return coverage;
  }

  /** Blocks with their counts that were ever seen. */
  get size(): number {
    return this.#seen.size;
  }

  /** Whether anything ran since the last time that was never noted; notes nothing. */
  async isNews(): Promise<boolean> {
    return (await this.#blocks()).some(([block]) => !this.#seen.has(block));
  }

  /** Notes what ran since the last time, and answers with how much of that is new. */
  async take(): Promise<number> {
    const before = this.#seen.size;
    for (const [block, count] of await this.#blocks()) this.#seen.add(block).add(`${block} ${magnitude(count)}`);
    return this.#seen.size - before;
  }

  async #blocks(): Promise<[block: string, count: number][]> {
    const { result } = await this.#session.post("Profiler.takePreciseCoverage");
    return result
      .filter(({ url }) => this.isOurs(url))
      .flatMap(({ scriptId, functions }) => functions.flatMap(({ ranges }) => ranges.map((range): [string, number] => [`${scriptId}:${range.startOffset}:${range.endOffset}`, range.count])))
      .filter(([, count]) => count > 0);
  }
}

/** A loop that turns twice as often is news, one that turns once more is not. */
const magnitude = (count: number): number => Math.min(10, Math.floor(Math.log2(count)));
