import { hash, Random } from "./prng.js";
import { type Pose, poseAt } from "./view.js";

export type StreetKind = "city" | "suburb" | "road";

/** A cell is the piece of street that is furnished at a time, metres. */
export const cellLength = 20;

/** The shape of a street: one seed, one street. Lateral positions are metres from the middle of the road, positive to the right. */
export class Street {
  readonly kind: StreetKind;
  readonly laneWidth: number;
  /** Lanes in each direction. */
  readonly lanes: number;
  /** Width of the strip for parked cars on each side, 0 for none. */
  readonly parking: number;
  /** From the middle to the kerb. */
  readonly halfRoad: number;
  readonly verge: number;
  readonly pavement: number;
  /** From the middle to where buildings may begin. */
  readonly frontage: number;
  /** +1 where one drives on the right, -1 on the left. */
  readonly side: 1 | -1;
  /** Cells between junctions. */
  readonly block: number;
  readonly lampSpacing: number;
  readonly lampSide: 0 | 1 | -1;
  readonly lampHeight: number;
  readonly #bends: readonly { readonly amplitude: number; readonly length: number; readonly phase: number }[];
  readonly #hill: { readonly amplitude: number; readonly length: number };

  constructor(readonly seed: number) {
    const random = new Random(seed, 0x57ee7);
    this.kind = random.pick<StreetKind>(["city", "city", "city", "suburb", "suburb", "road"]);
    this.side = random.chance(0.7) ? -1 : 1;
    this.laneWidth = random.range(2.9, 3.6);
    this.lanes = this.kind === "suburb" ? 1 : random.pick([1, 1, 1, 2]);
    this.parking = this.kind === "road" ? 0 : random.pick([0, 2.1, 2.1, 2.3]);
    this.halfRoad = this.laneWidth * this.lanes + this.parking + random.range(0.1, 0.6);
    this.verge = this.kind === "city" ? 0 : this.kind === "road" ? random.range(1, 4) : random.pick([0, 1.4, 2.2]);
    this.pavement = this.kind === "road" ? random.pick([0, 1.6]) : random.range(1.7, this.kind === "city" ? 5.2 : 2.6);
    this.frontage = this.halfRoad + this.verge + this.pavement + (this.kind === "city" ? 0 : this.kind === "suburb" ? random.range(2, 7) : random.range(8, 22));
    this.block = random.int(4, 8);
    this.lampSpacing = random.range(24, 38);
    this.lampSide = random.pick<0 | 1 | -1>([0, 1, -1]);
    this.lampHeight = random.range(5.5, 8.5);
    const bend = this.kind === "road" ? 2.2 : 1;
    this.#bends = [0, 1].map(() => ({ amplitude: random.range(0, 5) * bend, length: random.range(45, 110), phase: random.range(0, 6.3) }));
    this.#hill = { amplitude: random.range(0, 1.6), length: random.range(70, 140) };
  }

  /** x of the middle of the road at z, metres. */
  middle(z: number): number {
    let x = 0;
    for (const bend of this.#bends) x += bend.amplitude * Math.sin(z / bend.length + bend.phase);
    return x;
  }

  /** Height of the road at z, metres. */
  height(z: number): number {
    return this.#hill.amplitude * Math.sin(z / this.#hill.length);
  }

  /** The street's direction at z: radians to the right of the z axis. */
  heading(z: number): number {
    return Math.atan2(this.middle(z + 1) - this.middle(z - 1), 2);
  }

  /** A pose on the street, `lateral` metres from its middle, turned by `heading` from the street's direction. */
  place(lateral: number, z: number, heading = 0, up = 0): Pose {
    return poseAt(this.middle(z) + lateral, this.height(z) + up, z, this.heading(z) + heading);
  }

  /** Whether a side street opens in this cell. */
  isJunction(cell: number): boolean {
    return ((cell % this.block) + this.block) % this.block === 3;
  }

  /** A seed of what stands in a cell. */
  cellSeed(cell: number): number {
    return hash(this.seed, 0xce11, cell);
  }

  /** Lateral position of the middle of a lane; lane 0 is nearest to the middle. `direction` +1 is ours. */
  lane(direction: 1 | -1, lane: number): number {
    return this.side * direction * (lane + 0.5) * this.laneWidth;
  }
}
