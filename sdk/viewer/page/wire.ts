/** What the viewer's server and its page say to each other over one WebSocket. Times are milliseconds since the Unix epoch. */

export type Condition = "unknown" | "clear" | "dusk" | "night" | "fog";

export interface WireBox {
  /** Pixels of the camera's frame. */
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
  readonly label: string;
  /** 0 to 1. */
  readonly score: number;
}

/**
 * Begins a binary message: four bytes of length (big-endian), this as JSON, `pictureBytes` of JPEG, `maskBytes` of a zlib stream that holds
 * `width * height` positions in `vocabulary`.
 */
export interface FrameHead {
  readonly camera: string;
  readonly sequence: number;
  readonly generation: number;
  readonly vocabulary: readonly string[];
  /** Pixels of the mask. */
  readonly width: number;
  readonly height: number;
  /** Pixels of the camera's frame. */
  readonly cameraWidth: number;
  readonly cameraHeight: number;
  readonly boxes: readonly WireBox[];
  readonly condition: Condition;
  readonly valid: boolean;
  readonly invalidReasons: readonly string[];
  readonly latencyMs: number;
  readonly pictureBytes: number;
  readonly maskBytes: number;
}

/** How the whole fares; sent about twice a second. */
export interface State {
  readonly timeMs: number;
  readonly source: string;
  readonly bundle: string;
  readonly address: string;
  /** Names of the cameras; the page chooses which it shows. */
  readonly cameras: readonly string[];
  readonly generation: number;
  readonly vocabulary: readonly string[];
  readonly condition: Condition;
  /** The state of the adaptation loop, in one word. */
  readonly adaptation: string;
  readonly paused: boolean;
  readonly framesRemembered: number;
  readonly uptimeSeconds: number;
  readonly framesIn: number;
  readonly answered: number;
  readonly dropped: number;
  readonly lost: number;
  readonly fps: number;
  /** Capture to answer. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number };
}

export interface PageEvent {
  readonly timeMs: number;
  /** A kind of the topic `events`, such as "verdict". */
  readonly kind: string;
  readonly text: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What the charts are drawn from: one a state. */
export interface Point {
  readonly timeMs: number;
  readonly condition: Condition;
  readonly framesRemembered: number;
  readonly fps: number;
  readonly latencyP50Ms: number;
  readonly latencyP95Ms: number;
}

/** One report of the trainer. */
export interface LossPoint {
  readonly timeMs: number;
  readonly step: number;
  /** Steps of this adaptation in all; 0 where the trainer does not say. */
  readonly steps: number;
  /** By the name of each loss. */
  readonly losses: Readonly<Record<string, number>>;
}

/** Sent once, on connecting: what a page that came late has missed. */
export interface History {
  readonly points: readonly Point[];
  readonly losses: readonly LossPoint[];
  /** Without the trainer's progress, which `losses` holds. */
  readonly events: readonly PageEvent[];
}

export type ToPage =
  | { readonly type: "history"; readonly history: History }
  | { readonly type: "state"; readonly state: State }
  | { readonly type: "loss"; readonly loss: LossPoint }
  | { readonly type: "event"; readonly event: PageEvent }
  | { readonly type: "done"; readonly what: string }
  | { readonly type: "refused"; readonly code: string; readonly text: string };

export type FromPage =
  /** The last frame has been drawn: the next may come. */
  | { readonly type: "shown" }
  /** Show this camera; the first until another is chosen. */
  | { readonly type: "camera"; readonly name: string }
  | { readonly type: "setVocabulary"; readonly names: readonly string[] }
  | { readonly type: "adaptNow" | "pause" | "resume" | "rollBack" };
