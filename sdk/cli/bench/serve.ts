import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Drive } from "../../../adapters/cameras/drive/index.js";
import { defaultTrainingOptions, Machine, TrainerProcess, type TrainingJob } from "../../adaptation/trainer/index.js";
import { findBundle, readManifest } from "../../bundle/index.js";
import { Nightshift } from "../../nightshift.js";
import { median, quantile } from "../../quantile.js";
import type { Bench } from "../benches.js";
import { driveFrames, LoopedCamera, type Pixels } from "./looped-camera.js";
import { rounded } from "./statistics.js";

/** Frames a second of all cameras together. */
const totalFps = 15;
/** Shares of time that the trainer may work; the last is the default. */
const shares = [0.25, 0.5, 1] as const;
/** Blocks without and with the trainer take turns, so that a machine's moods fall on all of them. */
const rounds = 5;
const defaultMinutes = 4;

/**
 * Several live cameras on one engine, while a trainer learns beside them and while none does: latency from capture to answer, and steps that the
 * trainer makes. What counts is the time in which it steps; its start is waited for.
 */
export const bench: Bench = async ({ bundle = "default", threads = 2, cameras = 1, minutes = defaultMinutes, onProgress }) => {
  const folder = await mkdtemp(join(tmpdir(), "nightshift-bench-"));
  const directory = findBundle(bundle);
  const serving = { bundle: directory, threads, cameras };
  const blockMs = (minutes * 60_000) / (rounds * (shares.length + 1));
  const idle = new Tally();
  const training = new Map(shares.map((share) => [share, new Tally()]));
  const machine = await Machine.open();
  try {
    const frames = driveFrames(1280, 720, 8);
    const job = await jobFor(directory, folder);
    for (let round = 0; round < rounds; round++) {
      onProgress(`round ${round + 1} of ${rounds}, no training`);
      await served(serving, frames, idle, () => sleep(blockMs));
      for (const [share, tally] of training) {
        onProgress(`round ${round + 1} of ${rounds}, training ${share * 100} % of the time`);
        await beside(machine, { ...job, options: { ...job.options, duty: share } }, async (steps) => {
          await served(serving, frames, tally, async () => {
            const before = steps();
            const start = performance.now();
            await sleep(blockMs);
            tally.steps += steps() - before;
            tally.trainingMs += performance.now() - start;
          });
        });
      }
    }
  } finally {
    machine.close();
    await rm(folder, { recursive: true, force: true });
  }
  const full = [...training].find(([share]) => share === defaultTrainingOptions.duty)?.[1] ?? idle;
  const all = [idle, ...training.values()];
  return {
    latencyMs: { idle: idle.latencyMs(), training: full.latencyMs() },
    ...full.besides(idle),
    stepsPerMinute: full.stepsPerMinute(),
    lost: all.reduce((sum, { lost }) => sum + lost, 0),
    byShare: Object.fromEntries(
      [...training].map(([share, tally]) => [share, { ...tally.latencyMs(), ...tally.besides(idle), stepsPerMinute: tally.stepsPerMinute(), dropped: tally.dropped, answered: tally.answered }]),
    ),
    idle: { answered: idle.answered, dropped: idle.dropped },
    cameras,
    fps: totalFps,
    threads,
    trainerThreads: defaultTrainingOptions.threads,
    bundle,
  };
};

interface Served {
  readonly bundle: string;
  readonly threads: number;
  readonly cameras: number;
}

/** What came of the frames of all blocks of one kind. */
class Tally {
  /** Capture to answer, of each block. */
  readonly blocksMs: number[][] = [];
  lost = 0;
  dropped = 0;
  steps = 0;
  trainingMs = 0;

  get answered(): number {
    return this.blocksMs.flat().length;
  }

  latencyMs() {
    const all = this.blocksMs.flat();
    const at = (share: number): number => rounded(quantile(all, share), 1);
    return { p50: at(0.5), p99: at(0.99) };
  }

  /** How its p99 compares with another's, round by round, and the median of that: a second in which the machine did something else is most of a p99. */
  besides(other: Tally): { readonly p99Ratio: number; readonly p99Ratios: readonly number[] } {
    const ratios = this.blocksMs.map((block, round) => rounded(quantile(block, 0.99) / quantile(other.blocksMs[round] ?? [], 0.99)));
    return { p99Ratio: median(ratios), p99Ratios: ratios };
  }

  stepsPerMinute(): number {
    return rounded(this.steps / (this.trainingMs / 60_000), 1);
  }
}

/** Serves all cameras until `work` is done, as `nightshift run` does with several. They share the rate, and take turns within it. */
async function served({ bundle, threads, cameras: count }: Served, frames: readonly Pixels[], tally: Tally, work: () => Promise<void>): Promise<void> {
  const fps = totalFps / count;
  const cameras = Array.from({ length: count }, (_, at) => new LoopedCamera(frames, Infinity, fps, { name: `camera${at}`, live: true, delayMs: (at * 1000) / totalFps }));
  const state = await mkdtemp(join(tmpdir(), "nightshift-bench-"));
  const fail = (error: unknown): never => {
    throw error;
  };
  const nightshift = await Nightshift.start({ cameras: cameras.map((source) => ({ source })), bundle, threads, state, adaptation: false, publish: false, control: false, onError: fail });
  const totalMs: number[] = [];
  tally.blocksMs.push(totalMs);
  const reading = (async () => {
    // A camera's first frame finds caches cold.
    for await (const { sequence, timings } of nightshift.answers()) if (sequence > 0) totalMs.push(timings.totalMs);
  })();
  try {
    await Promise.race([work(), nightshift.ended]);
    for (const camera of cameras) camera.stop();
    await nightshift.ended;
    await reading;
    for (const { lost, dropped } of nightshift.status.cameras) {
      tally.lost += lost;
      tally.dropped += dropped;
    }
  } finally {
    await nightshift.stop();
    await rm(state, { recursive: true, force: true });
  }
}

/** Does `work` while a trainer steps in a process of its own, which is ended then. `work` is told how many steps were made. */
async function beside(machine: Machine, job: TrainingJob, work: (steps: () => number) => Promise<void>): Promise<void> {
  const abort = new AbortController();
  let steps = 0;
  let begun: () => void = () => undefined;
  const stepping = new Promise<void>((resolve) => (begun = resolve));
  const training = new TrainerProcess({}, machine).train(
    job,
    ({ phase, step }) => {
      if (phase !== "learning") return;
      steps = step;
      begun();
    },
    abort.signal,
  );
  const ended = training.then(
    () => undefined,
    (error: unknown) => (abort.signal.aborted ? undefined : Promise.reject(error instanceof Error ? error : new Error(String(error)))),
  );
  try {
    await Promise.race([stepping, ended]);
    await Promise.race([work(() => steps), ended]);
  } finally {
    abort.abort();
    await ended;
  }
}

/** A training that outlasts every block, on frames of a rendered night. */
async function jobFor(bundleDirectory: string, folder: string): Promise<TrainingJob> {
  const { network, generation, vocabulary } = await readManifest(bundleDirectory);
  const drive = new Drive({ seed: 11, width: network.width, height: network.height, fps: 1, condition: "night" });
  return {
    bundleDirectory,
    outDirectory: join(folder, "never-written"),
    generation: generation + 1,
    condition: "night",
    vocabulary,
    targets: Array.from({ length: 32 }, (_, at) => drive.render(at).rgb),
    exemplars: [],
    options: { ...defaultTrainingOptions, steps: 1_000_000 },
  };
}
