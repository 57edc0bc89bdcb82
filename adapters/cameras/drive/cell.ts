import type { Item } from "./item.js";
import { Random } from "./prng.js";
import { cellLength, type Street } from "./street.js";
import { pickVehicle, vehicleSize } from "./vehicle.js";

/** Where a side street opens in a junction's cell, metres from the cell's beginning. */
export const sideStreet = { from: 5.5, to: 14.5 } as const;

/** Everything that stands still in one cell. It depends on the street's seed and the cell's number only. */
export function furnish(street: Street, cell: number): Item[] {
  const random = new Random(street.cellSeed(cell), 1);
  const density = new Random(street.seed, 0xde45);
  const habits = { parked: density.range(0.1, 0.85), trees: density.range(0.1, 0.9), people: density.range(0.1, 0.8), fences: density.next(), signs: density.range(0.4, 1.2) };
  const items: Item[] = [];
  const z0 = cell * cellLength;
  const junction = street.isJunction(cell);
  const clear = (z: number) => !junction || z < z0 + sideStreet.from - 1.5 || z > z0 + sideStreet.to + 1.5;
  const seed = () => random.int(0, 0x7fffffff);
  for (const side of [-1, 1] as const) {
    frontage(street, cell, side, random, items);
    const kerb = street.halfRoad;
    if (street.parking > 0)
      for (let z = z0 + 3; z < z0 + cellLength - 1; ) {
        const vehicle = random.chance(0.9) ? random.pick(["hatch", "hatch", "saloon", "suv", "van"] as const) : pickVehicle(random);
        const length = vehicleSize[vehicle].length + random.range(0.5, 1.6);
        if (random.chance(habits.parked) && clear(z - length / 2) && clear(z + length / 2) && vehicle !== "bus")
          items.push({ kind: "vehicle", vehicle, seed: seed(), lateral: side * (kerb - 1.08 + random.range(-0.1, 0.1)), z: z + length / 2 - 3, heading: (side === street.side) === random.chance(0.9) ? 0 : Math.PI, moving: false });
        z += length;
      }
    const beside = kerb + (street.verge > 0 ? street.verge * 0.5 : 0.5);
    for (let i = 0; i < 2; i++) {
      const z = z0 + random.range(i * 10, i * 10 + 9);
      if (!clear(z)) continue;
      const v = random.next();
      if (v < habits.trees * 0.7) items.push({ kind: "tree", seed: seed(), lateral: side * (beside + 0.2), z, height: random.range(5, 10.5), form: "round" });
      else if (v > 1 - habits.signs * 0.4) items.push({ kind: random.pick(["sign", "sign", "sign", "pole", "pole", "bollard"] as const), seed: seed(), lateral: side * beside, z });
    }
    if (junction) {
      for (const z of [z0 + sideStreet.from - 1, z0 + sideStreet.to + 1])
        if (random.chance(0.6)) items.push({ kind: "traffic light", seed: seed(), lateral: side * (kerb + 0.5), z });
      if (random.chance(0.5)) items.push({ kind: "sign", seed: seed(), lateral: side * (kerb + 0.7), z: z0 + 3 });
    }
    if (street.pavement > 0)
      for (let i = 0; i < 2; i++)
        if (random.chance(habits.people * 0.5))
          items.push({ kind: "pedestrian", seed: seed(), lateral: side * (kerb + street.verge + random.range(0.3, Math.max(0.4, street.pavement - 0.3))), z: z0 + random.range(0, 20), heading: random.range(0, 6.3), phase: 0, stride: random.range(0, 0.4) });
    if (street.kind !== "city" && !junction && habits.fences > 0.3 && random.chance(0.8))
      items.push({ kind: "fence", seed: (street.seed + side) | 0, lateral: side * (kerb + street.verge + street.pavement + 0.3), z0, z1: z0 + cellLength * (random.chance(0.7) ? 1 : 0.6) });
  }
  lamps(street, cell, items);
  return items;
}

/** Buildings, gardens and woods behind the pavement. */
function frontage(street: Street, cell: number, side: 1 | -1, random: Random, items: Item[]): void {
  const z0 = cell * cellLength, end = z0 + cellLength;
  const seed = () => random.int(0, 0x7fffffff);
  const junction = street.isJunction(cell);
  const city = street.kind === "city";
  const tree = (lateral: number, z: number) => items.push({ kind: "tree", seed: seed(), lateral: side * lateral, z, height: random.range(4, 13), form: random.pick(["round", "round", "round", "tall", "bush"] as const) });
  const pieces: (readonly [number, number])[] = junction ? [[z0, z0 + 3.2], [end - 3.2, end]] : random.chance(0.5) ? [[z0, z0 + random.range(8, 12)]] : [[z0, end]];
  const first = pieces[0];
  if (!junction && first && first[1] < end) pieces.push([first[1], end]);
  // Beyond the mouth of a side street something closes the view.
  if (junction) {
    for (let i = 0; i < 4; i++) tree(random.range(48, 75), z0 + random.range(-6, 26));
    items.push({ kind: "building", seed: seed(), side, front: 80, z0: z0 - 25, z1: end + 25, height: random.range(6, 13), depth: 10, gabled: true });
  }
  for (const [from, to] of pieces) {
    const built = city ? 0.93 : street.kind === "suburb" ? 0.75 : 0.16;
    if (random.chance(built)) {
      const gap = city ? 0 : random.range(0.8, 2.5);
      if (to - from - gap < 2.5) continue;
      const tall = city ? random.range(6.5, 17) : random.range(5, 7.5);
      items.push({ kind: "building", seed: seed(), side, front: street.frontage + random.range(0, city ? 0.5 : 3), z0: from + gap / 2, z1: to - gap / 2, height: tall, depth: city ? 14 : random.range(7, 10), gabled: random.chance(city ? 0.5 : 0.95) });
      if (!city && random.chance(0.5)) items.push({ kind: "tree", seed: seed(), lateral: side * (street.frontage - 1), z: random.range(from, to), height: random.range(1, 2.2), form: "bush" });
      continue;
    }
    const trees = city ? 3 : street.kind === "suburb" ? 3 : 4;
    for (let i = 0; i < trees; i++) tree(street.frontage + random.range(0, street.kind === "road" ? 24 : 9), random.range(from, to));
    if (city) items.push({ kind: "fence", seed: seed(), lateral: side * (street.frontage + 0.1), z0: from, z1: to });
  }
}

/** Street lamps stand at multiples of their spacing, so that their light can be found from a position alone. */
function lamps(street: Street, cell: number, items: Item[]): void {
  const spacing = street.lampSpacing;
  for (let k = Math.ceil((cell * cellLength) / spacing); k * spacing < (cell + 1) * cellLength; k++)
    items.push({ kind: "lamp", seed: (street.seed ^ k) | 0, lateral: lampSideOf(street, k) * lampLateral(street), z: k * spacing });
}

export const lampLateral = (street: Street): number => street.halfRoad + 0.55;

export const lampSideOf = (street: Street, k: number): 1 | -1 => (street.lampSide !== 0 ? street.lampSide : (k & 1) === 0 ? 1 : -1);
