import { quantile } from "../../../quantile.js";
import type { FrameLog } from "./frame-log.js";
import type { SoakData } from "./plot.js";
import type { Witness } from "./witness.js";
import { rounded, trend } from "../statistics.js";

/** What was seen at an instant. */
export interface Sample {
  readonly atS: number;
  readonly residentMb: number;
  /** By JavaScript: objects, and buffers outside of its heap. What else is resident belongs to native code, or to nobody and is kept by the allocator. */
  readonly heldMb: number;
  /** Frames, from the start on. */
  readonly lost: number;
}

/** What a soak saw of itself; seconds since its start. */
export interface Observed {
  readonly windows: SoakData["windows"];
  readonly samples: readonly Sample[];
  readonly frames: FrameLog;
  readonly generations: SoakData["generations"];
}

/** Of the samples, for memory to settle before its slope counts. */
const settlingShare = 0.2;

/** Of the samples, one in so many is drawn. */
const drawnEvery = 10;

/** What is drawn and kept. */
export const dataOf = ({ windows, samples, frames, generations }: Observed): SoakData => ({
  windows: windows.map(({ fault, fromS, toS }) => ({ fault, fromS: rounded(fromS, 1), toS: rounded(toS, 1) })),
  memory: samples.filter((_, at) => at % drawnEvery === 0).map(({ atS, residentMb, heldMb }) => ({ atS: rounded(atS, 1), residentMb: rounded(residentMb, 1), heldMb: rounded(heldMb, 1) })),
  latency: latencyOver(frames, outsideOf(windows)),
  generations: generations.map(({ atS, generation }) => ({ atS: rounded(atS, 1), generation })),
});

const outsideOf =
  (windows: Observed["windows"]) =>
  (atS: number): boolean =>
    !windows.some(({ fromS, toS }) => atS >= fromS && atS <= toS);

/** Losses and latency of frames that were due outside of the faults' windows. */
export function outsideWindows({ windows, samples, frames: { dueS, generation, totalMs } }: Observed) {
  const isOutside = outsideOf(windows);
  const due = [...dueS.keys()].filter((sequence) => !Number.isNaN(dueS[sequence]) && isOutside(dueS[sequence]));
  const missing = due.filter((sequence) => generation[sequence] < 0).length;
  const lost = samples.reduce((sum, sample, at) => sum + (isOutside(sample.atS) ? sample.lost - (samples[at - 1]?.lost ?? 0) : 0), 0);
  const latenciesMs = due.flatMap((sequence) => (generation[sequence] < 0 ? [] : totalMs[sequence]));
  return { delivered: due.length, lost, dropped: missing - lost, latencyMs: { p50: rounded(quantile(latenciesMs, 0.5), 1), p99: rounded(quantile(latenciesMs, 0.99), 1) } };
}

/**
 * Whether every subscriber heard the generation of each frame that it was answered with, and which it did not hear of at all between the first and the last that it heard: of those that were
 * due outside of the faults' windows.
 */
export function consistency(witnesses: readonly Pick<Witness, "generations">[], { windows, frames: { dueS, generation: answered } }: Pick<Observed, "windows" | "frames">) {
  const isOutside = outsideOf(windows);
  let [compared, differing, unheard] = [0, 0, 0];
  for (const { generations } of witnesses) {
    const hasHeard = (generation: number): boolean => generation !== -1;
    const [first, last] = [generations.findIndex(hasHeard), generations.findLastIndex(hasHeard)];
    for (let sequence = Math.max(0, first); sequence <= last; sequence++)
      if (hasHeard(generations[sequence])) {
        compared++;
        if (answered[sequence] !== generations[sequence]) differing++;
      } else if (answered[sequence] >= 0 && isOutside(dueS[sequence])) unheard++;
  }
  return { subscribers: witnesses.length, compared, differing, unheard, seen: new Set(answered.filter((generation) => generation >= 0)).size };
}

/** How resident memory and what JavaScript holds of it grow once settled, and how large they were. */
export function memoryOf(samples: readonly Sample[]) {
  const settled = samples.slice(Math.floor(samples.length * settlingShare));
  const of = (megabytes: (sample: Sample) => number) => {
    const { slope, interval } = trend(settled.map((sample) => [sample.atS / 3600, megabytes(sample)]));
    const [firstMb, lastMb] = [samples[0], samples.at(-1)].map((sample) => rounded(sample ? megabytes(sample) : NaN, 0));
    return { slopeMbPerHour: rounded(slope, 1), interval: interval.map((bound) => rounded(bound, 1)), firstMb, lastMb };
  };
  return { ...of(({ residentMb }) => residentMb), peakMb: rounded(process.resourceUsage().maxRSS / 1024, 0), held: of(({ heldMb }) => heldMb) };
}

/** Of frames that were due outside of the faults' windows: a clock that goes back makes latencies of its own. */
function latencyOver({ dueS, generation, totalMs }: FrameLog, isOutside: (atS: number) => boolean): SoakData["latency"] {
  const answered = [...dueS.keys()].filter((sequence) => generation[sequence] >= 0 && isOutside(dueS[sequence]));
  const blocks = inBlocks(answered, (sequence) => Math.floor(dueS[sequence] / 5) * 5);
  return [...blocks].map(([atS, block]) => {
    const ms = block.map((sequence) => totalMs[sequence]);
    return { atS, p50Ms: rounded(quantile(ms, 0.5), 1), p99Ms: rounded(quantile(ms, 0.99), 1) };
  });
}

function inBlocks<T>(items: readonly T[], of: (item: T) => number): Map<number, T[]> {
  const blocks = new Map<number, T[]>();
  for (const item of items) {
    const block = blocks.get(of(item));
    if (block) block.push(item);
    else blocks.set(of(item), [item]);
  }
  return blocks;
}
