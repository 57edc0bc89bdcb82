/** Makes the other view of a frame by which consistency is measured, and undoes what it did to a mask. */

/** Brightness and contrast of the twin; mild, because a night's frame has little to lose. */
const gain = 1.15;
const gamma = 0.9;

const curve = Uint8Array.from({ length: 256 }, (_, level) => Math.min(255, Math.round(255 * (gain * (level / 255)) ** gamma)));

/** A frame `[height, width, 3]`, mirrored left to right and a little brighter. */
export function twinOf(rgb: Uint8Array, width: number, height: number): Uint8Array {
  const out = new Uint8Array(rgb.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [from, to] = [(y * width + x) * 3, (y * width + width - 1 - x) * 3];
      out[to] = curve[rgb[from]]!;
      out[to + 1] = curve[rgb[from + 1]]!;
      out[to + 2] = curve[rgb[from + 2]]!;
    }
  return out;
}

/** A mask `[height, width]`, mirrored left to right. */
export function mirrored(mask: Uint8Array, width: number): Uint8Array {
  const out = new Uint8Array(mask.length);
  for (let start = 0; start < mask.length; start += width) for (let x = 0; x < width; x++) out[start + x] = mask[start + width - 1 - x]!;
  return out;
}
