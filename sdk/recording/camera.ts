import { setTimeout as sleep } from "node:timers/promises";
import { NightshiftError } from "../errors.js";
import { type Frame, nowNs } from "../frame.js";
import type { Camera } from "../stream/camera.js";
import type { StreamEvent } from "../stream/events.js";
import type { About } from "./about.js";
import { decodeImage } from "./images.js";
import { readRecording } from "./read.js";

export interface RecordingOptions {
  /** Which of the recorded cameras; the only one by default. */
  readonly camera?: string;
  /** `recorded`: as of now, at the intervals of the recording. `now`: as of now, as fast as they are taken. `replay`: so too, but with the capture times that were recorded. */
  readonly times: "recorded" | "now" | "replay";
  /** Hears how the recording ends where it is torn: `E_RECORDING`. */
  readonly onError: (error: NightshiftError) => void;
}

/** The frames of a recording, and what was told and asked between them. */
export class RecordingCamera implements Camera {
  readonly live = false;
  /** How far now is ahead of the recording's time. */
  #aheadNs: bigint | undefined;
  readonly #events = new Map<number, readonly StreamEvent[]>();

  private constructor(
    readonly path: string,
    readonly name: string,
    readonly about: About,
    private readonly options: RecordingOptions,
  ) {}

  /** Throws `E_RECORDING` where it is no recording, `E_CONFIG` where it has no such camera. */
  static async open(path: string, options: RecordingOptions): Promise<RecordingCamera> {
    for await (const entry of readRecording(path)) {
      if (entry.kind !== "about") break;
      const { cameras } = entry.about;
      const name = options.camera ?? (cameras.length === 1 ? cameras[0] : undefined);
      if (name !== undefined && cameras.includes(name)) return new RecordingCamera(path, name, entry.about, options);
      throw new NightshiftError("E_CONFIG", { expected: `one of the cameras ${cameras.join(", ")} of ${path}`, received: name ?? "none", remedy: "Name one of them with --camera." });
    }
    throw new NightshiftError("E_RECORDING", { expected: `a recording of Nightshift's: ${path}`, received: "another MCAP file", remedy: "Record with `nightshift record`." });
  }

  /** Events between a frame and the one before it, in a replay; else none is kept, as nobody asks. Known once the frame is delivered; answered once. */
  eventsBefore(sequence: number): readonly StreamEvent[] {
    const events = this.#events.get(sequence) ?? [];
    this.#events.delete(sequence);
    return events;
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame, void, undefined> {
    let delivered = 0;
    try {
      for await (const frame of this.#read()) {
        if (signal.aborted) return;
        yield this.options.times === "replay" ? frame : { ...frame, captureTimeNs: await this.#due(frame, signal) };
        delivered++;
      }
    } catch (error) {
      // Nothing before the tear, nothing to go on with.
      if (signal.aborted) return;
      if (!(error instanceof NightshiftError) || error.code !== "E_RECORDING" || delivered === 0) throw error;
      this.options.onError(error);
    }
  }

  async *#read(): AsyncGenerator<Frame, void, undefined> {
    let events: StreamEvent[] = [];
    for await (const entry of readRecording(this.path)) {
      if (entry.kind === "event") events.push(entry.event);
      if (entry.kind !== "frame" || entry.camera !== this.name) continue;
      const { camera, sequence, captureTimeNs, image } = entry;
      if (this.options.times === "replay") this.#events.set(sequence, events);
      events = [];
      yield { camera, sequence, captureTimeNs, ...(await decodeImage(image)) };
    }
  }

  /** Now, once the frame is due. */
  async #due({ captureTimeNs }: Frame, signal: AbortSignal): Promise<bigint> {
    this.#aheadNs ??= nowNs() - captureTimeNs;
    const waitMs = this.options.times === "recorded" ? Number(captureTimeNs + this.#aheadNs - nowNs()) / 1e6 : 0;
    if (waitMs > 0) await sleep(waitMs, undefined, { signal });
    return nowNs();
  }
}
