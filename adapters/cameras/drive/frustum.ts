import type { Paint } from "./paint.js";
import type { Raster } from "./raster.js";
import type { Pose } from "./view.js";

/** A block whose top may be smaller than its bottom: extents in x (half width), y and z, metres, in the pose's axes. */
export interface Frustum {
  readonly low: { readonly y: number; readonly half: number; readonly back: number; readonly front: number };
  readonly high: { readonly y: number; readonly half: number; readonly back: number; readonly front: number };
}

export type Side = "left" | "right" | "front" | "back";

export const block = (y0: number, y1: number, half: number, back: number, front: number): Frustum => ({
  low: { y: y0, half, back, front },
  high: { y: y1, half, back, front },
});

/**
 * The part of a side from (u0, v0) to (u1, v1), each 0 to 1: v from bottom to top; u from back to front, or from left to right.
 * `repeatU` and `repeatV` say how often the texture repeats over the part.
 */
export function sidePart(frustum: Frustum, side: Side, u0: number, v0: number, u1: number, v1: number, repeatU = 1, repeatV = 1): number[] {
  const corner = (u: number, v: number, tu: number, tv: number): number[] => {
    const { low, high } = frustum;
    const half = low.half + (high.half - low.half) * v;
    const back = low.back + (high.back - low.back) * v, front = low.front + (high.front - low.front) * v;
    const y = low.y + (high.y - low.y) * v;
    if (side === "left" || side === "right") return [side === "left" ? -half : half, y, back + (front - back) * u, tu, tv];
    return [half * (2 * u - 1), y, side === "front" ? front : back, tu, tv];
  };
  return [...corner(u0, v0, 0, 0), ...corner(u1, v0, repeatU, 0), ...corner(u1, v1, repeatU, repeatV), ...corner(u0, v1, 0, repeatV)];
}

export function topOf({ high }: Frustum, repeat = 1): number[] {
  return [
    -high.half, high.y, high.back, 0, 0,
    high.half, high.y, high.back, repeat, 0,
    high.half, high.y, high.front, repeat, repeat,
    -high.half, high.y, high.front, 0, repeat,
  ];
}

/** Whether the camera sees a side of an upright block from outside. */
export function faces(raster: Raster, pose: Pose, frustum: Frustum, side: Side): boolean {
  const dx = raster.view.x - pose.x, dz = raster.view.z - pose.z;
  const x = dx * pose.cos - dz * pose.sin, z = dx * pose.sin + dz * pose.cos;
  const { low, high } = frustum;
  if (side === "left") return x < -Math.min(low.half, high.half);
  if (side === "right") return x > Math.min(low.half, high.half);
  return side === "front" ? z > Math.min(low.front, high.front) : z < Math.max(low.back, high.back);
}

/** Draws the four sides and the top, those that can be seen. */
export function drawFrustum(raster: Raster, pose: Pose, frustum: Frustum, paint: Paint, top: Paint = paint): void {
  for (const side of ["left", "right", "front", "back"] as const) if (faces(raster, pose, frustum, side)) raster.polygon(sidePart(frustum, side, 0, 0, 1, 1), paint, pose);
  raster.polygon(topOf(frustum), top, pose);
}
