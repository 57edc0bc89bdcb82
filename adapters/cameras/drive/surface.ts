/** What the rasteriser leaves for each pixel; rows from top to bottom. */
export class Surface {
  /** 1 / metres along the viewing axis; 0 is the sky. */
  readonly nearness: Float32Array;
  /** 0x00BBGGRR before any light. */
  readonly albedo: Uint32Array;
  /** Class ids. */
  readonly mask: Uint8Array;
  /** The visible object, from 1; 0 is none. */
  readonly object: Uint16Array;
  /** Direct sun, 0 to 255. */
  readonly sun: Uint8Array;
  /** Light from the sky, 0 to 255. */
  readonly sky: Uint8Array;
  /** Light of its own, 0 to 255. */
  readonly glow: Uint8Array;
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
    this.mask = new Uint8Array(pixels);
    this.object = new Uint16Array(pixels);
    this.sun = new Uint8Array(pixels);
    this.sky = new Uint8Array(pixels);
    this.glow = new Uint8Array(pixels);
    this.covered = new Uint16Array(pixels);
  }

  clear(): void {
    this.nearness.fill(0);
    this.mask.fill(0);
    this.object.fill(0);
    this.covered.fill(0);
    this.glow.fill(0);
    this.coverage.fill(0);
  }
}
