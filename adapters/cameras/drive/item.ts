import type { Building } from "./building.js";
import type { Fence, Furniture } from "./furniture.js";
import type { Tree } from "./tree.js";
import type { VehicleKind } from "./vehicle.js";

/** Metres and radians; `heading` from the street's direction. */
interface Placed {
  readonly seed: number;
  readonly lateral: number;
  readonly z: number;
  readonly heading: number;
}

export interface Vehicle extends Placed {
  readonly kind: "vehicle";
  readonly vehicle: VehicleKind;
  /** Whether it drives, so that it lights its lamps in the dark. */
  readonly moving: boolean;
}

export interface Person extends Placed {
  readonly kind: "pedestrian" | "bicyclist";
  /** Radians into the step, or into the turn of the pedals. */
  readonly phase: number;
  /** Length of the step, 0 to 1. */
  readonly stride: number;
}

/** Whatever stands or moves on a street. */
export type Item = Building | Tree | Furniture | Fence | Vehicle | Person;
