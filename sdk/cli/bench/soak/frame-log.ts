/**
 * What became of each frame of a soak, in arrays that are as large from the start as they will ever be: a log that grew would look like memory that leaks.
 */
export class FrameLog {
  /** When the camera was due to deliver each, seconds since the start; NaN for those that it did not. */
  readonly dueS: Float64Array;
  /** The generation that answered, -1 for those that were not answered. */
  readonly generation: Int32Array;
  readonly totalMs: Float32Array;

  constructor(
    capacity: number,
    private readonly startMs: number,
  ) {
    this.dueS = new Float64Array(capacity).fill(NaN);
    this.generation = generations(capacity);
    this.totalMs = new Float32Array(capacity).fill(NaN);
  }

  /** Milliseconds on the clock of `performance.now`. */
  delivered(sequence: number, dueMs: number): void {
    this.dueS[sequence] = (dueMs - this.startMs) / 1000;
  }

  answered(sequence: number, generation: number, totalMs: number): void {
    this.generation[sequence] = generation;
    this.totalMs[sequence] = totalMs;
  }

  get deliveredCount(): number {
    return this.dueS.reduce((count, atS) => count + (Number.isNaN(atS) ? 0 : 1), 0);
  }
}

/** One a frame, none known yet. */
export const generations = (capacity: number): Int32Array => new Int32Array(capacity).fill(-1);
