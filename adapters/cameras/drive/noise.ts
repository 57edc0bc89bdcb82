import { Random } from "./prng.js";

const bits = 7;
const size = 1 << bits;

/** Smooth noise that repeats every `1 << 7` lattice points: values of 0 to 1. */
export class Noise {
  readonly #lattice = new Float32Array(size * size);

  constructor(seed: number) {
    const random = new Random(seed, 0x4e01);
    for (let i = 0; i < this.#lattice.length; i++) this.#lattice[i] = random.next();
  }

  /** One random value a lattice point. */
  grain(x: number, y: number): number {
    return this.#lattice[((y & (size - 1)) << bits) | (x & (size - 1))] ?? 0;
  }

  /** Interpolated between lattice points; repeats after `period` (a power of two) in both directions. */
  smooth(x: number, y: number, period = size): number {
    const x0 = Math.floor(x), y0 = Math.floor(y);
    const fx = x - x0, fy = y - y0;
    const u = fx * fx * (3 - 2 * fx), v = fy * fy * (3 - 2 * fy);
    const wrap = period - 1;
    const a = this.grain(x0 & wrap, y0 & wrap), b = this.grain((x0 + 1) & wrap, y0 & wrap);
    const c = this.grain(x0 & wrap, (y0 + 1) & wrap), d = this.grain((x0 + 1) & wrap, (y0 + 1) & wrap);
    return a + (b - a) * u + (c - a) * v + (a - b - c + d) * u * v;
  }

  /** Three octaves; repeats after `period` lattice points of the coarsest. */
  cloudy(x: number, y: number, period: number): number {
    return (
      this.smooth(x, y, period) * 0.55 +
      this.smooth(x * 2, y * 2, period * 2) * 0.3 +
      this.smooth(x * 4, y * 4, period * 4) * 0.15
    );
  }
}
