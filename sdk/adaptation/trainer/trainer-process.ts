import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { errorOf, NightshiftError } from "../../errors.js";
import type { BudgetStatus } from "../../stream/status.js";
import type { CgroupLeaf } from "./cgroup.js";
import type { Trainer, TrainingJob, TrainingProgress, TrainingResult } from "./job.js";
import { type Machine, systemRoots } from "./machine.js";
import type { FromTrainer, ToTrainer } from "./messages.js";
import { RestRule } from "./rest.js";
import { Watch, type Watched } from "./watch.js";

export interface TrainerProcessOptions {
  /** A trainer that says nothing for so long hangs, and is ended. Milliseconds. */
  readonly silenceMs: number;
  /** Of JavaScript objects; what ONNX Runtime takes is not counted. Megabytes. */
  readonly heapMb: number;
  /** How often its memory and the machine's sensors are looked at, milliseconds. */
  readonly lookEveryMs: number;
  /** A rest takes so long at least, milliseconds. */
  readonly leastRestMs: number;
}

export const defaultTrainerProcessOptions: TrainerProcessOptions = { silenceMs: 120_000, heapMb: 1024, lookEveryMs: 500, leastRestMs: 10_000 };

/**
 * How a process is started that runs training steps, so that it takes less memory. Node: a step's graph is built once, and the young generation of usual size would hold on to 30 MB of what
 * it was built from; the rest is collected before the first step. glibc: a value of 2 MB or more lies apart, and is the system's again when it is freed; left to itself glibc soon keeps such values between small ones, and a step takes a tenth more.
 */
export const stepProcess = {
  flags: ["--max-semi-space-size=1", "--expose-gc"],
  environment: { MALLOC_MMAP_THRESHOLD_: String(2 ** 21) },
} as const;

/**
 * Trains in a process of its own, one a training, at low priority and within its budget: whatever happens there, crash, leak or hang, the stream goes on, and all
 * memory comes back afterwards.
 */
export class TrainerProcess implements Trainer {
  readonly options: TrainerProcessOptions;
  #child: ChildProcess | undefined;
  #watch: Watch | undefined;

  /** `machine`: what holds the trainer beside its priority and a look at its memory; nothing where it is left out. */
  constructor(
    options: Partial<TrainerProcessOptions> = {},
    readonly machine?: Machine,
  ) {
    this.options = { ...defaultTrainerProcessOptions, ...options };
  }

  /** The process that trains now, if any. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** What it takes and whether it rests, at the latest look; neither while nothing trains. */
  get present(): Pick<BudgetStatus, "usedMb" | "restsFor"> {
    const { usedMb, restsFor } = this.#watch ?? {};
    return { ...(usedMb !== undefined && { usedMb }), ...(restsFor && { restsFor }) };
  }

  async train(job: TrainingJob, onProgress: (progress: TrainingProgress) => void, signal: AbortSignal): Promise<TrainingResult> {
    if (this.#child) throw failed("one training at a time", "another one", "Wait for the training under way.");
    signal.throwIfAborted();
    const node = [`--max-old-space-size=${this.options.heapMb}`, ...stepProcess.flags];
    const child = fork(fileURLToPath(new URL("./main.js", import.meta.url)), [], {
      serialization: "advanced",
      // What it prints goes to standard error, never between the JSON on standard output.
      stdio: ["ignore", 2, 2, "ipc"],
      env: { ...process.env, ...stepProcess.environment },
      // ionice becomes what it starts: one process, with one number and one channel.
      ...(this.machine?.hasIdleIo ? { execPath: "ionice", execArgv: ["-c", "3", process.execPath, ...node] } : { execArgv: node }),
    });
    this.#child = child;
    const group = this.#confined(child, job.options.memoryMb);
    try {
      return await this.#follow(child, group, job, onProgress, signal);
    } finally {
      this.#child = undefined;
      this.#watch?.close();
      this.#watch = undefined;
      child.removeAllListeners();
      // A group that cannot be removed is empty, and costs nothing.
      child.once("exit", () => void group.then((leaf) => leaf?.remove()).catch(() => undefined));
      // Killing what is gone already does nothing.
      child.kill("SIGKILL");
    }
  }

  async #confined({ pid }: ChildProcess, memoryMb: number): Promise<CgroupLeaf | undefined> {
    return pid === undefined ? undefined : this.machine?.cgroup?.confine(pid, memoryMb);
  }

  #follow(child: ChildProcess, group: Promise<CgroupLeaf | undefined>, job: TrainingJob, onProgress: (progress: TrainingProgress) => void, signal: AbortSignal): Promise<TrainingResult> {
    const { silenceMs } = this.options;
    const { memoryMb, steps } = job.options;
    let latest: TrainingProgress = { phase: "statistics", step: 0, steps };
    return new Promise((resolve, reject) => {
      const silence = setTimeout(() => reject(failed("a sign of life from the trainer", `none for ${silenceMs} ms`, "It was ended; the stream is unaffected.")), silenceMs);
      const settle = (end: () => void): void => {
        clearTimeout(silence);
        signal.removeEventListener("abort", stop);
        end();
      };
      const fail = (expected: string, received: string, remedy: string, cause?: unknown): void => settle(() => reject(failed(expected, received, remedy, cause)));
      const tookTooMuch = (taken: string): void => fail(`a training in ${memoryMb} MB`, taken, "It was ended; the stream is unaffected. Raise adaptation.memoryMb, or let less learn (trains, recompute).");
      const stop = (): void => fail("the training to end by itself", "a request to stop it", "Start it again when it is wanted.");
      const ended = async (how: string): Promise<void> => {
        if (await group.then((leaf) => leaf?.ranOut(), () => false)) tookTooMuch("the kernel ended it as it took more");
        else fail("the trainer to say how it ended", how, "The stream is unaffected; see the log for why it ended.");
      };
      const begin = async (): Promise<void> => {
        await group;
        // The training was given up while its group was made.
        if (this.#child !== child) return;
        const given = give(child, job);
        this.#watch = this.#watching(child, job, {
          onTooMuch: (usedMb) => tookTooMuch(`${Math.round(usedMb)} MB`),
          onResting: () => silence.refresh(),
          onRest: (because) => {
            silence.refresh();
            // That the process is gone is told when it exits.
            send(child, { kind: because ? "rest" : "go on" }).catch(() => undefined);
            onProgress(because ? { ...latest, rest: { because, ...this.machine?.reading } } : latest);
          },
        });
        await given;
      };
      signal.addEventListener("abort", stop);
      group.catch((cause: unknown) => fail("a cgroup to train in, as this one may be divided", String(cause), "Start Nightshift again, which looks anew at what is permitted.", cause));
      child.on("error", (cause) => fail("a process to train in", cause.message, "Check the memory and the limits of processes.", cause));
      child.on("exit", (code, by) => void ended(by ?? `exit code ${code}`));
      child.on("message", (message: FromTrainer) => {
        silence.refresh();
        if (message.kind === "ready") begin().catch((cause: unknown) => fail("the trainer to take its job", String(cause), "See the log for why it ended.", cause));
        else if (message.kind === "progress") onProgress((latest = message.progress));
        else if (message.kind === "done") settle(() => resolve(message.result));
        else fail(message.failure.expected, `${message.failure.code}: ${message.failure.received}`, message.failure.remedy, errorOf(message.failure));
      });
    });
  }

  #watching({ pid = 0 }: ChildProcess, { options }: TrainingJob, told: Pick<Watched, "onTooMuch" | "onRest" | "onResting">): Watch {
    const { lookEveryMs: everyMs, leastRestMs } = this.options;
    const { proc } = this.machine?.roots ?? systemRoots;
    return new Watch({ ...told, pid, memoryMb: options.memoryMb, rule: new RestRule(options, leastRestMs), proc, reading: () => this.machine?.reading ?? {}, everyMs });
  }
}

const send = (child: ChildProcess, message: ToTrainer): Promise<void> => new Promise((resolve, reject) => child.send(message, (error) => (error ? reject(error) : resolve())));

/** A message at a time, so that the stream's work comes in between. */
async function give(child: ChildProcess, { targets, exemplars, ...job }: TrainingJob): Promise<void> {
  await send(child, { kind: "job", job, sets: exemplars.map(({ name, names, boxNames }) => ({ name, names, boxNames })) });
  for (const rgb of targets) await send(child, { kind: "target", rgb });
  for (const [set, { samples }] of exemplars.entries()) for (const sample of samples) await send(child, { kind: "exemplar", set, sample });
  await send(child, { kind: "start" });
}

const failed = (expected: string, received: string, remedy: string, cause?: unknown): NightshiftError => new NightshiftError("E_TRAINER", { expected, received, remedy, cause });
