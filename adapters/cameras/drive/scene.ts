import { drawBuilding } from "./building.js";
import { furnish } from "./cell.js";
import type { DriveBoxName } from "./classes.js";
import { drawFence, drawFurniture } from "./furniture.js";
import { Ground } from "./ground.js";
import type { Item } from "./item.js";
import type { Materials } from "./materials.js";
import { makePalette, type Palette } from "./palette.js";
import { drawPedestrian, drawRider } from "./person.js";
import type { Raster } from "./raster.js";
import { Shadows } from "./shadow.js";
import { cellLength, type Street } from "./street.js";
import { Traffic } from "./traffic.js";
import { drawTree } from "./tree.js";
import { drawVehicle } from "./vehicle.js";

/** How far one sees, metres. */
const sight = 260;
/** How far small things are drawn, metres. */
const smallSight = 130;
const shadowSight = 90;
const cellsKept = 64;

/** Everything of a drive that can be seen, drawn into a raster. */
export class Scene {
  readonly #palette: Palette;
  readonly #ground: Ground;
  readonly #shadows: Shadows;
  readonly #traffic: Traffic;
  readonly #cells = new Map<number, readonly Item[]>();

  constructor(
    private readonly street: Street,
    private readonly materials: Materials,
    speed: number,
  ) {
    this.#palette = makePalette(street.seed);
    this.#ground = new Ground(street, materials, this.#palette);
    this.#shadows = new Shadows(street, materials);
    this.#traffic = new Traffic(street, speed);
  }

  /** Draws what is seen at a time; returns the names of the objects by their numbers. `lamps` is 0 by day, 1 at night. */
  draw(raster: Raster, seconds: number, frame: number, lamps: number): (DriveBoxName | undefined)[] {
    const z = raster.view.z;
    const items: Item[] = [];
    for (let cell = Math.floor(z / cellLength) - 1; cell * cellLength < z + sight; cell++) items.push(...this.#cell(cell));
    items.push(...this.#traffic.at(seconds, z));
    this.#ground.draw(raster, z - 1, z + sight);
    for (const item of items) if (nearEnd(item) - z < shadowSight) this.#shadows.draw(raster, item);
    const labels: (DriveBoxName | undefined)[] = [undefined];
    for (const item of items) {
      const away = nearEnd(item) - z;
      if (item.kind !== "building" && item.kind !== "tree" && away > smallSight) continue;
      if (farEnd(item) < z - 12) continue;
      // People are made of rods, which are not cut at the near plane.
      if ((item.kind === "pedestrian" || item.kind === "bicyclist") && away < 1.4) continue;
      this.#draw(raster, item, frame, lamps, labels);
    }
    return labels;
  }

  #draw(raster: Raster, item: Item, frame: number, lamps: number, labels: (DriveBoxName | undefined)[]): void {
    const { street, materials } = this;
    const palette = this.#palette;
    raster.object = 0;
    switch (item.kind) {
      case "building":
        return drawBuilding(raster, street, materials, palette, item);
      case "tree":
        return drawTree(raster, street, materials, palette, item);
      case "fence":
        return drawFence(raster, street, materials, palette, item);
      case "vehicle": {
        raster.object = labels.length;
        labels.push(item.vehicle === "truck" || item.vehicle === "bus" ? item.vehicle : "car");
        const lit = item.moving && lamps > 0.1 + (item.seed & 63) / 160;
        return drawVehicle(raster, materials, street.place(item.lateral, item.z, item.heading), item.vehicle, item.seed, lit);
      }
      case "pedestrian":
      case "bicyclist": {
        raster.object = labels.length;
        labels.push(item.kind);
        const raised = Math.abs(item.lateral) > street.halfRoad && street.pavement > 0 ? 0.13 : 0;
        const pose = street.place(item.lateral, item.z, item.heading, raised);
        if (item.kind === "bicyclist") return drawRider(raster, materials, pose, item.seed, item.phase);
        return drawPedestrian(raster, materials, pose, item.seed, item.phase, item.stride);
      }
      default:
        return drawFurniture(raster, street, materials, palette, item, frame);
    }
  }

  #cell(cell: number): readonly Item[] {
    const known = this.#cells.get(cell);
    if (known) return known;
    const made = furnish(this.street, cell);
    this.#cells.set(cell, made);
    const oldest = this.#cells.keys().next();
    if (this.#cells.size > cellsKept && oldest.done !== true) this.#cells.delete(oldest.value);
    return made;
  }
}

const nearEnd = (item: Item): number => (item.kind === "building" || item.kind === "fence" ? item.z0 : item.z);
const farEnd = (item: Item): number => (item.kind === "building" || item.kind === "fence" ? item.z1 : item.z);
