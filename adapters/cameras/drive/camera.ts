import { Worker } from "node:worker_threads";
import { NightshiftError } from "../../../sdk/errors.js";
import { type Frame, nowNs } from "../../../sdk/frame.js";
import type { Camera } from "../../../sdk/stream/camera.js";
import { checkName } from "../name.js";
import { Pace } from "../pace.js";
import { checkOptions, type DriveOptions } from "./drive.js";
import type { Reply, Request } from "./worker.js";

export interface DriveCameraOptions extends DriveOptions {
  /** `drive` by default. */
  readonly name?: string;
  /** Whether frames come at the drive's rate (live, the default) or as fast as they are taken. */
  readonly paced?: boolean;
}

/** Frames that are rendered before they are due. */
const ahead = 4;

/** A drive as a camera; it is rendered in a thread of its own. */
export class DriveCamera implements Camera {
  readonly name: string;
  readonly live: boolean;

  /** Throws `E_CONFIG` where an option is not valid. */
  constructor(private readonly options: DriveCameraOptions) {
    checkOptions(options);
    this.name = checkName(options.name ?? "drive");
    this.live = options.paced ?? true;
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame, void, undefined> {
    if (signal.aborted) return;
    const { name: _name, paced: _paced, ...drive } = this.options;
    const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: drive });
    const frames = this.options.frames ?? Infinity;
    const replies = new Replies(worker, signal);
    const pace = new Pace(this.live ? (this.options.fps ?? 15) : 0);
    try {
      let asked = 0;
      const ask = () => {
        if (asked >= frames) return;
        const request: Request = { index: asked++ };
        worker.postMessage(request);
      };
      for (let i = 0; i < ahead; i++) ask();
      for (let sequence = 0; sequence < frames; sequence++) {
        const reply = await replies.next();
        if (!reply) return;
        ask();
        try {
          await pace.wait(signal);
        } catch (error) {
          if (!signal.aborted) throw error;
        }
        if (signal.aborted) return;
        yield { camera: this.name, sequence, captureTimeNs: nowNs(), width: reply.width, height: reply.height, rgb: reply.rgb };
      }
    } finally {
      replies.close();
      await worker.terminate();
    }
  }
}

/** The worker's replies in order. */
class Replies {
  readonly #waiting: Reply[] = [];
  readonly #wake = new AbortController();
  #failure: Error | undefined;
  #notify: (() => void) | undefined;

  constructor(
    worker: Worker,
    private readonly signal: AbortSignal,
  ) {
    const notify = () => this.#notify?.();
    worker.on("message", (reply: Reply) => {
      this.#waiting.push(reply);
      notify();
    });
    worker.on("error", (error: Error) => {
      this.#failure = error;
      notify();
    });
    signal.addEventListener("abort", notify, { signal: this.#wake.signal });
  }

  /** Undefined when the signal aborted. Throws `E_CAMERA` when the worker failed. */
  async next(): Promise<Reply | undefined> {
    for (;;) {
      if (this.signal.aborted) return undefined;
      const reply = this.#waiting.shift();
      if (reply) return reply;
      if (this.#failure !== undefined)
        throw new NightshiftError("E_CAMERA", {
          expected: "frames from the drive's renderer",
          received: this.#failure.message,
          remedy: "Report this with the seed and size of the drive.",
          cause: this.#failure,
        });
      await new Promise<void>((resolve) => (this.#notify = resolve));
    }
  }

  close(): void {
    this.#wake.abort();
  }
}
