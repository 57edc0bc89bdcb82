import { lampLateral, lampSideOf } from "./cell.js";
import type { Street } from "./street.js";
import type { View } from "./view.js";

const farthest = 220;

/** The pools of light under street lamps, found from a pixel's place on the street. */
export class Lamplight {
  /** By whole metres of depth: what turns a camera-side x into a lateral position. */
  readonly #offset = new Float32Array(farthest + 1);
  readonly #lamp = new Float32Array(farthest + 1);
  /** Metres along the street to the nearest lamp, squared. */
  readonly #along = new Float32Array(farthest + 1);

  constructor(private readonly street: Street) {}

  prepare(view: View): void {
    const { street } = this;
    for (let depth = 0; depth <= farthest; depth++) {
      const z = view.z + depth * view.cos;
      const k = Math.round(z / street.lampSpacing);
      this.#offset[depth] = view.x + depth * view.sin - street.middle(z);
      this.#lamp[depth] = lampSideOf(street, k) * (lampLateral(street) - 1.6);
      this.#along[depth] = (z - k * street.lampSpacing) ** 2;
    }
  }

  /** 0 to 1 for a point `depth` metres ahead, `x` to the right of the axis and `y` above the camera's ground. */
  at(depth: number, x: number, y: number): number {
    if (depth >= farthest) return 0;
    const i = depth | 0, f = depth - i;
    const across = x + this.#offset[i] - this.#lamp[i];
    const along = this.#along[i] + (this.#along[i + 1] - this.#along[i]) * f;
    const squared = (along + across * across) / 45;
    const above = y - this.street.lampHeight;
    const fall = 1 / ((1 + squared) * (1 + squared * 0.6));
    return above > 0 ? fall / (1 + above * above) : fall;
  }
}
