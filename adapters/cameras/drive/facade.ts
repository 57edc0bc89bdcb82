import type { Noise } from "./noise.js";
import type { Random } from "./prng.js";
import { glass, pack, paint, type Texture } from "./texture.js";

export type Wall = "brick" | "plaster" | "stone" | "panel";

type Rgb = readonly [number, number, number];

const walls: Record<Wall, readonly [Rgb, ...Rgb[]]> = {
  brick: [[150, 92, 70], [176, 130, 92], [190, 165, 118], [120, 82, 70], [165, 110, 82]],
  plaster: [[225, 220, 205], [205, 190, 160], [190, 195, 200], [230, 210, 180], [170, 175, 165]],
  stone: [[175, 165, 140], [140, 135, 125], [195, 185, 165], [120, 115, 108]],
  panel: [[150, 155, 160], [105, 112, 120], [200, 200, 200], [90, 80, 75]],
};

/** One bay of one floor (v rises upwards): wall, window with frame, lintel and sill; or, at street level, a shop front or a door. */
export function facade(random: Random, noise: Noise, wall: Wall, street: boolean): Texture {
  const bits = 6, size = 64;
  const [r, g, b] = random.pick(walls[wall]);
  const frame = random.chance(0.7) ? 235 : random.range(30, 90);
  const glassTone = random.range(28, 80);
  const reflection = random.range(10, 90);
  const left = street ? random.int(2, 8) : random.int(12, 22), right = street ? random.int(55, 62) : size - random.int(12, 22);
  const bottom = street ? random.int(3, 16) : random.int(12, 22), top = street ? random.int(38, 46) : random.int(46, 56);
  const columns = random.int(1, street ? 2 : 3), rows = random.int(1, 2);
  const door = street && random.chance(0.6) ? random.int(8, 40) : -99;
  const board: Rgb = [random.range(20, 220), random.range(20, 200), random.range(20, 200)];
  const arched = !street && random.chance(0.15);
  const band = random.chance(0.4);
  return paint(bits, (x, y) => {
    const px = x + 0.5, py = y + 0.5;
    const speck = 0.82 + 0.18 * noise.grain(x + 7, y) + 0.16 * (noise.cloudy(x / 8, y / 8, 8) - 0.5);
    if (street && x >= door && x < door + 11 && y < 40) {
      if (y > 22 && y < 36 && x > door + 2 && x < door + 8) return pack(glassTone, glassTone, glassTone * 1.1, glass);
      return x === door || x === door + 10 || y === 39 ? pack(frame, frame, frame) : pack(board[0] * 0.5 * speck, board[1] * 0.5 * speck, board[2] * 0.5 * speck);
    }
    if (street && y > top + 2 && y < top + 12) {
      const letters = noise.grain(x >> 1, 60) > 0.55 && y > top + 5 && y < top + 10 && x > 12 && x < 52;
      return letters ? pack(230, 230, 220) : pack(board[0] * speck, board[1] * speck, board[2] * speck);
    }
    const roof = arched ? top - (px - (left + right) / 2) ** 2 / 22 : top;
    if (px > left && px < right && py > bottom && py < roof) {
      const fx = ((px - left) / (right - left)) * columns, fy = ((py - bottom) / (roof - bottom)) * rows;
      const nearBar = px < left + 2 || px > right - 2 || py < bottom + 2 || py > roof - 2 || Math.abs(fx - Math.round(fx)) * (right - left) < columns * 0.9 || Math.abs(fy - Math.round(fy)) * (top - bottom) < rows * 0.9;
      if (nearBar) return pack(frame * speck, frame * speck, frame * speck);
      const shine = glassTone + reflection * noise.cloudy(x / 16 + 5, y / 12, 8) * ((py - bottom) / (top - bottom));
      return pack(shine * 0.95, shine, shine * 1.08, glass);
    }
    const ledge = px > left - 3 && px < right + 3 && ((py > top && py < top + 4) || (py < bottom && py > bottom - 3));
    if (ledge) return pack(Math.min(255, r * 1.25) * speck, Math.min(255, g * 1.25) * speck, Math.min(255, b * 1.25) * speck);
    if (band && y > 60) return pack(210 * speck, 205 * speck, 195 * speck);
    return pack(...pattern(wall, x, y, noise).map((factor, k) => (k === 0 ? r : k === 1 ? g : b) * factor * speck) as [number, number, number]);
  });
}

function pattern(wall: Wall, x: number, y: number, noise: Noise): Rgb {
  if (wall === "plaster") return [1, 1, 1];
  const high = wall === "brick" ? 3 : wall === "stone" ? 10 : 32, wide = wall === "brick" ? 7 : wall === "stone" ? 18 : 32;
  const row = Math.floor(y / high), shifted = x + (wall === "panel" ? 0 : (row & 1) * (wide >> 1));
  if (y % high === 0 || shifted % wide === 0) return wall === "brick" ? [1.12, 1.16, 1.2] : [0.75, 0.75, 0.75];
  const tone = 0.84 + 0.32 * noise.grain(Math.floor(shifted / wide) + 11, row + 23);
  return [tone, tone, tone];
}
