import { capsule } from "./capsule.js";
import { classIds } from "./classes.js";
import type { Materials } from "./materials.js";
import type { Rgb } from "./palette.js";
import { paintOf } from "./paint.js";
import { Random } from "./prng.js";
import type { Raster } from "./raster.js";
import type { Pose } from "./view.js";

const skins: readonly [Rgb, ...Rgb[]] = [[225, 180, 150], [200, 150, 120], [150, 105, 80], [95, 65, 50]];

const cloth = (random: Random): Rgb =>
  random.chance(0.6) ? [random.range(18, 70), random.range(18, 66), random.range(20, 80)] : [random.range(40, 230), random.range(30, 200), random.range(30, 200)];

/** Someone who walks (or stands, `stride` 0) at the pose, `phase` radians into the step. */
export function drawPedestrian(raster: Raster, materials: Materials, pose: Pose, seed: number, phase: number, stride: number): void {
  const random = new Random(seed, 0x9ed);
  const tall = random.range(1.45, 1.92) * (random.chance(0.08) ? 0.68 : 1);
  const s = tall / 1.75, wide = random.range(0.9, 1.25) * s;
  const paint = (rgb: Rgb) => paintOf(materials.plain, rgb, classIds.pedestrian);
  const skin = paint(random.pick(skins)), top = paint(cloth(random)), trousers = paint(cloth(random)), shoe = paint([25, 22, 22]);
  const hair = paint(random.pick<Rgb>([[30, 24, 20], [70, 48, 30], [150, 120, 70], [120, 118, 115]]));
  const coat = random.chance(0.35), bag = random.chance(0.35);
  const swing = Math.sin(phase) * 0.32 * stride;
  const hip = 0.9 * s, shoulder = 1.42 * s;
  for (const side of [-1, 1] as const) {
    const foot = swing * side, knee = foot * 0.4 + 0.06 * stride, lift = Math.max(0, -Math.cos(phase) * side) * 0.1 * stride;
    const x = side * 0.1 * wide;
    capsule(raster, pose, x, hip, 0, 0.095 * wide, x, 0.5 * s + lift * 0.5, knee, 0.07 * wide, trousers);
    capsule(raster, pose, x, 0.5 * s + lift * 0.5, knee, 0.07 * wide, x, 0.09 + lift, foot, 0.05 * wide, trousers);
    capsule(raster, pose, x, 0.05 + lift, foot - 0.03, 0.05, x, 0.04 + lift, foot + 0.15, 0.045, shoe);
    const arm = side * 0.23 * wide, hand = -swing * side * 0.9;
    capsule(raster, pose, arm, shoulder - 0.03, 0, 0.065 * wide, arm * 1.12, 1.13 * s, hand * 0.35, 0.055 * wide, top);
    capsule(raster, pose, arm * 1.12, 1.13 * s, hand * 0.35, 0.052 * wide, arm * 1.1, 0.88 * s, hand + 0.06, 0.042 * wide, top);
    capsule(raster, pose, arm * 1.1, 0.86 * s, hand + 0.07, 0.045, arm * 1.1, 0.8 * s, hand + 0.09, 0.04, skin);
  }
  capsule(raster, pose, 0, (coat ? 0.62 : 0.95) * s, 0, (coat ? 0.2 : 0.17) * wide, 0, 1.25 * s, 0.01, 0.19 * wide, top);
  for (const x of [-0.1, 0.1]) capsule(raster, pose, x * wide, 1 * s, 0, 0.13 * wide, x * wide, 1.34 * s, 0, 0.13 * wide, top);
  if (bag) capsule(raster, pose, 0.05, 1.05 * s, -0.2, 0.13, 0.05, 1.3 * s, -0.2, 0.13, paint(cloth(random)));
  head(raster, pose, 1.62 * s, 0, s, skin, hair);
}

function head(raster: Raster, pose: Pose, y: number, z: number, s: number, skin: ReturnType<typeof paintOf>, hair: ReturnType<typeof paintOf>): void {
  capsule(raster, pose, 0, y - 0.18 * s, z, 0.055 * s, 0, y - 0.1 * s, z, 0.055 * s, skin);
  capsule(raster, pose, 0, y - 0.05 * s, z + 0.02, 0.09 * s, 0, y + 0.02 * s, z + 0.02, 0.1 * s, skin);
  capsule(raster, pose, 0, y - 0.01 * s, z - 0.05, 0.1 * s, 0, y + 0.07 * s, z - 0.02, 0.098 * s, hair);
}

/** A rider and the bicycle, the bottom bracket above the pose, `phase` radians into the turn of the pedals. */
export function drawRider(raster: Raster, materials: Materials, pose: Pose, seed: number, phase: number): void {
  const random = new Random(seed, 0xb1ce);
  const paint = (rgb: Rgb) => paintOf(materials.plain, rgb, classIds.bicyclist);
  const tyre = paint([24, 24, 26]), frame = paint(cloth(random)), top = paint(cloth(random)), trousers = paint(cloth(random)), skin = paint(random.pick(skins));
  const helmet = paint(random.chance(0.5) ? [random.range(40, 240), random.range(40, 230), random.range(40, 200)] : [45, 32, 24]);
  const r = 0.34, front = 0.54, back = -0.5;
  for (const z of [front, back])
    for (let i = 0; i < 12; i++) {
      const a = (i * Math.PI) / 6, b = ((i + 1) * Math.PI) / 6;
      capsule(raster, pose, 0, r + Math.sin(a) * r, z + Math.cos(a) * r, 0.022, 0, r + Math.sin(b) * r, z + Math.cos(b) * r, 0.022, tyre);
    }
  const bars: readonly (readonly [number, number, number, number])[] = [
    [0.3, 0, 0.82, -0.18], [0.3, 0, 0.8, 0.38], [0.78, -0.16, 0.8, 0.38], [0.3, 0, r, back], [0.7, -0.15, r, back], [0.95, 0.36, r, front],
  ];
  for (const [y0, z0, y1, z1] of bars) capsule(raster, pose, 0, y0, z0, 0.022, 0, y1, z1, 0.022, frame);
  capsule(raster, pose, -0.25, 1, 0.36, 0.02, 0.25, 1, 0.36, 0.02, tyre);
  capsule(raster, pose, 0, 0.92, -0.28, 0.06, 0, 0.92, -0.08, 0.04, tyre);
  const lean = random.range(0.1, 0.32);
  for (const side of [-1, 1] as const) {
    const y = 0.3 + Math.sin(phase + (side * Math.PI) / 2) * 0.17, z = Math.cos(phase + (side * Math.PI) / 2) * 0.17;
    const x = side * 0.1;
    capsule(raster, pose, x, 0.98, -0.16, 0.1, x, 0.66 + y * 0.12, 0.22 + z * 0.4, 0.07, trousers);
    capsule(raster, pose, x, 0.66 + y * 0.12, 0.22 + z * 0.4, 0.07, x, y + 0.06, z, 0.05, trousers);
    capsule(raster, pose, x, y, z, 0.045, x, y, z + 0.16, 0.04, tyre);
    capsule(raster, pose, side * 0.2, 1.42, lean, 0.06, side * 0.25, 1.18, lean + 0.12, 0.05, top);
    capsule(raster, pose, side * 0.25, 1.18, lean + 0.12, 0.05, side * 0.24, 1.02, 0.36, 0.04, skin);
    capsule(raster, pose, side * 0.08, 1.02, -0.14, 0.13, side * 0.09, 1.4, lean - 0.02, 0.13, top);
  }
  head(raster, pose, 1.66, lean + 0.1, 1, skin, helmet);
}
