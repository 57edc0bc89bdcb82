import type { Range } from "../sdk/graph/quantisation.js";

/** Enough that the steps of any range tried lie several bins apart. */
const binCount = 2048;

/** How often the numbers of a tensor fall where, over many frames. */
export class Histogram {
  readonly counts = new Float64Array(binCount);
  /** Width of a bin. */
  readonly width: number;

  /** `extent`: the least and the greatest number that will come; 0 lies between. */
  constructor(readonly extent: Range) {
    this.width = Math.max(extent[1] - extent[0], 1e-12) / binCount;
  }

  add(values: Float32Array): void {
    const { counts, width } = this;
    const [low] = this.extent;
    const last = binCount - 1;
    for (let at = 0; at < values.length; at++) {
      const bin = Math.floor((values[at] - low) / width);
      counts[bin < 0 ? 0 : bin > last ? last : bin]++;
    }
  }

  get total(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** The number in the middle of a bin. */
  middle(bin: number): number {
    return this.extent[0] + (bin + 0.5) * this.width;
  }
}
