/** Packs a pixel's state; `sun`, `sky` and `glow` 0 to 255. */
export const packState = (id: number, sun: number, sky: number, glow: number): number => id | (byte(sun) << 8) | (byte(sky) << 16) | (byte(glow) << 24);

const byte = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : value | 0);

/** What the rasteriser leaves for each pixel; rows from top to bottom. */
export class Surface {
  /** 1 / metres along the viewing axis; 0 is the sky. */
  readonly nearness: Float32Array;
  /** 0x00BBGGRR before any light. */
  readonly albedo: Uint32Array;
  /** What the pixel is and how it is lit, four bytes from the lowest: class id, direct sun, light from the sky, light of its own. */
  readonly state: Uint32Array;
  /** The visible object, from 1; 0 is none. */
  readonly object: Uint16Array;
  /** The last object that covered the pixel, hidden or not. */
  readonly covered: Uint16Array;
  /** Pixels that each object covers, hidden or not. */
  readonly coverage = new Uint32Array(65536);

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    const pixels = width * height;
    this.nearness = new Float32Array(pixels);
    this.albedo = new Uint32Array(pixels);
    this.state = new Uint32Array(pixels);
    this.object = new Uint16Array(pixels);
    this.covered = new Uint16Array(pixels);
  }

  clear(): void {
    this.nearness.fill(0);
    this.state.fill(0);
    this.object.fill(0);
    this.covered.fill(0);
    this.coverage.fill(0);
  }

  /** Metres along the viewing axis, infinite in the sky. */
  depth(): Float32Array {
    const { nearness } = this;
    const metres = new Float32Array(nearness.length);
    for (let p = 0; p < metres.length; p++) metres[p] = 1 / nearness[p];
    return metres;
  }

  /** Class ids. */
  mask(): Uint8Array {
    // Each value is cut to its lowest byte.
    return new Uint8Array(this.state);
  }
}
