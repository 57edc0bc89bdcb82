import { sideStreet } from "./cell.js";
import { classIds } from "./classes.js";
import type { Materials } from "./materials.js";
import type { Palette, Rgb } from "./palette.js";
import { type Paint, paintOf } from "./paint.js";
import { Random } from "./prng.js";
import type { Raster } from "./raster.js";
import { cellLength, type Street } from "./street.js";

/** A band along the street: from one lateral position and height to another, metres. */
interface Strip {
  readonly from: number;
  readonly to: number;
  readonly fromUp: number;
  readonly toUp: number;
  readonly paint: Paint;
  /** Metres that a repeat of the texture spans. */
  readonly span: number;
}

const kerbHeight = 0.13;

/** Draws road, kerbs, pavement, verges and markings from `near` to `far`, metres along the street. */
export class Ground {
  readonly #along: readonly Strip[];
  readonly #junction: readonly Strip[];
  readonly #marking: Paint;
  readonly #wide: Paint;
  readonly #kerb: Paint;
  readonly #dash: number;
  readonly #gap: number;
  readonly #edge: boolean;
  readonly #zebra: boolean;

  constructor(
    private readonly street: Street,
    materials: Materials,
    palette: Palette,
  ) {
    const random = new Random(street.seed, 0x6400);
    const scaled = ([r, g, b]: Rgb, by: number): Rgb => [r * by, g * by, b * by];
    const road = paintOf(materials.asphalt, scaled(palette.asphalt, 1.15), classIds.road);
    const paving = paintOf(random.chance(0.3) ? materials.asphalt : materials.paving, scaled(palette.paving, 1.1), classIds.sidewalk);
    const kerb = paintOf(materials.dirty, palette.kerb, classIds.sidewalk);
    const grass = paintOf(materials.grass, scaled(palette.grass, 1.7), classIds.grass);
    this.#kerb = kerb;
    const beyond = street.kind === "city" ? paving : grass;
    const half = street.halfRoad;
    const strips: Strip[] = [{ from: -half, to: half, fromUp: 0, toUp: 0, paint: road, span: 8 }];
    for (const side of [-1, 1]) {
      let at = half;
      const add = (width: number, paint: Paint, span: number, fromUp = kerbHeight, toUp = kerbHeight) => {
        if (width <= 0) return;
        strips.push({ from: side * at, to: side * (at + width), fromUp, toUp, paint, span });
        at += width;
      };
      const raised = street.kind !== "road" || street.pavement > 0;
      if (raised) {
        add(0.02, kerb, 4, 0, kerbHeight);
        add(0.16, kerb, 4);
      }
      add(street.verge, grass, 6, raised ? kerbHeight : 0);
      add(street.pavement, paving, 4);
      add(street.frontage - at, beyond, beyond === grass ? 6 : 4);
      add(240, beyond, beyond === grass ? 6 : 4);
    }
    this.#along = strips;
    this.#junction = [
      { from: -90, to: 90, fromUp: 0, toUp: 0, paint: road, span: 8 },
      ...[-1, 1].map((side): Strip => ({ from: side * 90, to: side * 240, fromUp: 0, toUp: 0, paint: beyond, span: 6 })),
    ];
    this.#marking = paintOf(materials.marking, palette.marking, classIds.road, { lift: 0.004 });
    this.#wide = paintOf(materials.marking, [235, 235, 232], classIds.road, { lift: 0.004 });
    this.#dash = random.range(2, 4.5);
    this.#gap = random.range(2, 7);
    this.#edge = random.chance(0.5);
    this.#zebra = random.chance(0.5);
  }

  draw(raster: Raster, near: number, far: number): void {
    const { street } = this;
    for (let cell = Math.floor(near / cellLength); cell * cellLength < far; cell++) {
      const z = cell * cellLength, away = z - near;
      if (street.isJunction(cell)) {
        this.#strips(raster, this.#along, z, z + sideStreet.from);
        this.#strips(raster, this.#junction, z + sideStreet.from, z + sideStreet.to);
        this.#strips(raster, this.#along, z + sideStreet.to, z + cellLength);
        this.#corner(raster, z + sideStreet.to);
        if (away < 140) this.#stopLines(raster, z);
        continue;
      }
      const pieces = away < 60 ? 4 : away < 140 ? 2 : 1;
      for (let i = 0; i < pieces; i++) this.#strips(raster, this.#along, z + (i * cellLength) / pieces, z + ((i + 1) * cellLength) / pieces);
    }
    // What lies beyond the last cell, flat to the horizon.
    const beyond = this.#along[this.#along.length - 1];
    if (beyond) this.#quad(raster, { ...beyond, from: -900, to: 900, fromUp: 0, toUp: 0 }, far, far + 900, far);
    this.#lines(raster, near, Math.min(far, near + 150));
  }

  #strips(raster: Raster, strips: readonly Strip[], z0: number, z1: number): void {
    for (const strip of strips) this.#quad(raster, strip, z0, z1);
  }

  #quad(raster: Raster, { from, to, fromUp, toUp, paint, span }: Strip, z0: number, z1: number, bend = z1): void {
    const { street } = this;
    const a = street.middle(z0), b = street.middle(bend), ha = street.height(z0), hb = street.height(bend);
    const u0 = from / span, u1 = to / span, v0 = z0 / span, v1 = z1 / span;
    raster.polygon([a + from, ha + fromUp, z0, u0, v0, a + to, ha + toUp, z0, u1, v0, b + to, hb + toUp, z1, u1, v1, b + from, hb + fromUp, z1, u0, v1], paint);
  }

  /** The kerb at the far mouth of a side street. */
  #corner(raster: Raster, z: number): void {
    const x = this.street.middle(z), y = this.street.height(z), half = this.street.halfRoad;
    for (const side of [-1, 1]) {
      const a = x + side * half, b = x + side * 240;
      raster.polygon([a, y - 0.3, z, 0, 0, b, y - 0.3, z, 50, 0, b, y + kerbHeight, z, 50, 0.2, a, y + kerbHeight, z, 0, 0.2], this.#kerb);
    }
  }

  #mark(raster: Raster, paint: Paint, from: number, to: number, z0: number, z1: number): void {
    this.#quad(raster, { from, to, fromUp: 0.005, toUp: 0.005, paint, span: 4 }, z0, z1);
  }

  #lines(raster: Raster, near: number, far: number): void {
    const { street } = this;
    const period = this.#dash + this.#gap;
    const edge = street.laneWidth * street.lanes;
    const inJunction = (z: number) => {
      const cell = Math.floor(z / cellLength);
      return street.isJunction(cell) && z - cell * cellLength > 2 && z - cell * cellLength < sideStreet.to + 2;
    };
    for (let k = Math.floor(near / period); k * period < far; k++) {
      const z = k * period;
      if (inJunction(z) || inJunction(z + this.#dash)) continue;
      this.#mark(raster, this.#marking, -0.06, 0.06, z, z + this.#dash);
      for (let lane = 1; lane < street.lanes; lane++) for (const side of [-1, 1]) this.#mark(raster, this.#wide, side * lane * street.laneWidth - 0.06, side * lane * street.laneWidth + 0.06, z, z + this.#dash);
    }
    if (!this.#edge) return;
    for (let z = Math.floor(near / 5) * 5; z < far; z += 5)
      if (!inJunction(z) && !inJunction(z + 5)) for (const side of [-1, 1]) this.#mark(raster, this.#wide, side * edge - 0.05, side * edge + 0.05, z, z + 5);
  }

  #stopLines(raster: Raster, z: number): void {
    const { street } = this;
    const own = street.side > 0 ? ([0.1, street.halfRoad - 0.2] as const) : ([-street.halfRoad + 0.2, -0.1] as const);
    this.#mark(raster, this.#wide, own[0], own[1], z + 0.3, z + 0.6);
    this.#mark(raster, this.#wide, -own[1], -own[0], z + sideStreet.to + 4.6, z + sideStreet.to + 4.9);
    if (!this.#zebra) return;
    for (let x = -street.halfRoad + 0.4; x < street.halfRoad - 0.5; x += 1.1) this.#mark(raster, this.#wide, x, x + 0.55, z + 1.4, z + 4.2);
  }
}
