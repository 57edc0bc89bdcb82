import type { Frame } from "../../../frame.js";
import { Random } from "../../../random.js";
import type { Trainers } from "./trainers.js";
import type { Witness } from "./witness.js";

/** What becomes of a frame: undefined where none comes. `other` shows the opposite light. */
export type CameraFault = (frame: Frame, other: Uint8Array) => Frame | undefined;

/** What a fault that is not the camera's can get hold of. */
export interface Surroundings {
  readonly witnesses: Witness[];
  /** Starts another subscriber. */
  readonly subscribe: () => Promise<Witness>;
  readonly trainers: Trainers;
}

export type Fault =
  | { readonly name: string; readonly camera: () => CameraFault }
  /** Begins when it is called, and ends when what it answers with is. */
  | { readonly name: string; readonly begin: (surroundings: Surroundings) => Promise<() => void> | (() => void) };

const random = new Random(1, "soak");

/** One a minute, in turns. */
export const faults: readonly Fault[] = [
  { name: "camera silent", camera: () => () => undefined },
  { name: "trainer killed", begin: ({ trainers }) => (trainers.signal("SIGKILL"), () => undefined) },
  { name: "camera frozen", camera: () => frozen() },
  { name: "subscriber stuck", begin: ({ witnesses: [first] }) => (first?.freeze(), () => first?.wake()) },
  { name: "frames corrupt", camera: () => (frame) => ({ ...frame, rgb: frame.rgb.subarray(0, 1000 + random.below(frame.rgb.length / 2)) }) },
  { name: "lens covered", camera: () => (frame) => ({ ...frame, rgb: new Uint8Array(frame.rgb.length).fill(85) }) },
  { name: "trainer hangs", begin: ({ trainers }) => (trainers.signal("SIGSTOP"), () => trainers.signal("SIGCONT")) },
  { name: "size changes", camera: () => (frame) => (frame.sequence % 2 === 0 ? { ...frame, height: frame.height / 2, rgb: frame.rgb.subarray(0, frame.rgb.length / 2) } : frame) },
  { name: "time goes back", camera: () => (frame) => ({ ...frame, captureTimeNs: frame.captureTimeNs - BigInt(frame.sequence % 7) * 3_000_000_000n }) },
  {
    name: "subscriber killed",
    begin: async ({ witnesses, subscribe }) => {
      witnesses.shift()?.kill();
      witnesses.push(await subscribe());
      return () => undefined;
    },
  },
  { name: "light flickers", camera: () => (frame, other) => (frame.sequence % 2 === 0 ? frame : { ...frame, rgb: other }) },
  { name: "frames of noise", camera: () => (frame) => ({ ...frame, rgb: noise(frame.rgb.length) }) },
];

function frozen(): CameraFault {
  let still: Uint8Array | undefined;
  return (frame) => ({ ...frame, rgb: (still ??= frame.rgb) });
}

function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at + 4 <= length; at += 4) new DataView(bytes.buffer).setUint32(at, random.uint32());
  return bytes;
}
