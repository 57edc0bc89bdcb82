import { create } from "@bufbuild/protobuf";
import { type VehicleState as VehicleStateMessage, VehicleState_Lamps, VehicleState_Wipers, VehicleStateSchema } from "./messages/nightshift_pb.js";

export type Wipers = Lowercase<Exclude<keyof typeof VehicleState_Wipers, "UNSPECIFIED">>;
export type Lamps = Lowercase<Exclude<keyof typeof VehicleState_Lamps, "UNSPECIFIED">>;

/** What the vehicle says of itself. What is left out stays as it was last told. */
export interface VehicleState {
  readonly wipers?: Wipers;
  readonly lamps?: Lamps;
  readonly fogLamps?: boolean;
  readonly parked?: boolean;
  readonly charging?: boolean;
  /** Metres a second. */
  readonly speedMps?: number;
  /** Outside the vehicle. */
  readonly temperatureCelsius?: number;
}

const wipers = new Map<VehicleState_Wipers, Wipers>([
  [VehicleState_Wipers.OFF, "off"],
  [VehicleState_Wipers.INTERMITTENT, "intermittent"],
  [VehicleState_Wipers.ON, "on"],
]);

const lamps = new Map<VehicleState_Lamps, Lamps>([
  [VehicleState_Lamps.OFF, "off"],
  [VehicleState_Lamps.PARKING, "parking"],
  [VehicleState_Lamps.LOW_BEAM, "low_beam"],
  [VehicleState_Lamps.HIGH_BEAM, "high_beam"],
]);

/** Holds only what the message says. */
export function vehicleState(message: VehicleStateMessage): VehicleState {
  const { fogLamps, parked, charging, speedMps, temperatureCelsius } = message;
  const all = { wipers: wipers.get(message.wipers), lamps: lamps.get(message.lamps), fogLamps, parked, charging, speedMps, temperatureCelsius };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

export function vehicleStateMessage(state: VehicleState): VehicleStateMessage {
  return create(VehicleStateSchema, {
    ...state,
    wipers: numberOf(wipers, state.wipers) ?? VehicleState_Wipers.UNSPECIFIED,
    lamps: numberOf(lamps, state.lamps) ?? VehicleState_Lamps.UNSPECIFIED,
  });
}

const numberOf = <N, S>(names: ReadonlyMap<N, S>, name: S | undefined): N | undefined => [...names].find(([, each]) => each === name)?.[0];
