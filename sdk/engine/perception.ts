import type { ScoredBox } from "../frame.js";

/** Where the time of one frame went, milliseconds. */
export interface Timings {
  /** Waiting and hand-over: `totalMs - inferenceMs`. */
  readonly queueMs: number;
  /** In the engine's thread. */
  readonly inferenceMs: number;
  /** From capture until the answer. */
  readonly totalMs: number;
}

/** What the engine answers to one frame. */
export interface Perception {
  /** The frame's camera. */
  readonly camera: string;
  /** The frame's number. */
  readonly sequence: number;
  /** Nanoseconds since the Unix epoch, as the frame states it. */
  readonly captureTimeNs: bigint;
  /** Which weights answered, as their bundle numbers them: 0 as delivered, higher for what was learnt since. */
  readonly generation: number;
  /** The category names in force for this frame. */
  readonly vocabulary: readonly string[];
  /** Pixels of the network's input, which is the mask's size. */
  readonly width: number;
  /** Pixels of the network's input, which is the mask's size. */
  readonly height: number;
  /** `height * width` indices into `vocabulary`; 255 where a pixel has no name, as all of a model that only detects. */
  readonly mask: Uint8Array;
  /** `(height / 4) * (width / 4)` confidences, 0 to 255 for 0 to 1. */
  readonly maskScore: Uint8Array;
  /** In camera pixels, the best first. */
  readonly boxes: readonly ScoredBox[];
  /** `(height / 4) * (width / 4)` metres along the viewing axis, of bundles that tell it. */
  readonly depth?: Float32Array;
  /** Pixels of the camera's frame. */
  readonly cameraWidth: number;
  /** Pixels of the camera's frame. */
  readonly cameraHeight: number;
  /** False where the answer must not be relied on. */
  readonly valid: boolean;
  /** Why not, in words; empty where valid. */
  readonly invalidReasons: readonly string[];
  readonly timings: Timings;
}
