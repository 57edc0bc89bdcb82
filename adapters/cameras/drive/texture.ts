/** A square picture that repeats, with its halved copies. Texels are 0xAABBGGRR; the alpha says what a texel is. */
export interface Texture {
  /** The side is `1 << bits` texels. */
  readonly bits: number;
  /** From full size down to one texel. */
  readonly levels: readonly Uint32Array[];
}

/** Alpha of a hole: nothing is drawn. */
export const hole = 0;
/** Alpha of window glass: may be lit from within at night. */
export const glass = 128;
/** Alpha of anything else. */
export const solid = 255;

export const pack = (r: number, g: number, b: number, alpha: number = solid): number =>
  ((alpha << 24) | (clamp(b) << 16) | (clamp(g) << 8) | clamp(r)) >>> 0;

const clamp = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : value | 0);

/** Makes a texture by asking for each texel; `x` and `y` count texels. */
export function paint(bits: number, texel: (x: number, y: number) => number): Texture {
  const size = 1 << bits;
  const base = new Uint32Array(size * size);
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) base[y * size + x] = texel(x, y);
  return withLevels(bits, base);
}

export function withLevels(bits: number, base: Uint32Array): Texture {
  const levels = [base];
  for (let level = bits - 1; level >= 0; level--) levels.push(halve(levels[levels.length - 1] ?? base, 1 << level));
  return { bits, levels };
}

/** Holes do not colour the average; a texel stays where at least two of four are there, so that thin things do not vanish at once. */
function halve(from: Uint32Array, size: number): Uint32Array {
  const to = new Uint32Array(size * size);
  const stride = size * 2;
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const at = y * 2 * stride + x * 2;
      let r = 0, g = 0, b = 0, there = 0, panes = 0;
      for (const offset of [0, 1, stride, stride + 1]) {
        const texel = from[at + offset] ?? 0;
        const alpha = texel >>> 24;
        if (alpha === hole) continue;
        there++;
        if (alpha === glass) panes++;
        r += texel & 255;
        g += (texel >>> 8) & 255;
        b += (texel >>> 16) & 255;
      }
      to[y * size + x] = there < 2 ? 0 : pack(r / there, g / there, b / there, panes * 2 > there ? glass : solid);
    }
  return to;
}
