import { Worker } from "node:worker_threads";
import { errorOf, type Failure, NightshiftError } from "../../errors.js";
import type { Words } from "../dataset.js";
import type { Batch, BatchOptions } from "./batch.js";

/** A source of a `PrefetchingLoader`: as `BatchSource`, with the dataset described in plain JSON, since it is opened in another thread. */
export interface SourceSpec<Spec> extends Words {
  readonly spec: Spec;
  /** Relative to the other sources. */
  readonly share: number;
  /** Whether the dataset's boxes are taught. */
  readonly boxes: boolean;
  readonly paste?: number;
  readonly haze?: number;
  readonly darkness?: number;
  /** Names that it is not to teach (`withoutNames`). */
  readonly heldOut?: readonly string[];
}

export interface WorkerSetup {
  readonly openModule: string;
  readonly sources: readonly SourceSpec<unknown>[];
  readonly options: Partial<BatchOptions>;
  readonly firstStep: number;
  readonly ahead: number;
}

export type WorkerRequest = "take" | "close";

export type WorkerAnswer = { readonly batch: Batch } | { readonly failure: Failure };

export interface PrefetchOptions<Spec> {
  /** URL of a module that exports `openDataset(spec): Promise<Dataset>`; the thread imports it, so training need not know any form of dataset. */
  readonly openModule: URL;
  readonly sources: readonly SourceSpec<Spec>[];
  readonly batch?: Partial<BatchOptions>;
  /** The step to begin with, where training resumes. */
  readonly firstStep?: number;
  /** Batches kept ready. */
  readonly ahead?: number;
}

/** Makes batches in a thread of its own, a few ahead of the trainer. Close it, or the thread keeps the process alive. */
export class PrefetchingLoader<Spec> {
  private readonly worker: Worker;
  private readonly ready: Batch[] = [];
  private readonly waiting: { resolve: (batch: Batch) => void; reject: (error: Error) => void }[] = [];
  private readonly ended: Promise<void>;
  private failure: NightshiftError | undefined;
  private closing = false;

  constructor({ openModule, sources, batch = {}, firstStep = 0, ahead = 3 }: PrefetchOptions<Spec>) {
    const setup: WorkerSetup = { openModule: openModule.href, sources, options: batch, firstStep, ahead };
    this.worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: setup });
    this.worker.on("message", (answer: WorkerAnswer) => {
      if ("failure" in answer) this.fail(errorOf(answer.failure));
      else this.deliver(answer.batch);
    });
    this.worker.on("error", (cause) => {
      this.fail(
        new NightshiftError("E_DATASET", { expected: "a running loader thread", received: cause.message, remedy: "See the cause.", cause }),
      );
    });
    this.ended = new Promise((resolve) => {
      this.worker.on("exit", () => {
        this.fail(closedError());
        resolve();
      });
    });
  }

  /** The next batch, steps in order. Rejects with the dataset's own error (`E_DATASET`, `E_IMAGE`), and with `E_CLOSED` once closed. */
  async next(): Promise<Batch> {
    const batch = this.ready.shift();
    if (batch) {
      this.request("take");
      return batch;
    }
    if (this.failure) throw this.failure;
    if (this.closing) throw closedError();
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  /** Ends the thread after the batch it is making. */
  async close(): Promise<void> {
    this.closing = true;
    this.ready.length = 0;
    this.request("close");
    await this.ended;
  }

  private deliver(batch: Batch): void {
    if (this.closing) return;
    const first = this.waiting.shift();
    if (!first) {
      this.ready.push(batch);
      return;
    }
    this.request("take");
    first.resolve(batch);
  }

  /** The first failure is the one to tell; what ends the thread after it follows from it. */
  private fail(error: NightshiftError): void {
    this.failure ??= error;
    for (const { reject } of this.waiting.splice(0)) reject(this.failure);
  }

  private request(request: WorkerRequest): void {
    this.worker.postMessage(request);
  }
}

function closedError(): NightshiftError {
  return new NightshiftError("E_CLOSED", { expected: "an open loader", received: "one that was closed", remedy: "Make a new one." });
}
