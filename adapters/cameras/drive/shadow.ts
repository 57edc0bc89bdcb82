import type { Item } from "./item.js";
import { classIds } from "./classes.js";
import type { Materials } from "./materials.js";
import { type Paint, paintOf } from "./paint.js";
import type { Raster } from "./raster.js";
import type { Street } from "./street.js";
import { vehicleSize } from "./vehicle.js";

const octagon = Array.from({ length: 8 }, (_, i) => [Math.cos((i * Math.PI) / 4), Math.sin((i * Math.PI) / 4)] as const);

/** Darkens the ground under and behind things. Must be drawn after the ground and before all else. */
export class Shadows {
  readonly #cast: Paint;
  readonly #contact: Paint;
  readonly #dark: Paint;

  constructor(
    private readonly street: Street,
    materials: Materials,
  ) {
    this.#cast = paintOf(materials.plain, [0, 0, 0], classIds.road, { shadow: { sun: 0, sky: 0.92 } });
    this.#contact = paintOf(materials.plain, [0, 0, 0], classIds.road, { shadow: { sun: 0.25, sky: 0.72 } });
    this.#dark = paintOf(materials.plain, [0, 0, 0], classIds.road, { shadow: { sun: 0, sky: 0.4 } });
  }

  draw(raster: Raster, item: Item): void {
    const { street } = this;
    const { sun } = raster;
    // Metres that a shadow falls along x and z for each metre of height.
    const ox = -sun.x / sun.y, oz = -sun.z / sun.y;
    if (item.kind === "building") {
      const { z0, z1, height } = item;
      const a = street.middle(z0) + item.side * item.front, b = street.middle(z1) + item.side * item.front, back = item.side * item.depth;
      const h = (street.height(z0) + street.height(z1)) / 2 + 0.06;
      const dx = ox * height, dz = oz * height;
      if (dx * item.side > 0 && Math.abs(dz) < 1) return;
      const sweep = (x0: number, s0: number, x1: number, s1: number) =>
        raster.polygon([x0, h, s0, 0, 0, x1, h, s1, 0, 0, x1 + dx, h, s1 + dz, 0, 0, x0 + dx, h, s0 + dz, 0, 0], this.#cast);
      sweep(a, z0, b, z1);
      sweep(a, z0, a + back, z0);
      sweep(b, z1, b + back, z1);
    } else if (item.kind === "tree") {
      const size = item.height * (item.form === "tall" ? 0.16 : 0.26), up = item.height * 0.6;
      const x = street.middle(item.z) + item.lateral + ox * up, z = item.z + oz * up, h = street.height(item.z) + 0.06;
      raster.polygon(octagon.flatMap(([c, s]) => [x + c * size * 1.2, h, z + s * size * 1.2, 0, 0]), this.#cast);
    } else if (item.kind === "vehicle") {
      const size = vehicleSize[item.vehicle];
      const pose = street.place(item.lateral, item.z, item.heading, 0.02);
      const rectangle = (w: number, l: number, dx: number, dz: number): number[] => [-w + dx, 0, -l + dz, 0, 0, w + dx, 0, -l + dz, 0, 0, w + dx, 0, l + dz, 0, 0, -w + dx, 0, l + dz, 0, 0];
      const half = size.length / 2;
      for (const share of [0.35, 0.75]) {
        const up = size.height * share, x = ox * up, z = oz * up;
        raster.polygon(rectangle(size.half, half * 0.96, x * pose.cos - z * pose.sin, x * pose.sin + z * pose.cos), this.#cast, pose);
      }
      raster.polygon(rectangle(size.half + 0.25, half + 0.22, 0, 0), this.#contact, pose);
      raster.polygon(rectangle(size.half - 0.02, half - 0.1, 0, 0), this.#dark, pose);
    } else if (item.kind !== "fence") {
      const person = item.kind === "pedestrian" || item.kind === "bicyclist";
      const high = person ? 1.7 : item.kind === "bollard" ? 0.9 : item.kind === "lamp" ? street.lampHeight : 3, wide = person ? 0.2 : 0.06;
      const pose = street.place(item.lateral, item.z, 0, 0.02);
      const dx = ox * high, dz = oz * high, length = Math.max(0.1, Math.sqrt(dx * dx + dz * dz));
      const nx = (dz / length) * wide, nz = (-dx / length) * wide;
      const raise = Math.abs(item.lateral) > street.halfRoad ? 0.13 : 0;
      const across = pose.cos, along = pose.sin;
      const local = (x: number, z: number): number[] => [x * across - z * along, raise, x * along + z * across, 0, 0];
      raster.polygon([...local(nx, nz), ...local(-nx, -nz), ...local(dx - nx, dz - nz), ...local(dx + nx, dz + nz)], this.#cast, pose);
      if (person) raster.polygon(octagon.flatMap(([c, s]) => [c * 0.35, raise, s * (item.kind === "bicyclist" ? 0.8 : 0.35), 0, 0]), this.#contact, pose);
    }
  }
}
