import { NightshiftError } from "../errors.js";
import type { ConditionName } from "../stream/events.js";
import { type Scene, sceneDistance } from "./scene.js";

/** A frame to learn from. */
export interface RememberedFrame {
  /** `CAMERA/SEQUENCE`. */
  readonly id: string;
  readonly condition: ConditionName;
  /** Nanoseconds since the Unix epoch. */
  readonly captureTimeNs: bigint;
  /** `[height, width, 3]`, packed RGB at the network's input size. */
  readonly rgb: Uint8Array;
  readonly scene: Scene;
}

/** A frame that may be remembered. Its pixels are asked for only then. */
export type Candidate = Omit<RememberedFrame, "rgb"> & { rgb(): Uint8Array };

export interface MemoryOptions {
  /** Frames over all conditions. */
  readonly capacity: number;
  /** Pixels of the network's input. */
  readonly width: number;
  readonly height: number;
  /** A frame that is closer than this to one of its condition adds nothing (see `sceneDistance`). */
  readonly leastNovelty: number;
  /** Frames that were captured longer ago are forgotten; none is where it is `Infinity`. */
  readonly mostHours: number;
}

export const defaultMemoryOptions: MemoryOptions = { capacity: 96, width: 512, height: 256, leastNovelty: 0.03, mostHours: 7 * 24 };

export interface MemoryCounters {
  readonly offered: number;
  /** Remembered while there was room. */
  readonly kept: number;
  /** Remembered in place of another. */
  readonly replaced: number;
  /** Too close to what is remembered. */
  readonly redundant: number;
  readonly held: number;
  readonly heldBy: Readonly<Partial<Record<ConditionName, number>>>;
}

export type Offered = "kept" | "replaced" | "redundant";

/**
 * A bounded, varied set of target frames. When it is full, a new frame takes the place of the most redundant one: the older of the two most alike frames of
 * its condition, or of the condition that holds the most while the new one's holds less than its part.
 */
export class FrameMemory {
  #options: MemoryOptions;
  readonly #frames: RememberedFrame[] = [];
  /** How far each frame is from the later ones of its condition; comparing all anew would take 18 ms an offer. */
  readonly #distances = new Map<RememberedFrame, Map<RememberedFrame, number>>();
  #counts = { offered: 0, kept: 0, replaced: 0, redundant: 0 };
  #revision = 0;

  /** Throws `E_CONFIG` for a capacity of less than two frames. */
  constructor(options: Partial<MemoryOptions> = {}) {
    this.#options = { ...defaultMemoryOptions, ...options };
    if (!Number.isInteger(this.options.capacity) || this.options.capacity < 2)
      throw new NightshiftError("E_CONFIG", {
        expected: "a memory of at least 2 frames",
        received: String(this.options.capacity),
        remedy: "Raise the memory's capacity, or pause the adaptation instead.",
      });
  }

  get options(): MemoryOptions {
    return this.#options;
  }

  get counters(): MemoryCounters {
    const heldBy: Partial<Record<ConditionName, number>> = {};
    for (const { condition } of this.#frames) heldBy[condition] = (heldBy[condition] ?? 0) + 1;
    return { ...this.#counts, held: this.#frames.length, heldBy };
  }

  /** Counts what was added and removed: the same number, the same frames. */
  get revision(): number {
    return this.#revision;
  }

  /** All frames, or those of one condition, the oldest first. */
  frames(condition?: ConditionName): readonly RememberedFrame[] {
    return condition ? this.#frames.filter((frame) => frame.condition === condition) : [...this.#frames];
  }

  /** Throws `E_FRAME_SIZE` where the candidate's pixels are not of the memory's size. */
  offer(candidate: Candidate): Offered {
    this.#counts.offered++;
    const alike = this.frames(candidate.condition);
    const novelty = Math.min(1, ...alike.map(({ scene }) => sceneDistance(scene, candidate.scene)));
    const isFull = this.#frames.length >= this.options.capacity;
    const leaves = isFull ? this.#leaving(candidate.condition, novelty) : undefined;
    if (novelty < this.options.leastNovelty || (isFull && !leaves)) {
      this.#counts.redundant++;
      return "redundant";
    }
    this.#add({ ...candidate, rgb: candidate.rgb() });
    if (leaves) this.#remove(leaves);
    this.#counts[leaves ? "replaced" : "kept"]++;
    return leaves ? "replaced" : "kept";
  }

  /** Frames are too old after so many hours. */
  keepFor(mostHours: number): void {
    this.#options = { ...this.#options, mostHours };
  }

  /** Forgets what is too old at `nowNs`, nanoseconds since the Unix epoch. A clock that jumps ahead makes frames old: rather too little is kept than too much. */
  forgetOld(nowNs: bigint): void {
    for (const frame of this.frames()) if (Number(nowNs - frame.captureTimeNs) > this.options.mostHours * 3600e9) this.#remove(frame);
  }

  /** Forgets everything, or one condition. */
  clear(condition?: ConditionName): void {
    for (const frame of this.frames(condition)) this.#remove(frame);
  }

  /** Puts back frames that a memory of the same size held. Throws `E_FRAME_SIZE`. */
  restore(frames: readonly RememberedFrame[]): void {
    for (const frame of frames) this.#add(frame);
    for (const frame of this.#frames.slice(0, -this.options.capacity)) this.#remove(frame);
  }

  #add(frame: RememberedFrame): void {
    const { width, height } = this.options;
    if (frame.rgb.length !== width * height * 3)
      throw new NightshiftError("E_FRAME_SIZE", {
        expected: `${width * height * 3} bytes (${width} x ${height} x 3)`,
        received: `${frame.rgb.length} bytes`,
        remedy: "Resize frames to the network's input before they are remembered.",
      });
    for (const earlier of this.#frames)
      if (earlier.condition === frame.condition) this.#distances.get(earlier)!.set(frame, sceneDistance(earlier.scene, frame.scene));
    this.#revision++;
    this.#frames.push(frame);
    this.#distances.set(frame, new Map());
  }

  #remove(frame: RememberedFrame): void {
    this.#revision++;
    this.#frames.splice(this.#frames.indexOf(frame), 1);
    this.#distances.delete(frame);
    for (const later of this.#distances.values()) later.delete(frame);
  }

  #leaving(condition: ConditionName, novelty: number): RememberedFrame | undefined {
    const { heldBy } = this.counters;
    const [largest] = [...new Set(this.#frames.map((frame) => frame.condition))].sort((a, b) => heldBy[b]! - heldBy[a]!);
    const isShort = largest && (heldBy[condition] ?? 0) + 1 < heldBy[largest]!;
    return isShort ? this.#mostRedundant(largest, Infinity) : this.#mostRedundant(condition, novelty);
  }

  /** The older of the two frames of a condition that are most alike, if they are more alike than `limit`. */
  #mostRedundant(condition: ConditionName, limit: number): RememberedFrame | undefined {
    let [least, found]: [number, RememberedFrame | undefined] = [limit, undefined];
    for (const frame of this.frames(condition))
      for (const distance of this.#distances.get(frame)!.values()) if (distance < least) [least, found] = [distance, frame];
    return found;
  }
}
