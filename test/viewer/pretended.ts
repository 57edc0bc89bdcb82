import { type Frame, nowNs } from "../../sdk/frame.js";
import type { Perception } from "../../sdk/engine/perception.js";
import type { State } from "../../sdk/viewer/page/wire.js";
import { type ViewerHandler } from "../../sdk/viewer/viewer.js";

/** A stream that the tests make up: what the page would be told by a real one. */
export class Pretended implements ViewerHandler {
  names: readonly string[] = ["sky", "road", "car"];
  paused = false;
  readonly asked: string[] = [];
  answered = 0;

  state(): State {
    return {
      timeMs: Date.now(),
      source: "pretended",
      bundle: "none",
      address: "tcp://127.0.0.1:5590",
      cameras: ["front"],
      generation: 1,
      vocabulary: this.names,
      condition: "dusk",
      adaptation: "collecting",
      paused: this.paused,
      framesRemembered: Math.min(96, this.answered),
      uptimeSeconds: 1,
      framesIn: this.answered,
      answered: this.answered,
      dropped: 0,
      lost: 0,
      fps: 20,
      latencyMs: { p50: 41, p95: 63, p99: 70 },
    };
  }

  setVocabulary(names: readonly string[]): void {
    this.names = names;
  }

  adaptNow(): void {
    this.asked.push("adaptNow");
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  rollBack(): Promise<void> {
    return Promise.reject(new Error("nothing to roll back to"));
  }

  /** A frame with an answer in the present words: sky above, road below, a car. */
  next(): { frame: Frame; perception: Perception } {
    const [width, height] = [320, 160];
    const sequence = this.answered++;
    const frame = { camera: "front", sequence, captureTimeNs: nowNs(), width, height, rgb: new Uint8Array(width * height * 3).fill(40) };
    const mask = Uint8Array.from({ length: 128 * 64 }, (_, at) => (at < 128 * 30 ? 0 : 1 % this.names.length));
    const boxes = [{ x1: 100, y1: 70, x2: 160, y2: 110, label: this.names.at(-1) ?? "", score: 0.9 }];
    const { camera, captureTimeNs } = frame;
    const timings = { queueMs: 1, inferenceMs: 40, totalMs: 41 };
    const perception = { camera, sequence, captureTimeNs, generation: 1, vocabulary: this.names, width: 128, height: 64, mask, maskScore: new Uint8Array(512), boxes, cameraWidth: width, cameraHeight: height, valid: true, invalidReasons: [], timings };
    return { frame, perception };
  }
}
