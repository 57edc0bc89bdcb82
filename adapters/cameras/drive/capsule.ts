import type { Paint } from "./paint.js";
import type { Raster } from "./raster.js";
import { packState } from "./surface.js";
import { nearPlane, type Pose } from "./view.js";

/**
 * Draws a rod with round ends between two points of the pose (metres), `radiusA` and `radiusB` thick: limbs, poles, frames, branches.
 * Shaded across as a cylinder. Never thinner than about a pixel.
 */
export function capsule(
  raster: Raster,
  pose: Pose,
  ax: number, ay: number, az: number, radiusA: number,
  bx: number, by: number, bz: number, radiusB: number,
  paint: Paint,
): void {
  const { view, surface, object, sun: sunDirection } = raster;
  const { width, height, nearness, albedo, state } = surface;
  const wxA = pose.x + ax * pose.cos + az * pose.sin - view.x, wzA = pose.z - ax * pose.sin + az * pose.cos - view.z;
  const wxB = pose.x + bx * pose.cos + bz * pose.sin - view.x, wzB = pose.z - bx * pose.sin + bz * pose.cos - view.z;
  const depthA = wxA * view.sin + wzA * view.cos, depthB = wxB * view.sin + wzB * view.cos;
  if (depthA < nearPlane || depthB < nearPlane) return;
  const nearA = 1 / depthA, nearB = 1 / depthB;
  const x0 = view.centreX + view.focal * (wxA * view.cos - wzA * view.sin) * nearA, y0 = view.horizonY - view.focal * (pose.y + ay - view.y) * nearA;
  const x1 = view.centreX + view.focal * (wxB * view.cos - wzB * view.sin) * nearB, y1 = view.horizonY - view.focal * (pose.y + by - view.y) * nearB;
  const r0 = Math.max(0.45, radiusA * view.focal * nearA), r1 = Math.max(0.45, radiusB * view.focal * nearB);
  const thick = Math.max(r0, r1);
  const left = Math.max(0, Math.ceil(Math.min(x0 - r0, x1 - r1) - 0.5)), right = Math.min(width - 1, Math.floor(Math.max(x0 + r0, x1 + r1) - 0.5));
  const top = Math.max(0, Math.ceil(Math.min(y0 - r0, y1 - r1) - 0.5)), bottom = Math.min(height - 1, Math.floor(Math.max(y0 + r0, y1 + r1) - 0.5));
  if (left > right || top > bottom) return;
  const dx = x1 - x0, dy = y1 - y0;
  const squared = dx * dx + dy * dy, inverse = squared > 1e-6 ? 1 / squared : 0;
  const lit = sunDirection.x * view.cos - sunDirection.z * view.sin > 0 ? 1 : -1;
  const direct = 150 + 60 * Math.abs(sunDirection.x);
  const base = paint.texture.levels[0][0];
  const colour = (((base & 255) * paint.r) >> 8) | ((((base >>> 8) & 255) * paint.g) & 0xff00) | (((((base >>> 16) & 255) * paint.b) >> 8) << 16);
  const ownGlow = paint.glow ?? 0;
  const lift = 1 + (paint.lift ?? 0);
  for (let y = top; y <= bottom; y++) {
    const ry = y + 0.5 - y0;
    for (let x = left; x <= right; x++) {
      const rx = x + 0.5 - x0;
      let t = (rx * dx + ry * dy) * inverse;
      t = t < 0 ? 0 : t > 1 ? 1 : t;
      const ox = rx - dx * t, oy = ry - dy * t;
      const radius = r0 + (r1 - r0) * t;
      const away = ox * ox + oy * oy;
      if (away > radius * radius) continue;
      const p = y * width + x;
      if (object !== 0 && surface.covered[p] !== object) {
        surface.covered[p] = object;
        surface.coverage[object]++;
      }
      const near = (nearA + (nearB - nearA) * t) * lift;
      if (near <= nearness[p]) continue;
      nearness[p] = near;
      albedo[p] = colour;
      surface.object[p] = object;
      const side = (ox * lit) / thick;
      state[p] = packState(paint.id, side > -0.3 ? direct * (side + 0.45) * 0.7 : 0, 165 - (oy / thick) * 40, ownGlow);
    }
  }
}
