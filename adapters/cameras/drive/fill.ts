import type { Paint } from "./paint.js";
import { hash } from "./prng.js";
import { packState, type Surface } from "./surface.js";
import { glass, hole } from "./texture.js";

/** A convex polygon in the picture. */
export interface Span {
  count: number;
  /** Pixels. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Of 1/z, u/z and v/z: the value at corner 0 and its slopes in x and in y. */
  readonly gradients: Float64Array;
  /** 0 to 255. */
  sun: number;
  /** 0 to 255. */
  sky: number;
}

const step = 16;

/** Fills what is nearer than what is there. Texture coordinates are exact every sixteen pixels and linear in between; the depth is exact at each. */
export function fillPolygon(surface: Surface, span: Span, paint: Paint, object: number): void {
  const { width, height, nearness, albedo, state, object: objects } = surface;
  const { x, y, count, gradients } = span;
  let top = Infinity, bottom = -Infinity;
  for (let i = 0; i < count; i++) {
    if (y[i] < top) top = y[i]!;
    if (y[i] > bottom) bottom = y[i]!;
  }
  const first = Math.max(0, Math.ceil(top - 0.5)), last = Math.min(height - 1, Math.ceil(bottom - 0.5) - 1);
  const i0 = gradients[0], ix = gradients[1], iy = gradients[2];
  const u0 = gradients[3], ux = gradients[4], uy = gradients[5], v0 = gradients[6], vx = gradients[7], vy = gradients[8];
  const { levels, bits } = paint.texture;
  const { covered, coverage } = surface;
  const size = 1 << bits;
  const lift = 1 + (paint.lift ?? 0);
  const { r, g, b, id, windows, shadow } = paint;
  const own = packState(id, span.sun, span.sky, paint.glow ?? 0);
  for (let row = first; row <= last; row++) {
    const py = row + 0.5;
    let left = Infinity, right = -Infinity;
    for (let i = 0; i < count; i++) {
      const j = i + 1 === count ? 0 : i + 1;
      const ya = y[i], yb = y[j];
      if (ya <= py === yb <= py) continue;
      const cross = x[i] + ((py - ya) * (x[j] - x[i])) / (yb - ya);
      if (cross < left) left = cross;
      if (cross > right) right = cross;
    }
    const from = Math.max(0, Math.ceil(left - 0.5)), to = Math.min(width, Math.ceil(right - 0.5));
    if (from >= to) continue;
    const dy = py - y[0], dx = from + 0.5 - x[0];
    let iz = i0 + ix * dx + iy * dy, uz = u0 + ux * dx + uy * dy, vz = v0 + vx * dx + vy * dy;
    let z = 1 / iz, u = uz * z * size, v = vz * z * size;
    for (let at = from; at < to; at += step) {
      const length = at + step <= to ? step : to - at;
      const izEnd = iz + ix * length;
      uz += ux * length;
      vz += vx * length;
      // At the far end of a polygon seen from the side 1/z may fall to nothing just past its edge.
      const zEnd = izEnd > 1e-5 ? 1 / izEnd : z;
      const uEnd = uz * zEnd * size, vEnd = vz * zEnd * size;
      const across = Math.max(Math.abs(uEnd - u), Math.abs(vEnd - v)) / length;
      const un = u / size, vn = v / size;
      const down = Math.max(Math.abs(uy - un * iy), Math.abs(vy - vn * iy)) * z * size;
      const footprint = (across > down ? across * 0.6 + down * 0.4 : down * 0.6 + across * 0.4) | 0;
      const wanted = footprint < 2 ? 0 : 31 - Math.clz32(footprint);
      const level = wanted > bits ? bits : wanted;
      const texels = levels[level];
      const levelBits = bits - level, wrap = (1 << levelBits) - 1, shrink = 1 / (1 << level);
      let tu = u * shrink, tv = v * shrink;
      const su = ((uEnd - u) * shrink) / length, sv = ((vEnd - v) * shrink) / length;
      let p = row * width + at;
      for (const end = p + length; p < end; p++, iz += ix, tu += su, tv += sv) {
        if (object === 0 && shadow === undefined && iz * lift <= nearness[p]) continue;
        const iu = Math.floor(tu), iv = Math.floor(tv);
        const texel = texels[((iv & wrap) << levelBits) | (iu & wrap)];
        const alpha = texel >>> 24;
        if (alpha === hole) continue;
        if (object !== 0 && covered[p] !== object) {
          covered[p] = object;
          coverage[object]++;
        }
        if (shadow !== undefined) {
          // Shadows lie on the ground: they fall on whatever ground is at their depth or a little nearer.
          if (iz * 1.06 <= nearness[p] || nearness[p] === 0) continue;
          const there = state[p];
          state[p] = packState(there & 255, ((there >>> 8) & 255) * shadow.sun, Math.min((there >>> 16) & 255, shadow.sky * 255), there >>> 24);
          continue;
        }
        if (iz * lift <= nearness[p]) continue;
        nearness[p] = iz * lift;
        albedo[p] = (((texel & 255) * r) >> 8) | ((((texel >>> 8) & 255) * g) & 0xff00) | (((((texel >>> 16) & 255) * b) >> 8) << 16);
        state[p] = windows !== undefined && alpha === glass ? own | (lit(iu >> levelBits, iv >> levelBits, windows) << 24) : own;
        objects[p] = object;
      }
      iz = izEnd;
      z = zEnd;
      u = uEnd;
      v = vEnd;
    }
  }
}

/** Which windows of a building are lit: about a third. */
function lit(column: number, floor: number, building: number): number {
  const h = hash(building, column, floor);
  return h % 3 === 0 ? 90 + ((h >>> 8) & 127) : 0;
}
