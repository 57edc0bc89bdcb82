import type { Texture } from "./texture.js";

/** What a surface is made of. */
export interface Paint {
  readonly texture: Texture;
  /** Multiplies the texture; 256 leaves it as it is. */
  readonly r: number;
  readonly g: number;
  readonly b: number;
  /** Class id. */
  readonly id: number;
  /** Light that it gives by itself, 0 to 255. */
  readonly glow?: number;
  /** Picks which panes of a window texture are lit; absent where none are. */
  readonly windows?: number;
  /** Drawn on a surface that is there already: a little nearer, as a share of the distance. */
  readonly lift?: number;
  /** Lit from all sides alike, as foliage is, 0 to 255; absent where the face's direction decides. */
  readonly shade?: number;
  /** Does not cover what is there but takes light from it: what is left of the sun's and of the sky's, 0 to 1. */
  readonly shadow?: { readonly sun: number; readonly sky: number };
}

/** Colours of 0 to 255 as factors of a white texture. */
export const paintOf = (texture: Texture, rgb: readonly [number, number, number], id: number, rest: Partial<Paint> = {}): Paint => ({
  texture,
  r: rgb[0],
  g: rgb[1],
  b: rgb[2],
  id,
  ...rest,
});
