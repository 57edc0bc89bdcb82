import { classIds } from "./classes.js";
import { block, drawFrustum, faces, type Frustum, type Side, sidePart } from "./frustum.js";
import type { Materials } from "./materials.js";
import { carColour, type Rgb } from "./palette.js";
import { type Paint, paintOf } from "./paint.js";
import { Random } from "./prng.js";
import type { Raster } from "./raster.js";
import type { Pose } from "./view.js";

export type VehicleKind = "hatch" | "saloon" | "suv" | "van" | "truck" | "bus";

/** Most are cars. */
export const pickVehicle = (random: Random): VehicleKind => (random.chance(0.86) ? random.pick(["hatch", "hatch", "hatch", "saloon", "saloon", "suv", "suv", "van"]) : random.pick(["truck", "bus", "bus"]));

/** Metres: how long it is, and how high. */
export const vehicleSize: Record<VehicleKind, { readonly length: number; readonly half: number; readonly height: number }> = {
  hatch: { length: 3.9, half: 0.84, height: 1.46 },
  saloon: { length: 4.6, half: 0.88, height: 1.42 },
  suv: { length: 4.5, half: 0.93, height: 1.72 },
  van: { length: 5.2, half: 0.98, height: 2.2 },
  truck: { length: 7.5, half: 1.2, height: 3.2 },
  bus: { length: 11, half: 1.25, height: 3.1 },
};

export const vehicleId = (kind: VehicleKind): number => (kind === "truck" ? classIds.truck : kind === "bus" ? classIds.bus : classIds.car);

/** Draws a vehicle whose middle stands at the pose; `lamps` says whether head and tail lights are on. */
export function drawVehicle(raster: Raster, materials: Materials, pose: Pose, kind: VehicleKind, seed: number, lamps: boolean): void {
  const random = new Random(seed, 0xca2);
  const id = vehicleId(kind);
  const size = vehicleSize[kind];
  const scale = random.range(0.94, 1.07);
  const L = (size.length * scale) / 2, W = size.half * random.range(0.97, 1.04);
  const H = size.height * random.range(0.96, 1.06) * (kind === "bus" && random.chance(0.3) ? 1.38 : 1);
  const colour = carColour(random);
  const body = paintOf(materials.plain, colour, id);
  const lower = paintOf(materials.dirty, scaled(colour, 0.92), id);
  const under = paintOf(materials.plain, [16, 16, 18], id);
  const pane = paintOf(materials.plain, [34 + random.range(0, 30), 38 + random.range(0, 32), 44 + random.range(0, 30)], id, { lift: 0.003 });
  const part = (frustum: Frustum, side: Side, u0: number, v0: number, u1: number, v1: number, paint: Paint) => {
    if (faces(raster, pose, frustum, side)) raster.polygon(sidePart(frustum, side, u0, v0, u1, v1), paint, pose);
  };
  const high = kind === "truck" || kind === "bus";
  const clear = high ? 0.35 : 0.22;
  drawFrustum(raster, pose, block(0.1, clear + 0.12, W * 0.9, -L * 0.93, L * 0.93), under);
  if (high) {
    const cab = kind === "truck" ? L - 2.1 : L;
    if (kind === "truck") {
      const box = block(clear + 0.4, H * 1.02, W, -L, cab - 0.15);
      const cargo = scaled(random.chance(0.5) ? [228, 228, 222] : carColour(random), 1);
      drawFrustum(raster, pose, box, paintOf(materials.dirty, cargo, id));
      const stripe = paintOf(materials.plain, carColour(random), id, { lift: 0.002 });
      for (const side of ["left", "right"] as const) part(box, side, 0.12, 0.35, 0.88, 0.65, stripe);
      part(box, "back", 0.48, 0, 0.52, 1, { ...under, lift: 0.002 });
    }
    const front = kind === "truck" ? block(clear, H * 0.82, W * 0.98, cab, L) : block(clear, H, W, -L, L);
    drawFrustum(raster, pose, front, body, lower);
    part(front, "front", 0.06, 0.46, 0.94, 0.86, pane);
    for (const side of ["left", "right"] as const) {
      if (kind === "truck") part(front, side, 0.3, 0.5, 0.9, 0.86, pane);
      else {
        const decks = H > 3.7 ? [[0.24, 0.45], [0.62, 0.84]] as const : [[0.42, 0.82]] as const;
        for (const [v0, v1] of decks) for (let i = 0; i < 7; i++) part(front, side, 0.03 + i * 0.138, v0, 0.03 + i * 0.138 + 0.118, v1, pane);
        part(front, side, 0.02, 0.12, 0.98, 0.2, paintOf(materials.plain, scaled(colour, 0.5), id, { lift: 0.002 }));
      }
    }
    if (kind === "bus") {
      part(front, "back", 0.12, 0.55, 0.88, 0.85, pane);
      part(front, "front", 0.2, 0.88, 0.8, 0.96, paintOf(materials.plain, [235, 170, 40], id, { lift: 0.003, glow: lamps ? 180 : 20 }));
    }
    ends(raster, materials, pose, front, kind === "truck" ? block(clear + 0.2, clear + 1.2, W, -L, L) : front, id, lamps, 0.12, 0.2, part);
    wheels(raster, materials, pose, W, [-L * 0.62, L * 0.72], 0.5, id);
    return;
  }
  const waist = kind === "van" ? H * 0.5 : H * 0.62, bonnet = kind === "van" ? H * 0.5 : H * 0.56;
  const sill: Frustum = { low: { y: clear, half: W * 0.95, back: -L * 0.96, front: L * 0.95 }, high: { y: H * 0.4, half: W, back: -L, front: L } };
  const shoulder: Frustum = { low: { y: H * 0.4, half: W, back: -L, front: L }, high: { y: bonnet, half: W * 0.95, back: -L * 0.97, front: L * 0.9 } };
  drawFrustum(raster, pose, sill, lower);
  drawFrustum(raster, pose, shoulder, body);
  const boot = kind === "saloon" ? -L * 0.66 : -L * 0.95, rear = kind === "saloon" ? -L * 0.34 : kind === "hatch" ? -L * 0.72 : -L * 0.86;
  const nose = kind === "van" ? L * 0.84 : L * 0.5, brow = kind === "van" ? L * 0.52 : L * 0.08;
  const cabin: Frustum = { low: { y: bonnet, half: W * 0.95, back: boot, front: nose }, high: { y: H, half: W * (kind === "van" ? 0.88 : 0.76), back: rear, front: brow } };
  drawFrustum(raster, pose, cabin, body);
  const sillV = (waist - bonnet) / (H - bonnet) + 0.08;
  part(cabin, "front", 0.07, 0.1, 0.93, 0.9, pane);
  part(cabin, "back", 0.1, kind === "van" ? 0.25 : 0.14, 0.9, 0.86, pane);
  for (const side of ["left", "right"] as const) {
    if (kind !== "van") part(cabin, side, 0.1, sillV, 0.47, 0.88, pane);
    part(cabin, side, kind === "van" ? 0.66 : 0.51, sillV, 0.9, 0.88, pane);
    if (kind !== "van") part(shoulder, side, 0.5, 0.05, 0.506, 1, { ...under, lift: 0.002 });
    part(sill, side, 0.05, 0, 0.95, 0.3, { ...under, lift: 0.002 });
  }
  ends(raster, materials, pose, shoulder, shoulder, id, lamps, 0.2, 0.8, part);
  part(sill, "front", 0.2, 0.3, 0.8, 0.8, { ...under, lift: 0.003 });
  const plate = paintOf(materials.plain, random.chance(0.5) ? [235, 205, 60] : [235, 235, 235], id, { lift: 0.004 });
  part(sill, "back", 0.36, 0.7, 0.64, 1, plate);
  part(sill, "front", 0.36, 0.35, 0.64, 0.65, { ...plate, r: 240, g: 240, b: 238 });
  wheels(raster, materials, pose, W, [-L * 0.6, L * 0.62], H * 0.21, id);
}

const scaled = ([r, g, b]: Rgb, by: number): Rgb => [r * by, g * by, b * by];

type Part = (frustum: Frustum, side: Side, u0: number, v0: number, u1: number, v1: number, paint: Paint) => void;

/** Head lights on the front, tail lights on the back, at heights v0 to v1 of those faces. */
function ends(raster: Raster, materials: Materials, pose: Pose, front: Frustum, back: Frustum, id: number, lamps: boolean, v0: number, v1: number, part: Part): void {
  const white = paintOf(materials.plain, [235, 238, 240], id, { lift: 0.004, glow: lamps ? 250 : 0 });
  const red = paintOf(materials.plain, [200, 22, 18], id, { lift: 0.004, glow: lamps ? 225 : 0 });
  for (const [u0, u1] of [[0.03, 0.22], [0.78, 0.97]] as const) {
    part(front, "front", u0, v0, u1, v1, white);
    part(back, "back", u0, v0, u1, v1, red);
    if (!lamps) continue;
    const x = front.low.half * (u0 + u1 - 1);
    const height = (frustum: Frustum) => frustum.low.y + (frustum.high.y - frustum.low.y) * (v0 + v1) * 0.5;
    if (faces(raster, pose, front, "front")) raster.light(x, height(front), front.low.front + 0.05, pose, [255, 244, 215], 0.9, 1.3);
    if (faces(raster, pose, back, "back")) raster.light(x, height(back), back.low.back - 0.05, pose, [255, 40, 20], 0.5, 0.45);
  }
}

function wheels(raster: Raster, materials: Materials, pose: Pose, half: number, at: readonly number[], radius: number, id: number): void {
  const tyre = paintOf(materials.plain, [22, 22, 24], id, { lift: 0.0035 });
  const hub = paintOf(materials.plain, [125, 128, 132], id, { lift: 0.005 });
  for (const side of ["left", "right"] as const) {
    const x = side === "left" ? -half : half;
    if (!faces(raster, pose, block(0, 1, half, 0, 1), side)) continue;
    for (const z of at) {
      raster.polygon(disc(x * 1.005, radius, z, radius), tyre, pose);
      raster.polygon(disc(x * 1.012, radius, z, radius * 0.58), hub, pose);
    }
  }
}

const corners = Array.from({ length: 12 }, (_, i) => [Math.cos((i * Math.PI) / 6), Math.sin((i * Math.PI) / 6)] as const);

function disc(x: number, y: number, z: number, radius: number): number[] {
  const points: number[] = [];
  for (const [c, s] of corners) points.push(x, y + s * radius, z + c * radius, 0, 0);
  return points;
}
