export type Rgb = readonly [number, number, number];

const first: readonly Rgb[] = [
  [128, 100, 200], [70, 160, 235], [110, 190, 90], [240, 90, 110], [250, 180, 70], [60, 200, 190], [220, 110, 220], [165, 140, 115],
  [235, 225, 100], [90, 120, 240], [245, 135, 90], [140, 215, 150], [190, 75, 130], [150, 170, 190], [200, 240, 255], [120, 135, 60],
];

/** A colour a name, kept as long as the page is open, so that a name keeps its colour when the vocabulary around it changes. */
export class Palette {
  readonly #slots = new Map<string, number>();

  colour(name: string): Rgb {
    const slot = this.#slots.get(name) ?? this.#slots.size;
    this.#slots.set(name, slot);
    return first[slot] ?? spread(slot);
  }
}

/** Colours without end, neighbours far apart: hues a golden angle from each other. */
function spread(slot: number): Rgb {
  const hue = (slot * 137.508) % 360;
  const light = [0.62, 0.5, 0.72][slot % 3] ?? 0.6;
  const channel = (shift: number): number => {
    const k = (shift + hue / 30) % 12;
    return Math.round(255 * (light - 0.65 * Math.min(light, 1 - light) * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

export const css = ([r, g, b]: Rgb): string => `rgb(${r} ${g} ${b})`;
