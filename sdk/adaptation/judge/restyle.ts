const bands = 3;
const levels = 256;

/** How the colours of frames are spread: for each of three bands from the top and each channel, the share of pixels up to each level. */
export interface Style {
  /** `[3, 3, 256]`: band, channel, level. */
  readonly cumulative: Float32Array;
}

/** The style of frames of one size, `[height, width, 3]` each. Bands keep apart what is bright at noon and dark at night: the sky. */
export function styleOf(frames: readonly Uint8Array[], width: number, height: number): Style {
  const counts = new Float32Array(bands * 3 * levels);
  for (const rgb of frames)
    for (let y = 0; y < height; y++) {
      const band = Math.floor((y * bands) / height);
      // Every other pixel tells as much.
      for (let x = y % 2; x < width; x += 2)
        for (let channel = 0; channel < 3; channel++) counts[(band * 3 + channel) * levels + rgb[(y * width + x) * 3 + channel]]++;
    }
  for (let start = 0; start < counts.length; start += levels) {
    for (let level = 1; level < levels; level++) counts[start + level] += counts[start + level - 1];
    const total = Math.max(1, counts[start + levels - 1]);
    for (let level = 0; level < levels; level++) counts[start + level] /= total;
  }
  return { cumulative: counts };
}

/**
 * A frame in the colours of a style: histogram matching, band by band, blended from the middle of one band to the next so that no seam shows.
 * It gives labelled frames the darkness, cast and contrast of the night (not its lamps, shadows or noise).
 */
export function restyle(rgb: Uint8Array, width: number, height: number, style: Style): Uint8Array {
  const own = styleOf([rgb], width, height);
  const tables = Float32Array.from({ length: bands * 3 * levels });
  for (let start = 0; start < tables.length; start += levels) matchLevels(own.cumulative, style.cumulative, tables, start);
  const out = new Uint8Array(rgb.length);
  for (let y = 0; y < height; y++) {
    const place = Math.min(bands - 1, Math.max(0, ((y + 0.5) * bands) / height - 0.5));
    const [upper, share] = [Math.floor(place), place - Math.floor(place)];
    const lower = Math.min(bands - 1, upper + 1);
    for (let at = y * width * 3; at < (y + 1) * width * 3; at++) {
      const offset = (at % 3) * levels + rgb[at];
      out[at] = Math.round((1 - share) * tables[upper * 3 * levels + offset] + share * tables[lower * 3 * levels + offset]);
    }
  }
  return out;
}

/** For each level of one band and channel, the level of the style that as many pixels do not exceed. */
function matchLevels(own: Float32Array, style: Float32Array, out: Float32Array, start: number): void {
  let match = 0;
  for (let level = 0; level < levels; level++) {
    while (match < levels - 1 && style[start + match] < own[start + level]) match++;
    out[start + level] = match;
  }
}
