/** The smallest latency told apart from 0, milliseconds. */
const smallestMs = 0.001;
/** Each bucket is this much wider than the one before, so a percentile is at most 1 % off. */
const growth = 1.02;
/** Up to 17 minutes; anything longer falls into the last bucket. */
const buckets = Math.ceil(Math.log(1e6 / smallestMs) / Math.log(growth)) + 1;

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Latencies of a run of any length in about 8 KB: a histogram over logarithmic buckets. Milliseconds. */
export class LatencyHistogram {
  readonly #counts = new Float64Array(buckets);
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = 0;

  record(ms: number): void {
    const value = Math.max(0, ms);
    const bucket = value <= smallestMs ? 0 : Math.min(buckets - 1, Math.ceil(Math.log(value / smallestMs) / Math.log(growth)));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count++;
    this.#sum += value;
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
  }

  /** Takes in what another recorded. */
  add(other: LatencyHistogram): void {
    for (const [bucket, count] of other.#counts.entries()) this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  get count(): number {
    return this.#count;
  }

  /** Exact. 0 where nothing was recorded. */
  get max(): number {
    return this.#max;
  }

  /** Exact. 0 where nothing was recorded. */
  get mean(): number {
    return this.#count ? this.#sum / this.#count : 0;
  }

  /** The smallest value that the given share (0 to 1) of the latencies does not exceed, within 1 %. 0 where nothing was recorded. */
  percentile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (this.#count && seen >= rank) return Math.min(this.#max, Math.max(this.#min, smallestMs * growth ** (bucket - 0.5)));
    }
    return 0;
  }

  get percentiles(): Percentiles {
    return { p50: this.percentile(0.5), p95: this.percentile(0.95), p99: this.percentile(0.99) };
  }
}

/** Events a second, over the last few and over the whole run. Times are milliseconds on any clock that never goes back. */
export class RateMeter {
  readonly #recent: number[] = [];
  #first: number | undefined;
  #last = 0;
  #count = 0;

  /** `window`: over how many events the recent rate is taken. */
  constructor(readonly window = 30) {}

  tick(timeMs: number): void {
    this.#first ??= timeMs;
    this.#last = timeMs;
    this.#count++;
    this.#recent.push(timeMs);
    if (this.#recent.length > this.window + 1) this.#recent.shift();
  }

  get count(): number {
    return this.#count;
  }

  /** Over the last `window` events, and falling where the next is overdue. 0 before the second. */
  perSecond(nowMs: number): number {
    const [first = 0] = this.#recent;
    const told = rate(this.#recent.length, first, this.#last);
    // As if the next came now: no more than that, however long it takes.
    return Math.min(told, rate(this.#recent.length + 1, first, nowMs));
  }

  /** Since the first event. 0 before the second. */
  get overallPerSecond(): number {
    return rate(this.#count, this.#first ?? 0, this.#last);
  }
}

const rate = (count: number, fromMs: number, toMs: number): number => (count > 1 && toMs > fromMs ? ((count - 1) * 1000) / (toMs - fromMs) : 0);
