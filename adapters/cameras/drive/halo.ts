import type { Glow } from "./raster.js";
import type { Surface } from "./surface.js";

const shrink = 4;

/** The glow around lights, at a quarter of the picture's size. */
export class Halos {
  readonly #width: number;
  readonly #height: number;
  readonly #sum: Float32Array;
  /** One picture row of it: three values a pixel. */
  readonly row: Float32Array;
  readonly #column: Float32Array;

  constructor(private readonly surface: Surface) {
    this.#width = Math.ceil(surface.width / shrink) + 1;
    this.#height = Math.ceil(surface.height / shrink) + 1;
    this.#sum = new Float32Array(this.#width * this.#height * 3);
    this.row = new Float32Array(surface.width * 3);
    this.#column = new Float32Array(this.#width * 3);
  }

  /** Adds the lights that nothing hides; `strength` is 0 to 1, `fog` 1 / metres. Returns how many there were. */
  gather(glows: readonly Glow[], strength: number, fog: number): number {
    this.#sum.fill(0);
    if (strength < 0.02) return 0;
    let seen = 0;
    for (const glow of glows) if (this.#visible(glow)) {
      this.#add(glow, strength, fog, this.#width, this.#height);
      seen++;
    }
    return seen;
  }

  #visible({ x, y, nearness }: Glow): boolean {
    const { width, height, nearness: there } = this.surface;
    if (x < 0 || y < 0 || x >= width || y >= height) return false;
    return there[Math.floor(y) * width + Math.floor(x)] <= nearness * 1.06 + 0.002;
  }

  #add(glow: Glow, strength: number, fog: number, width: number, height: number): void {
    const away = 1 / glow.nearness;
    const power = glow.power * strength * Math.exp(-fog * away * 0.7) * Math.min(1, 25 / away + 0.15);
    const core = Math.max(0.7, (glow.size * 260 * glow.nearness) / shrink / 3);
    const reach = Math.min(60, core * (5 + Math.min(6, fog * 200)));
    const cx = glow.x / shrink, cy = glow.y / shrink;
    const x0 = Math.max(0, Math.ceil(cx - reach)), x1 = Math.min(width - 1, Math.floor(cx + reach));
    const y0 = Math.max(0, Math.ceil(cy - reach)), y1 = Math.min(height - 1, Math.floor(cy + reach));
    const [r, g, b] = glow.rgb;
    for (let y = y0; y <= y1; y++)
      for (let x = x0; x <= x1; x++) {
        const squared = ((x - cx) * (x - cx) + (y - cy) * (y - cy)) / (core * core);
        const edge = 1 - (squared * core * core) / (reach * reach);
        if (edge <= 0) continue;
        const value = (power * edge * edge * 0.9) / (1 + squared * squared * 0.5 + squared) / 255;
        const at = (y * width + x) * 3;
        this.#sum[at] += value * r;
        this.#sum[at + 1] += value * g;
        this.#sum[at + 2] += value * b;
      }
  }

  /** Fills `row` with the glow in one row of the picture. */
  fillRow(y: number): void {
    const across = this.#width * 3;
    const position = Math.min(this.#height - 1.001, y / shrink);
    const top = Math.floor(position), t = position - top;
    const column = this.#column, sum = this.#sum;
    for (let i = 0, at = top * across; i < across; i++, at++) column[i] = sum[at] * (1 - t) + sum[at + across] * t;
    const { width } = this.surface;
    for (let x = 0, at = 0; x < width; x++) {
      const left = (x >> 2) * 3, f = (x & 3) * 0.25;
      for (let k = 0; k < 3; k++, at++) this.row[at] = column[left + k] * (1 - f) + column[left + k + 3] * f;
    }
  }
}
