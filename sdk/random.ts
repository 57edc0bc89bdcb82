/** A small seeded generator (mulberry32): the same numbers on every machine. Not for secrets. */
export class Random {
  private state: number;

  /** Several seeds are mixed into one, so that step 1 of seed 2 and step 2 of seed 1 differ; a word keeps streams of one seed apart. */
  constructor(...seeds: readonly (number | string)[]) {
    this.state = 0x9e3779b9;
    for (const seed of seeds.flatMap((s) => (typeof s === "string" ? [...s].map((c) => c.codePointAt(0) ?? 0) : [s]))) {
      this.state = Math.imul(this.state ^ (seed >>> 0), 0x85ebca6b);
      this.state ^= this.state >>> 13;
      this.uint32();
    }
  }

  uint32(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** From `low` (inclusive) to `high` (exclusive). */
  uniform(low = 0, high = 1): number {
    return low + (this.uint32() / 2 ** 32) * (high - low);
  }

  /** Likewise, even in its logarithm; both above 0. */
  logUniform(low: number, high: number): number {
    return Math.exp(this.uniform(Math.log(low), Math.log(high)));
  }

  /** A whole number from 0 to `count - 1`. */
  below(count: number): number {
    return Math.floor(this.uniform(0, count));
  }

  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  /** Mean 0, standard deviation 1 (Box-Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Standard Gumbel: adding it to logarithms and taking the k largest samples k without replacement. */
  gumbel(): number {
    return -Math.log(-Math.log((this.uint32() + 0.5) / 2 ** 32));
  }

  /** The numbers from 0 to `count - 1` in random order. */
  permutation(count: number): Uint32Array {
    const order = Uint32Array.from({ length: count }, (_, index) => index);
    for (let index = count - 1; index > 0; index--) {
      const other = this.below(index + 1);
      [order[index], order[other]] = [order[other], order[index]];
    }
    return order;
  }
}
