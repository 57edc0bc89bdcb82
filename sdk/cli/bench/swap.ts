import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findBundle } from "../../bundle/index.js";
import { SwappableEngine } from "../../engine/hot-swap.js";
import type { Perception } from "../../engine/perception.js";
import { ThreadEngine } from "../../engine/thread-engine.js";
import { nowNs } from "../../frame.js";
import { AnswerStream } from "../../pipeline/answer-stream.js";
import { median, quantile } from "../../quantile.js";
import type { Bench } from "../benches.js";
import { changedBundle } from "./changed-bundle.js";
import { driveFrames, LoopedCamera, type Pixels } from "./looped-camera.js";
import { rounded, trend } from "./statistics.js";

const defaultSwaps = 1000;
/** Swaps in a block; blocks with and without swaps take turns. */
const blockSwaps = 25;
/** Frame periods between two answers of a camera-paced stream, as a multiple of what a frame takes: loading shares the processor. */
const headroom = 2.5;
/** Frames of the control that tell a p999; more would only take longer. */
const controlFrames = 5000;
/** Of the swaps, for memory to settle before its slope counts. */
const settlingShare = 0.1;

/**
 * Swaps back and forth between two generations that answer differently, under a live stream, and compares every answer with what
 * the generation that it states answers alone. The control is the same stream without swaps, in between.
 */
export const bench: Bench = async ({ bundle = "default", threads = 2, count = defaultSwaps, onProgress }) => {
  const folder = await mkdtemp(join(tmpdir(), "nightshift-bench-"));
  const engine = new SwappableEngine(() => new ThreadEngine({ threads }));
  try {
    onProgress("preparing two generations");
    const directories = [findBundle(bundle), join(folder, "changed")] as const;
    await changedBundle(directories[0], directories[1]);
    const frames = driveFrames(640, 360, 8);
    const alone = await answersAlone(directories, frames, threads);
    const fps = 1000 / (headroom * median([...alone.values()].flat().map(({ timings }) => timings.inferenceMs)));
    await engine.load({ kind: "bundle", directory: directories[0] }, frames.slice(0, 1));

    const swapped = new Tally();
    const control = new Tally();
    const residentMb: number[] = [];
    const swapMs: number[] = [];
    let swaps = 0;
    while (swaps < count) {
      const block = Math.min(blockSwaps, count - swaps);
      await underStream(engine, frames, fps, alone, swapped, async () => {
        for (let at = 0; at < block; at++) {
          const beganMs = performance.now();
          await engine.swap({ kind: "bundle", directory: directories[(swaps + 1) % 2] ?? directories[0] });
          swapMs.push(performance.now() - beganMs);
          swaps++;
          residentMb.push(process.memoryUsage.rss() / 2 ** 20);
          onProgress(`${swaps} of ${count} swaps, ${swapped.answers} answers, ${swapped.wrong} wrong`);
        }
      });
      const wanted = Math.min(swapped.answers, Math.round((controlFrames * swaps) / count));
      if (wanted > control.answers) await underStream(engine, frames, fps, alone, control, undefined, wanted - control.answers);
    }
    const settled = residentMb.slice(Math.floor(residentMb.length * settlingShare));
    const { medians, slope, interval } = trend(settled.map((megabytes, at) => [at / 1000, megabytes]));
    return {
      swaps,
      answers: swapped.answers,
      wrong: swapped.wrong + control.wrong,
      lost: swapped.lost + control.lost,
      latenessFrames: swapped.lateness(),
      controlLatenessFrames: control.lateness(),
      controlAnswers: control.answers,
      swapMs: { p50: rounded(median(swapMs), 0), p99: rounded(quantile(swapMs, 0.99), 0) },
      // By tenths, as a slope does not tell whether memory levels off.
      memoryMb: medians.map((megabytes) => rounded(megabytes, 1)),
      memorySlopeMbPerThousand: rounded(slope, 2),
      memorySlopeInterval: interval.map((bound) => rounded(bound, 2)),
      peakMb: rounded(process.resourceUsage().maxRSS / 1024, 0),
      generationsSeen: [...swapped.generations].toSorted((a, b) => a - b),
      fps: rounded(fps, 2),
      threads,
      bundle,
    };
  } finally {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
};

/** What came of the frames of all blocks of one kind. */
class Tally {
  answers = 0;
  wrong = 0;
  lost = 0;
  readonly generations = new Set<number>();
  /** Frame periods after the next frame was due; 0 for what was answered before. */
  readonly late: number[] = [];

  lateness() {
    return { p999: rounded(quantile(this.late, 0.999)), max: rounded(quantile(this.late, 1)) };
  }
}

type Alone = ReadonlyMap<number, readonly Perception[]>;

/** Streams until `work` is done, or for a number of frames. */
async function underStream(engine: SwappableEngine, frames: readonly Pixels[], fps: number, alone: Alone, tally: Tally, work?: () => Promise<void>, count = Infinity): Promise<void> {
  const camera = new LoopedCamera(frames, count, fps);
  let taken = 0;
  const stream = new AnswerStream({
    camera,
    engine,
    take: async (frame, perception) => {
      const lateMs = Number(nowNs() - frame.captureTimeNs) / 1e6 - 1000 / fps;
      tally.late.push(Math.max(0, (lateMs * fps) / 1000));
      tally.answers++;
      tally.generations.add(perception.generation);
      // Each frame once and in its place, or else it is no answer to that frame.
      const isRight = perception.sequence === taken++ && isSame(perception, alone.get(perception.generation)?.[perception.sequence % frames.length]);
      if (!isRight) tally.wrong++;
    },
    onError: (error) => {
      throw error;
    },
  });
  const running = stream.run();
  try {
    await work?.();
  } finally {
    if (work) camera.stop();
    await running;
  }
  tally.lost += stream.counters.lost + stream.counters.dropped;
}

const isSame = (a: Perception, b: Perception | undefined): boolean =>
  b !== undefined && Buffer.compare(a.mask, b.mask) === 0 && Buffer.compare(a.maskScore, b.maskScore) === 0 && JSON.stringify(a.boxes) === JSON.stringify(b.boxes);

/** What each generation answers to each frame when nothing else is going on. Throws where two generations agree on a mask. */
async function answersAlone(directories: readonly string[], frames: readonly Pixels[], threads: number): Promise<Alone> {
  const answers = new Map<number, Perception[]>();
  for (const directory of directories) {
    const engine = new ThreadEngine({ threads });
    const { generation } = await engine.load({ kind: "bundle", directory }, frames.slice(0, 1));
    const perceptions: Perception[] = [];
    for (const [sequence, pixels] of frames.entries()) perceptions.push(await engine.infer({ camera: "bench", sequence, captureTimeNs: nowNs(), ...pixels }));
    await engine.close();
    answers.set(generation, perceptions);
  }
  const [one, other] = [...answers.values()];
  frames.forEach((_, at) => {
    if (!one?.[at] || !other?.[at] || Buffer.compare(one[at].mask, other[at].mask) === 0) throw new Error(`The two generations do not differ on frame ${at}`);
  });
  return answers;
}
