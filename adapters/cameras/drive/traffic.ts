import { sideStreet } from "./cell.js";
import type { Item } from "./item.js";
import { hash, Random } from "./prng.js";
import { cellLength, type Street } from "./street.js";
import { pickVehicle } from "./vehicle.js";

/** How far one sees movers, metres. */
const sight = 130;

/** Who uses a lane: places at regular distances that all move at one speed, some of them taken. */
interface Lane {
  readonly key: number;
  readonly lateral: number;
  /** Metres a second along the street, negative towards the camera. */
  readonly speed: number;
  readonly spacing: number;
  /** Share of places taken. */
  readonly taken: number;
  readonly who: "vehicle" | "pedestrian" | "bicyclist";
}

/** What moves on a street. Position is a function of the time, so any frame can be drawn by itself. */
export class Traffic {
  readonly #lanes: readonly Lane[];
  readonly #ahead: number;

  constructor(
    private readonly street: Street,
    /** Metres a second of the camera. */
    speed: number,
  ) {
    const random = new Random(street.seed, 0x7a11);
    const busy = random.range(0.08, 0.45), people = random.range(0.1, street.kind === "city" ? 0.75 : 0.4), riders = random.range(0.08, 0.4);
    this.#ahead = random.range(0.1, 0.45);
    const lanes: Lane[] = [];
    for (let lane = 0; lane < street.lanes; lane++) {
      lanes.push({ key: lane, lateral: street.lane(-1, lane), speed: -speed * random.range(0.8, 1.15), spacing: 15, taken: busy, who: "vehicle" });
      if (lane > 0) lanes.push({ key: 8 + lane, lateral: street.lane(1, lane), speed: speed * random.range(0.75, 1.2), spacing: 17, taken: busy, who: "vehicle" });
    }
    const edge = street.laneWidth * street.lanes - (street.parking > 0 ? 0.35 : 0.5);
    for (const direction of [1, -1] as const)
      lanes.push({ key: 16 + direction, lateral: street.side * direction * edge, speed: direction * random.range(3.5, 5.5), spacing: 22, taken: riders, who: "bicyclist" });
    if (street.pavement > 0)
      for (const side of [-1, 1] as const)
        for (const way of [-1, 1] as const)
          lanes.push({ key: 32 + side * 2 + way, lateral: side * (street.halfRoad + street.verge + street.pavement * (way > 0 ? 0.3 : 0.72)), speed: way * random.range(1, 1.6), spacing: 4.5, taken: people * 0.5, who: "pedestrian" });
    this.#lanes = lanes;
  }

  /** Movers at a time (seconds), seen from `z`. */
  at(seconds: number, z: number): Item[] {
    const items: Item[] = [];
    for (const lane of this.#lanes) {
      const moved = lane.speed * seconds;
      const last = Math.floor((z + sight - moved) / lane.spacing);
      for (let k = Math.ceil((z - 8 - moved) / lane.spacing); k <= last; k++) {
        const random = new Random(this.street.seed, 0x1a4e, lane.key, k);
        if (!random.chance(lane.taken)) continue;
        const at = k * lane.spacing + random.range(0, lane.who === "vehicle" ? 3 : lane.spacing * 0.8) + moved;
        items.push(this.#mover(lane.who, random, lane.lateral, at, lane.speed >= 0 ? 0 : Math.PI, seconds));
      }
    }
    for (let k = 0, gap = 9; gap < sight; k++, gap += 20) {
      const random = new Random(this.street.seed, 0xa4ead, k);
      if (random.chance(this.#ahead)) items.push(this.#mover("vehicle", random, this.street.lane(1, 0), z + gap + random.range(0, 9), 0, seconds));
    }
    this.#crossing(z, seconds, items);
    return items;
  }

  #mover(who: Lane["who"], random: Random, lateral: number, z: number, heading: number, seconds: number): Item {
    const seed = random.int(0, 0x7fffffff);
    if (who === "vehicle") return { kind: "vehicle", vehicle: pickVehicle(random), seed, lateral: lateral + random.range(-0.15, 0.15), z, heading, moving: true };
    const wobble = who === "pedestrian" ? random.range(-0.5, 0.5) * Math.min(1, this.street.pavement * 0.35) : random.range(-0.15, 0.15);
    return { kind: who, seed, lateral: lateral + wobble, z, heading, phase: seconds * (who === "pedestrian" ? 5.5 : 4.5) + (seed & 63), stride: 1 };
  }

  /** At junctions people and vehicles cross; how far they are follows from how far the camera is away. */
  #crossing(z: number, seconds: number, items: Item[]): void {
    const { street } = this;
    for (let cell = Math.floor(z / cellLength); cell * cellLength < z + 120; cell++) {
      if (!street.isJunction(cell)) continue;
      const random = new Random(street.seed, 0xc2055, cell);
      const begin = cell * cellLength, distance = begin - z;
      for (let i = 0; i < 3; i++) {
        const way = random.chance(0.5) ? 1 : -1, late = random.range(0, 12), seed = random.int(0, 0x7fffffff), row = random.range(0, 2);
        const t = (70 - distance - late) / 46;
        if (random.chance(0.6) && t > 0 && t < 1)
          items.push({ kind: i === 2 ? "bicyclist" : "pedestrian", seed, lateral: way * (street.halfRoad + 1.5) * (2 * t - 1), z: begin + 2 + row, heading: (way * Math.PI) / 2, phase: seconds * 5.5 + i, stride: 1 });
      }
      for (const way of [-1, 1] as const) {
        const t = (130 - distance - random.range(0, 30)) / 70, seed = hash(street.seed, cell, way);
        const vehicle = pickVehicle(random);
        if (random.chance(0.55) && t > 0 && t < 1)
          items.push({ kind: "vehicle", vehicle, seed, lateral: way * 46 * (2 * t - 1), z: begin + (sideStreet.from + sideStreet.to) / 2 - way * street.side * 2, heading: (way * Math.PI) / 2, moving: true });
      }
    }
  }
}
