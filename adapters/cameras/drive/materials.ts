import { facade, type Wall } from "./facade.js";
import { Noise } from "./noise.js";
import { Random } from "./prng.js";
import { hole, pack, paint, solid, type Texture } from "./texture.js";

/** Every texture of a drive; one repeat spans the metres stated. */
export interface Materials {
  /** White. */
  readonly plain: Texture;
  /** White with a little dirt, 4 m. */
  readonly dirty: Texture;
  /** 8 m. */
  readonly asphalt: Texture;
  /** 4 m. */
  readonly paving: Texture;
  /** 6 m. */
  readonly grass: Texture;
  /** White with worn holes, 4 m. */
  readonly marking: Texture;
  /** 2 m. */
  readonly roof: Texture;
  /** One bay of one floor. */
  readonly facades: readonly [Texture, ...Texture[]];
  /** One shop or door. */
  readonly shops: readonly [Texture, ...Texture[]];
  /** One clump of leaves, holes around it. */
  readonly leaves: readonly [Texture, ...Texture[]];
  /** A bare crown, holes between the twigs. */
  readonly twigs: readonly [Texture, ...Texture[]];
  /** Bars, 1 m. */
  readonly railing: Texture;
  /** 1 m. */
  readonly boards: Texture;
  /** 2 m. */
  readonly bricks: Texture;
  readonly signs: readonly [Texture, ...Texture[]];
}

/** Paints the textures of a seed; tens of milliseconds. */
export function makeMaterials(seed: number): Materials {
  const random = new Random(seed, 0x3a7e);
  const noise = new Noise(seed);
  const grey = (value: number) => pack(value, value, value);
  const patches = random.range(8, 34), grain = random.range(10, 34), slab = random.pick([8, 12, 16, 24]);
  const walls: readonly [Wall, ...Wall[]] = ["brick", "plaster", "stone", "panel"];
  const many = <T>(count: number, make: (index: number) => T): [T, ...T[]] => [make(0), ...Array.from({ length: count - 1 }, (_, i) => make(i + 1))];
  return {
    plain: paint(0, () => grey(255)),
    dirty: paint(6, (x, y) => grey(225 + 30 * noise.cloudy(x / 8, y / 8, 8) - 14 * noise.grain(x, y))),
    asphalt: paint(8, (x, y) => {
      const crack = Math.abs(noise.cloudy(x / 16 + 40, y / 16, 16) - 0.5) < 0.006 ? 36 : 0;
      return grey(205 + patches * (noise.cloudy(x / 32, y / 32, 8) - 0.5) * 2 + grain * (noise.grain(x, y) + noise.grain(x >> 1, y >> 1) - 1) - crack);
    }),
    paving: paint(7, (x, y) => {
      const row = Math.floor(y / slab);
      const joint = y % slab === 0 || (x + (row & 1) * (slab >> 1)) % slab === 0 ? 40 : 0;
      const tone = noise.grain(Math.floor((x + (row & 1) * (slab >> 1)) / slab) + 9, row + 5) * 26;
      return grey(215 + tone - joint - 20 * noise.grain(x, y) - 20 * noise.cloudy(x / 16, y / 16, 8));
    }),
    grass: paint(7, (x, y) => {
      const v = 150 + 90 * (noise.cloudy(x / 16, y / 16, 8) - 0.5) + 60 * (noise.grain(x, y) - 0.5);
      return pack(v * (0.85 + 0.3 * noise.smooth(x / 32 + 3, y / 32, 4)), v, v * 0.8);
    }),
    marking: paint(6, (x, y) => (noise.cloudy(x / 4, y / 4, 16) + noise.grain(x, y) * 0.3 < 0.42 ? 0 : grey(250 - 30 * noise.grain(x, y)))),
    roof: paint(5, (x, y) => grey(205 + 40 * noise.grain(x >> 1, y >> 2) - (y % 4 === 0 ? 60 : 0))),
    facades: many(9, (i) => facade(new Random(seed, 0xfaca, i), noise, walls[i % walls.length] ?? "brick", false)),
    shops: many(5, (i) => facade(new Random(seed, 0x5409, i), noise, walls[i % walls.length] ?? "brick", true)),
    leaves: many(3, (i) => leaves(noise, i)),
    twigs: many(3, (i) => twigs(new Random(seed, 0x7719, i))),
    railing: paint(5, (x, y) => (x % 8 < 2 || y < 2 || y > 28 || (y > 14 && y < 16) ? grey(235) : 0)),
    boards: paint(5, (x, y) => grey(210 + 40 * noise.grain(x >> 2, 3) - (x % 4 === 0 ? 70 : 0) - 25 * noise.grain(x >> 1, y >> 3))),
    bricks: paint(6, (x, y) => {
      const row = y >> 2, shifted = x + (row & 1) * 4;
      return grey((y & 3) === 0 || (shifted & 7) === 0 ? 250 : 165 + 70 * noise.grain(shifted >> 3, row));
    }),
    signs: many(8, (i) => sign(new Random(seed, 0x5160, i))),
  };
}

/** A round clump with a ragged edge, brighter above than below. */
function leaves(noise: Noise, which: number): Texture {
  return paint(6, (x, y) => {
    const dx = (x - 31.5) / 32, dy = (y - 31.5) / 32;
    const edge = 1.02 - Math.sqrt(dx * dx + dy * dy) - 0.55 * noise.cloudy(x / 6 + which * 17, y / 6, 64);
    if (edge < 0 || noise.grain(x + which * 31, y) < 0.1 - edge * 0.35) return pack(0, 0, 0, hole);
    const v = 150 + dy * 55 + 110 * (noise.cloudy(x / 4 + which * 29, y / 4, 64) - 0.5) + 70 * (noise.grain(x, y + which * 13) - 0.5);
    return pack(v, v, v, solid);
  });
}

/** A crown without leaves, grown from the middle of the lower edge; v rises upwards. */
function twigs(random: Random): Texture {
  const size = 128;
  const alpha = new Uint8Array(size * size);
  const grow = (x: number, y: number, angle: number, length: number, thick: number): void => {
    const ex = x + Math.sin(angle) * length, ey = y + Math.cos(angle) * length;
    const half = thick / 2;
    for (let s = 0; s <= length; s += 0.5) {
      const px = x + ((ex - x) * s) / length, py = y + ((ey - y) * s) / length;
      for (let oy = Math.floor(py - half); oy <= py + half - 0.5; oy++)
        for (let ox = Math.floor(px - half); ox <= px + half - 0.5; ox++) if (ox >= 0 && oy >= 0 && ox < size && oy < size) alpha[oy * size + ox] = 1;
    }
    if (length < 6) return;
    const children = random.int(2, 3);
    for (let i = 0; i < children; i++) grow(ex, ey, angle + random.range(-0.8, 0.8), length * random.range(0.66, 0.84), Math.max(1, thick * 0.66));
  };
  grow(64, 0, 0, 22, 5);
  for (let i = 0; i < 3; i++) grow(64, random.range(4, 20), random.range(-1, 1), random.range(16, 24), 3);
  return paint(7, (x, y) => (alpha[y * size + x] ? pack(205, 205, 205) : pack(0, 0, 0, hole)));
}

/** A disc, triangle or plate with a border and a blot. v rises upwards. */
function sign(random: Random): Texture {
  const shape = random.int(0, 3);
  const [border, field] = random.pick<[number, number]>([
    [pack(190, 20, 25), pack(240, 240, 235)],
    [pack(240, 240, 240), pack(20, 60, 160)],
    [pack(30, 30, 30), pack(235, 190, 30)],
    [pack(240, 240, 240), pack(20, 110, 60)],
    [pack(190, 20, 25), pack(190, 20, 25)],
  ]);
  const ink = random.chance(0.5) ? pack(20, 20, 20) : pack(245, 245, 245);
  const blots = Array.from({ length: 3 }, () => [random.int(9, 20), random.int(9, 20), random.int(2, 6), random.int(2, 6)] as const);
  return paint(5, (x, y) => {
    const dx = x - 15.5, dy = y - 15.5;
    let inside = shape === 0 || shape === 3 ? 16 - Math.sqrt(dx * dx + dy * dy) : 16 - Math.max(Math.abs(dx), Math.abs(dy));
    if (shape === 1) inside = Math.min(y, (30 - y) / 2 - Math.abs(dx) + 1);
    if (inside < 0) return pack(0, 0, 0, hole);
    if (inside < 3) return border;
    return blots.some(([bx, by, w, h]) => Math.abs(x - bx) < w && Math.abs(y - by) < h) ? ink : field;
  });
}

