import type { Nightshift } from "../nightshift.js";
import { type CameraStatus, overAll } from "../stream/status.js";
import { figure, table } from "./io.js";
import type { Scores } from "./scores.js";

/** What `nightshift run` ends with. Scores in percent, latencies from capture to answer. */
export interface Summary {
  /** Each of several. */
  readonly cameras?: readonly CameraStatus[];
  readonly framesIn: number;
  readonly answered: number;
  readonly dropped: number;
  readonly lost: number;
  /** Learnt and accepted, as `LoopCounters.generations`. */
  readonly generations: number;
  readonly triggers: number;
  readonly verdicts: { readonly accepted: number; readonly rejected: number };
  readonly rolledBack: number;
  readonly trainerFailures: number;
  /** What was recorded, where anything was. */
  readonly recorded?: { readonly path: string; readonly frames: number; readonly skipped: number };
  readonly fps: number;
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number };
  readonly miou: Scores["miou"];
  /** What it was measured on, or why it was not. */
  readonly miouOn: string;
}

const rounded = (value: number): number => Number(value.toFixed(2));

export function summarize(nightshift: Nightshift, scores: Scores): Summary {
  const { cameras } = nightshift.status;
  const { framesIn, answered, dropped, lost } = overAll(cameras);
  const { latencyMs } = nightshift;
  const { generations, triggers, verdicts, rolledBack, trainerFailures } = nightshift.learned;
  const latency = { p50: rounded(latencyMs.p50), p95: rounded(latencyMs.p95), p99: rounded(latencyMs.p99) };
  const recorded = nightshift.recorded && { path: nightshift.recorded.path, frames: nightshift.recorded.frames, skipped: nightshift.recorded.skipped };
  return { ...(recorded && { recorded }), ...(cameras.length > 1 && { cameras }), framesIn, answered, dropped, lost, generations, triggers, verdicts, rolledBack, trainerFailures, fps: rounded(nightshift.fps), latencyMs: latency, ...scores };
}

export function summaryLines(summary: Summary): string[] {
  const { framesIn, answered, dropped, lost, generations, triggers, verdicts, fps, latencyMs, miou, miouOn } = summary;
  return table([
    ...(summary.cameras ?? []).map((each) => [each.camera, `${each.framesIn} in, ${each.answered} answered, ${each.dropped} dropped, ${each.lost} lost; ${figure(each.latencyMs.p50)} ms lately`] as const),
    ["frames", `${framesIn} in, ${answered} answered, ${dropped} dropped, ${lost} lost`],
    ...(summary.recorded ? [["recorded", `${summary.recorded.frames} frames in ${summary.recorded.path}, ${summary.recorded.skipped} missed`] as const] : []),
    ["frames a second", figure(fps)],
    ["latency", `${figure(latencyMs.p50)} ms (p95 ${figure(latencyMs.p95)}, p99 ${figure(latencyMs.p99)})`],
    ["triggers", triggers],
    ["verdicts", `${verdicts.accepted} accepted, ${verdicts.rejected} rejected`],
    ["generations", generations],
    ["mIoU", `${figure(miou.before)} before, ${figure(miou.after)} after (${miouOn})`],
  ]);
}
