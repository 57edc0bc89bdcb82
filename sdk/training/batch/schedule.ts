import { NightshiftError } from "../../errors.js";
import { Random } from "../../random.js";

/** One sample of a batch: which source, and which of its samples. */
export interface Draw {
  readonly source: number;
  readonly index: number;
}

export interface Share {
  /** Samples. */
  readonly length: number;
  /** Relative to the other sources' shares. */
  readonly share: number;
}

/**
 * Decides which samples make each batch. Sources are mixed evenly by share within each batch and over all of them; a source is gone through whole before any of its samples comes again.
 * What a step draws depends on the seed and the step alone, so training can resume.
 */
export class Schedule {
  private readonly orders = new Map<number, { epoch: number; order: Uint32Array }>();
  private drawn: number[] = [];
  private slot = 0;

  constructor(
    private readonly sources: readonly Share[],
    private readonly batchSize: number,
    private readonly seed: number,
    private readonly shuffle: boolean,
  ) {
    const usable = sources.length > 0 && sources.every(({ length, share }) => length > 0 && share > 0 && Number.isFinite(share));
    if (!usable)
      throw new NightshiftError("E_DATASET", {
        expected: "one or more sources, each with samples and a share above 0",
        received: sources.map(({ length, share }) => `${length} samples with share ${share}`).join(", ") || "none",
        remedy: "Leave out empty sources.",
      });
  }

  draws(step: number): Draw[] {
    const start = step * this.batchSize;
    if (start < this.slot || this.slot === 0) {
      this.drawn = this.sources.map(() => 0);
      this.slot = 0;
    }
    while (this.slot < start) this.next();
    return Array.from({ length: this.batchSize }, () => {
      const source = this.next();
      return { source, index: this.indexOf(source, this.drawn[source] - 1) };
    });
  }

  /** The source that lags furthest behind its share. */
  private next(): number {
    const total = this.sources.reduce((sum, { share }) => sum + share, 0);
    this.slot++;
    let [most, chosen] = [-Infinity, 0];
    this.sources.forEach(({ share }, source) => {
      const behind = (share / total) * this.slot - this.drawn[source];
      // The margin keeps rounding errors from deciding between equals.
      if (behind > most + 1e-9) [most, chosen] = [behind, source];
    });
    this.drawn[chosen]++;
    return chosen;
  }

  private indexOf(source: number, draw: number): number {
    const { length } = this.sources[source];
    if (!this.shuffle) return draw % length;
    const epoch = Math.floor(draw / length);
    let known = this.orders.get(source);
    if (known?.epoch !== epoch) {
      known = { epoch, order: new Random(this.seed, source, epoch).permutation(length) };
      this.orders.set(source, known);
    }
    return known.order[draw % length];
  }
}
