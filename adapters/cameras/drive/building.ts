import { classIds } from "./classes.js";
import type { Materials } from "./materials.js";
import type { Palette, Rgb } from "./palette.js";
import { paintOf } from "./paint.js";
import { Random } from "./prng.js";
import type { Raster } from "./raster.js";
import type { Street } from "./street.js";

/** A house along the street: metres; `side` is -1 to the left of the road, 1 to the right. */
export interface Building {
  readonly kind: "building";
  readonly seed: number;
  readonly side: 1 | -1;
  /** Lateral distance of the front from the middle of the road. */
  readonly front: number;
  readonly z0: number;
  readonly z1: number;
  readonly height: number;
  readonly depth: number;
  readonly gabled: boolean;
}

export function drawBuilding(raster: Raster, street: Street, materials: Materials, palette: Palette, building: Building): void {
  const random = new Random(building.seed, 0xb1d);
  const { side, z0, z1, depth } = building;
  const ground = Math.min(street.height(z0), street.height(z1)) - 0.3;
  const a = street.middle(z0) + side * building.front, b = street.middle(z1) + side * building.front;
  const back = side * depth;
  const tint = random.range(0.72, 1.12);
  const colour: Rgb = [256 * tint * random.range(0.92, 1.06), 256 * tint, 256 * tint * random.range(0.9, 1.06)];
  const wall = paintOf(random.pick(materials.facades), colour, classIds.building, { windows: building.seed });
  const floor = random.range(2.9, 3.6), bay = random.range(2.2, 4);
  const shop = random.chance(street.kind === "city" ? 0.6 : 0.15);
  const street0 = shop ? floor * 1.15 : 0;
  const floors = Math.max(1, Math.round((building.height - street0) / floor));
  const top = ground + 0.3 + street0 + floors * floor;
  const low = ground + 0.3 + street0;
  const bays = Math.max(1, Math.round((z1 - z0) / bay));
  // The texture's v is put in order from the bottom; fractions of a window below the first floor would show as a strip.
  raster.polygon([a, low, z0, 0, 0, b, low, z1, bays, 0, b, top, z1, bays, floors, a, top, z0, 0, floors], wall);
  if (shop) {
    const front = paintOf(random.pick(materials.shops), colour, classIds.building, { windows: building.seed + 1 });
    const shops = Math.max(1, Math.round((z1 - z0) / 4.5));
    raster.polygon([a, ground, z0, 0, 0, b, ground, z1, shops, 0, b, low, z1, shops, 1, a, low, z0, 0, 1], front);
  } else raster.polygon([a, ground, z0, 0, 0, b, ground, z1, 1, 0, b, low, z1, 1, 0.02, a, low, z0, 0, 0.02], wall);
  const blind = random.chance(0.5);
  const gable = blind ? paintOf(materials.bricks, [colour[0] * 0.55, colour[1] * 0.45, colour[2] * 0.4], classIds.building) : wall;
  const across = blind ? depth / 2 : Math.max(1, Math.round(depth / bay)), up = blind ? (top - ground) / 2 : floors;
  for (const [x, z] of [[a, z0], [b, z1]] as const) raster.polygon([x, ground, z, 0, 0, x + back, ground, z, across, 0, x + back, top, z, across, up, x, top, z, 0, up], gable);
  const roof = paintOf(materials.roof, [palette.roof[0] * tint, palette.roof[1] * tint, palette.roof[2] * tint], classIds.building);
  if (!building.gabled) {
    raster.polygon([a, top, z0, 0, 0, b, top, z1, 1, 0, b + back, top, z1, 1, 1, a + back, top, z0, 0, 1], roof);
    return;
  }
  const ridge = top + depth * random.range(0.3, 0.5), half = back / 2, eave = side * -0.35, n = (z1 - z0) / 2;
  raster.polygon([a + eave, top - 0.15, z0, 0, 0, b + eave, top - 0.15, z1, n, 0, b + half, ridge, z1, n, 3, a + half, ridge, z0, 0, 3], roof);
  for (const [x, z] of [[a, z0], [b, z1]] as const) raster.polygon([x, top, z, 0, 0, x + back, top, z, across, 0, x + half, ridge, z, across / 2, 1], gable);
  if (random.chance(0.7)) chimney(raster, materials, (a + b) / 2 + half, ridge, z0 + (z1 - z0) * random.range(0.1, 0.9));
}

function chimney(raster: Raster, materials: Materials, x: number, y: number, z: number): void {
  const brick = paintOf(materials.bricks, [140, 95, 80], classIds.building);
  const w = 0.45, high = y + 1.3, deep = y - 0.8;
  raster.polygon([x - w, deep, z - w, 0, 0, x + w, deep, z - w, 0.5, 0, x + w, high, z - w, 0.5, 1, x - w, high, z - w, 0, 1], brick);
  for (const sx of [x - w, x + w]) raster.polygon([sx, deep, z - w, 0, 0, sx, deep, z + w, 0.5, 0, sx, high, z + w, 0.5, 1, sx, high, z - w, 0, 1], brick);
}
