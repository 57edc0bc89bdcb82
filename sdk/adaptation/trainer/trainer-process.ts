import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type ErrorCode, errorCodes, NightshiftError } from "../../errors.js";
import type { Trainer, TrainingJob, TrainingProgress, TrainingResult } from "./job.js";
import type { FromTrainer, ToTrainer } from "./messages.js";

export interface TrainerProcessOptions {
  /** A trainer that says nothing for so long hangs, and is ended. Milliseconds. */
  readonly silenceMs: number;
  /** Of JavaScript objects; what ONNX Runtime takes is not counted. Megabytes. */
  readonly heapMb: number;
}

export const defaultTrainerProcessOptions: TrainerProcessOptions = { silenceMs: 120_000, heapMb: 1024 };

/**
 * Trains in a process of its own, one a training, at low priority: whatever happens there, crash, leak or hang, the stream goes on, and all memory comes
 * back afterwards.
 */
export class TrainerProcess implements Trainer {
  readonly options: TrainerProcessOptions;
  #child: ChildProcess | undefined;

  constructor(options: Partial<TrainerProcessOptions> = {}) {
    this.options = { ...defaultTrainerProcessOptions, ...options };
  }

  /** The process that trains now, if any. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async train(job: TrainingJob, onProgress: (progress: TrainingProgress) => void, signal: AbortSignal): Promise<TrainingResult> {
    if (this.#child) throw failed("one training at a time", "another one", "Wait for the training under way.");
    signal.throwIfAborted();
    const child = fork(fileURLToPath(new URL("./main.js", import.meta.url)), [], {
      serialization: "advanced",
      // What it prints goes to standard error, never between the JSON on standard output.
      stdio: ["ignore", 2, 2, "ipc"],
      execArgv: [`--max-old-space-size=${this.options.heapMb}`],
    });
    this.#child = child;
    try {
      return await this.#follow(child, job, onProgress, signal);
    } finally {
      this.#child = undefined;
      child.removeAllListeners();
      // Killing what is gone already does nothing.
      child.kill("SIGKILL");
    }
  }

  #follow(child: ChildProcess, job: TrainingJob, onProgress: (progress: TrainingProgress) => void, signal: AbortSignal): Promise<TrainingResult> {
    const { silenceMs } = this.options;
    return new Promise((resolve, reject) => {
      const silence = setTimeout(() => reject(failed("a sign of life from the trainer", `none for ${silenceMs} ms`, "It was ended; the stream is unaffected.")), silenceMs);
      const settle = (end: () => void): void => {
        clearTimeout(silence);
        signal.removeEventListener("abort", stop);
        end();
      };
      const stop = (): void => settle(() => reject(failed("the training to end by itself", "a request to stop it", "Start it again when it is wanted.")));
      signal.addEventListener("abort", stop);
      child.on("error", (cause) => settle(() => reject(failed("a process to train in", cause.message, "Check the memory and the limits of processes.", cause))));
      child.on("exit", (code, by) => settle(() => reject(failed("the trainer to say how it ended", `${by ?? `exit code ${code}`}`, "The stream is unaffected; see the log for why it ended."))));
      child.on("message", (message: FromTrainer) => {
        silence.refresh();
        if (message.kind === "ready") give(child, job).catch((cause: unknown) => settle(() => reject(failed("the trainer to take its job", String(cause), "See the log for why it ended.", cause))));
        else if (message.kind === "progress") onProgress(message.progress);
        else if (message.kind === "done") settle(() => resolve(message.result));
        else settle(() => reject(failed(message.error.expected, `${message.error.code}: ${message.error.received}`, message.error.remedy, toError(message.error))));
      });
    });
  }
}

/** A message at a time, so that the stream's work comes in between. */
async function give(child: ChildProcess, { targets, exemplars, ...job }: TrainingJob): Promise<void> {
  const send = (message: ToTrainer): Promise<void> => new Promise((resolve, reject) => child.send(message, (error) => (error ? reject(error) : resolve())));
  await send({ kind: "job", job, sets: exemplars.map(({ name, names, boxNames }) => ({ name, names, boxNames })) });
  for (const rgb of targets) await send({ kind: "target", rgb });
  for (const [set, { samples }] of exemplars.entries()) for (const sample of samples) await send({ kind: "exemplar", set, sample });
  await send({ kind: "start" });
}

function toError({ code, ...details }: { code: string; expected: string; received: string; remedy: string }): NightshiftError {
  return new NightshiftError(isCode(code) ? code : "E_TRAINER", details);
}

const isCode = (code: string): code is ErrorCode => code in errorCodes;

const failed = (expected: string, received: string, remedy: string, cause?: unknown): NightshiftError => new NightshiftError("E_TRAINER", { expected, received, remedy, cause });
