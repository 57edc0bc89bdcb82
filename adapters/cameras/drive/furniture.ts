import { capsule } from "./capsule.js";
import { classIds } from "./classes.js";
import { block, drawFrustum } from "./frustum.js";
import type { Materials } from "./materials.js";
import type { Palette, Rgb } from "./palette.js";
import { type Paint, paintOf } from "./paint.js";
import { Random } from "./prng.js";
import type { Raster } from "./raster.js";
import type { Street } from "./street.js";

/** What stands beside a road: metres. */
export interface Furniture {
  readonly kind: "pole" | "lamp" | "sign" | "traffic light" | "bollard";
  readonly seed: number;
  readonly lateral: number;
  readonly z: number;
}

/** A fence, railing, wall or hedge along the street. */
export interface Fence {
  readonly kind: "fence";
  readonly seed: number;
  readonly lateral: number;
  readonly z0: number;
  readonly z1: number;
}

export const lampColour: Rgb = [255, 190, 110];

export function drawFurniture(raster: Raster, street: Street, materials: Materials, palette: Palette, item: Furniture, frame: number): void {
  const random = new Random(item.seed, 0xf09);
  const pose = street.place(item.lateral, item.z);
  const metal = paintOf(materials.plain, palette.pole, classIds.pole);
  const inward = item.lateral > 0 ? -1 : 1;
  if (item.kind === "lamp") {
    const high = street.lampHeight, reach = inward * random.range(1, 2);
    capsule(raster, pose, 0, -0.2, 0, 0.1, 0, high, 0, 0.055, metal);
    capsule(raster, pose, 0, high, 0, 0.05, reach, high + 0.4, 0, 0.045, metal);
    capsule(raster, pose, reach, high + 0.38, 0, 0.1, reach + inward * 0.5, high + 0.4, 0, 0.09, metal);
    capsule(raster, pose, reach + inward * 0.1, high + 0.3, 0, 0.07, reach + inward * 0.45, high + 0.32, 0, 0.07, { ...metal, r: 250, g: 225, b: 180, glow: 254 });
    raster.light(reach + inward * 0.3, high + 0.3, 0, pose, lampColour, 1.5, 1);
  } else if (item.kind === "pole") {
    const high = random.range(4, 9);
    capsule(raster, pose, 0, -0.2, 0, 0.11, 0, high, 0, 0.08, metal);
    if (random.chance(0.5)) capsule(raster, pose, -0.7, high - 0.4, 0, 0.05, 0.7, high - 0.4, 0, 0.05, metal);
  } else if (item.kind === "bollard") {
    capsule(raster, pose, 0, -0.1, 0, 0.07, 0, 0.95, 0, 0.07, metal);
  } else if (item.kind === "sign") {
    const high = random.range(2.1, 3), half = random.range(0.28, 0.5);
    capsule(raster, pose, 0, -0.2, 0.03, 0.045, 0, high + half, 0.03, 0.045, metal);
    const plate = paintOf(random.pick(materials.signs), [256, 256, 256], classIds.sign);
    raster.polygon(plateAt(half, high, -0.02), plate, pose);
    if (random.chance(0.3)) raster.polygon(plateAt(half * 0.8, high - half * 1.9, -0.02), paintOf(random.pick(materials.signs), [256, 256, 256], classIds.sign), pose);
  } else trafficLight(raster, materials, pose, metal, item.seed, frame);
}

const plateAt = (half: number, y: number, z: number): number[] => [
  -half, y - half, z, 0, 0, half, y - half, z, 0.999, 0, half, y + half, z, 0.999, 0.999, -half, y + half, z, 0, 0.999,
];

function trafficLight(raster: Raster, materials: Materials, pose: ReturnType<Street["place"]>, metal: Paint, seed: number, frame: number): void {
  const dark = paintOf(materials.plain, [28, 30, 30], classIds.light);
  const high = 2.5;
  capsule(raster, pose, 0, -0.2, 0, 0.07, 0, high + 1, 0, 0.06, metal);
  drawFrustum(raster, pose, block(high, high + 1, 0.19, -0.3, -0.08), dark);
  const phase = Math.floor((frame + (seed & 255)) / 75) % 3;
  const colours: readonly Rgb[] = [[40, 230, 120], [255, 180, 40], [255, 40, 30]];
  colours.forEach((colour, i) => {
    const on = i === (phase === 0 ? 0 : 2);
    const y = high + 0.2 + i * 0.3;
    const face = paintOf(materials.plain, on ? colour : [colour[0] * 0.2, colour[1] * 0.2, colour[2] * 0.2], classIds.light, { glow: on ? 250 : 0, lift: 0.004 });
    capsule(raster, pose, 0, y, -0.31, 0.1, 0, y + 0.001, -0.31, 0.1, face);
    if (on) raster.light(0, y, -0.33, pose, colour, 0.5, 0.5);
  });
}

export function drawFence(raster: Raster, street: Street, materials: Materials, palette: Palette, fence: Fence): void {
  const random = new Random(fence.seed, 0xfe2c);
  const { z0, z1 } = fence;
  const a = street.middle(z0) + fence.lateral, b = street.middle(z1) + fence.lateral;
  const low0 = street.height(z0), low1 = street.height(z1);
  const form = random.next(), long = z1 - z0;
  const wall = (texture: Paint, high: number, repeats: number, v: number) =>
    raster.polygon([a, low0 - 0.2, z0, 0, 0, b, low1 - 0.2, z1, repeats, 0, b, low1 + high, z1, repeats, v, a, low0 + high, z0, 0, v], texture);
  if (form < 0.35) {
    wall(paintOf(materials.railing, palette.fence, classIds.fence), 1.1, long, 0.999);
    return;
  }
  if (form < 0.6) {
    wall(paintOf(materials.boards, palette.fence, classIds.fence), 1.6, long, 1.6);
    return;
  }
  const high = random.range(0.7, 2);
  const brick = paintOf(materials.bricks, form < 0.85 ? [165, 105, 80] : [170, 165, 150], classIds.fence);
  wall(brick, high, long / 2, high / 2);
  const cap = Math.sign(fence.lateral) * 0.25;
  raster.polygon([a, low0 + high, z0, 0, 0, b, low1 + high, z1, long, 0, b + cap, low1 + high, z1, long, 1, a + cap, low0 + high, z0, 0, 1], paintOf(materials.dirty, [190, 185, 175], classIds.fence));
}
