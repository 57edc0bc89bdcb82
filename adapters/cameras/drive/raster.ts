import { fillPolygon, type Span } from "./fill.js";
import type { Paint } from "./paint.js";
import { Surface } from "./surface.js";
import { nearPlane, type Pose, type Sun, type View, worldPose } from "./view.js";

/** A light in the picture, for its halo. */
export interface Glow {
  /** Pixels. */
  readonly x: number;
  readonly y: number;
  /** 1 / metres. */
  readonly nearness: number;
  readonly rgb: readonly [number, number, number];
  /** Metres across. */
  readonly size: number;
  readonly power: number;
}

const most = 16;

/** Draws textured convex polygons into a surface, nearest first whatever their order. */
export class Raster {
  readonly surface: Surface;
  view: View = { x: 0, y: 0, z: 0, cos: 1, sin: 0, focal: 1, centreX: 0, horizonY: 0 };
  sun: Sun = { x: 0, y: 1, z: 0 };
  /** The object that is being drawn, 0 for none. */
  object = 0;
  readonly glows: Glow[] = [];
  readonly #viewed = new Float64Array(most * 5);
  readonly #clipped = new Float64Array(most * 5 + 5);
  readonly #span: Span = { count: 0, x: new Float64Array(most + 1), y: new Float64Array(most + 1), gradients: new Float64Array(9), sun: 0, sky: 0 };

  constructor(width: number, height: number) {
    this.surface = new Surface(width, height);
  }

  begin(view: View, sun: Sun): void {
    this.view = view;
    this.sun = sun;
    this.object = 0;
    this.glows.length = 0;
    this.surface.clear();
  }

  /** `points` holds x, y, z in the pose's metres and u, v in repeats of the texture, for each corner in turn. */
  polygon(points: readonly number[], paint: Paint, pose: Pose = worldPose): void {
    const count = points.length / 5;
    const viewed = this.#viewed;
    const { view } = this;
    const cos = pose.cos * view.cos + pose.sin * view.sin;
    const sin = pose.sin * view.cos - pose.cos * view.sin;
    const dx = pose.x - view.x, dz = pose.z - view.z;
    const baseX = dx * view.cos - dz * view.sin, baseY = pose.y - view.y, baseZ = dx * view.sin + dz * view.cos;
    let nearest = Infinity, farthest = -Infinity;
    for (let i = 0; i < count; i++) {
      const x = points[i * 5], z = points[i * 5 + 2];
      const depth = baseZ - x * sin + z * cos;
      viewed[i * 5] = baseX + x * cos + z * sin;
      viewed[i * 5 + 1] = baseY + points[i * 5 + 1];
      viewed[i * 5 + 2] = depth;
      viewed[i * 5 + 3] = points[i * 5 + 3]!;
      viewed[i * 5 + 4] = points[i * 5 + 4]!;
      if (depth < nearest) nearest = depth;
      if (depth > farthest) farthest = depth;
    }
    if (farthest <= nearPlane) return;
    this.#light(paint);
    if (nearest >= nearPlane) this.#project(viewed, count, paint);
    else this.#project(this.#clipped, this.#clip(count), paint);
  }

  /** Light by the direction of the face, turned towards the camera; from the first three corners, which must not lie in a line. */
  #light(paint: Paint): void {
    const p = this.#viewed;
    const span = this.#span;
    if (paint.shade !== undefined) {
      span.sun = paint.shade;
      span.sky = paint.shade;
      return;
    }
    const ax = p[5] - p[0], ay = p[6] - p[1], az = p[7] - p[2];
    const bx = p[10] - p[0], by = p[11] - p[1], bz = p[12] - p[2];
    let nx = ay * bz - az * by, ny = az * bx - ax * bz, nz = ax * by - ay * bx;
    const facing = nx * p[0] + ny * p[1] + nz * p[2] > 0 ? -1 : 1;
    const length = facing / Math.max(1e-9, Math.sqrt(nx * nx + ny * ny + nz * nz));
    nx *= length;
    ny *= length;
    nz *= length;
    const { view, sun } = this;
    const sunX = sun.x * view.cos - sun.z * view.sin, sunZ = sun.x * view.sin + sun.z * view.cos;
    span.sun = Math.max(0, nx * sunX + ny * sun.y + nz * sunZ) * 255;
    span.sky = 165 + 90 * ny;
  }

  /** Cuts off what is nearer than the near plane; returns the number of corners left. */
  #clip(count: number): number {
    const from = this.#viewed, to = this.#clipped;
    let made = 0;
    for (let i = 0; i < count; i++) {
      const a = i * 5, b = ((i + 1) % count) * 5;
      const za = from[a + 2], zb = from[b + 2];
      if (za >= nearPlane) {
        for (let k = 0; k < 5; k++) to[made * 5 + k] = from[a + k]!;
        made++;
      }
      if (za >= nearPlane !== zb >= nearPlane) {
        const t = (nearPlane - za) / (zb - za);
        for (let k = 0; k < 5; k++) to[made * 5 + k] = from[a + k] + (from[b + k] - from[a + k]) * t;
        made++;
      }
    }
    return made;
  }

  #project(p: Float64Array, count: number, paint: Paint): void {
    if (count < 3) return;
    const { view } = this;
    const span = this.#span;
    for (let i = 0; i < count; i++) {
      const iz = 1 / p[i * 5 + 2];
      span.x[i] = view.centreX + view.focal * p[i * 5] * iz;
      span.y[i] = view.horizonY - view.focal * p[i * 5 + 1] * iz;
    }
    span.count = count;
    if (setGradients(span, p)) fillPolygon(this.surface, span, paint, this.object);
  }

  /** Notes a light for its halo; x, y, z in the pose's metres. */
  light(x: number, y: number, z: number, pose: Pose, rgb: readonly [number, number, number], size: number, power: number): void {
    const { view } = this;
    const dx = pose.x + x * pose.cos + z * pose.sin - view.x, dz = pose.z - x * pose.sin + z * pose.cos - view.z;
    const depth = dx * view.sin + dz * view.cos;
    if (depth < 1) return;
    const nearness = 1 / depth;
    const px = view.centreX + view.focal * (dx * view.cos - dz * view.sin) * nearness;
    const py = view.horizonY - view.focal * (pose.y + y - view.y) * nearness;
    this.glows.push({ x: px, y: py, nearness, rgb, size, power });
  }
}

/** 1/z, u/z and v/z change linearly over the picture: value at the first corner and slopes in x and y. False where the polygon is seen edge on. */
function setGradients(span: Span, p: Float64Array): boolean {
  const { x, y, count, gradients } = span;
  let best = 0, corner = 1;
  for (let i = 1; i + 1 < count; i++) {
    const area = Math.abs((x[i] - x[0]) * (y[i + 1] - y[0]) - (x[i + 1] - x[0]) * (y[i] - y[0]));
    if (area > best) {
      best = area;
      corner = i;
    }
  }
  if (best < 1e-3) return false;
  const x1 = x[corner] - x[0], y1 = y[corner] - y[0], x2 = x[corner + 1] - x[0], y2 = y[corner + 1] - y[0];
  const scale = 1 / (x1 * y2 - x2 * y1);
  const a = 2, b = corner * 5 + 2, c = (corner + 1) * 5 + 2;
  for (let k = 0; k < 3; k++) {
    const v0 = (k === 0 ? 1 : p[a + k]) / p[a], v1 = (k === 0 ? 1 : p[b + k]) / p[b] - v0, v2 = (k === 0 ? 1 : p[c + k]) / p[c] - v0;
    gradients[k * 3] = v0;
    gradients[k * 3 + 1] = (v1 * y2 - v2 * y1) * scale;
    gradients[k * 3 + 2] = (v2 * x1 - v1 * x2) * scale;
  }
  return true;
}
