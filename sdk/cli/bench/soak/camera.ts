import { setTimeout as sleep } from "node:timers/promises";
import { Drive } from "../../../../adapters/cameras/drive/index.js";
import { type Frame, nowNs } from "../../../frame.js";
import type { Camera } from "../../../stream/camera.js";
import type { CameraFault } from "./faults.js";
import type { FrameLog } from "./frame-log.js";

const size = { width: 640, height: 360 };
/** Frames a second. */
export const soakFps = 15;
/** Pictures of each weather, a second of driving apart; more than a training wants. */
const pictures = 40;
/** Day and night take turns, so that the shelf does; the night is long enough for several trainings. */
const daySeconds = 30;
const nightSeconds = 150;

/** A camera at full rate by day and by night, until it is stopped, with a fault that is switched on and off. */
export class SoakCamera implements Camera {
  readonly name = "front";
  readonly live = true;
  /** What is wrong now. */
  fault: CameraFault | undefined;
  readonly #looks = (["day", "night"] as const).map((condition) => {
    const drive = new Drive({ seed: 7, ...size, fps: 1, condition });
    return Array.from({ length: pictures }, (_, at) => drive.renderPicture(at));
  });
  #isStopped = false;

  constructor(private readonly log: FrameLog) {}

  stop(): void {
    this.#isStopped = true;
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame, void, undefined> {
    const [startMs, startNs] = [performance.now(), nowNs()];
    for (let sequence = 0; !this.#isStopped && !signal.aborted; sequence++) {
      const dueMs = (sequence * 1000) / soakFps;
      await sleep(Math.max(0, startMs + dueMs - performance.now()));
      const isNight = (dueMs / 1000) % (daySeconds + nightSeconds) >= daySeconds;
      const look = this.#looks[isNight ? 1 : 0];
      const other = this.#looks[isNight ? 0 : 1];
      const frame = { camera: this.name, sequence, captureTimeNs: startNs + BigInt(Math.round(dueMs * 1e6)), ...size, rgb: look[sequence % pictures] };
      const delivered = this.fault ? this.fault(frame, other[sequence % pictures]) : frame;
      if (!delivered) continue;
      this.log.delivered(sequence, startMs + dueMs);
      yield delivered;
    }
  }
}
