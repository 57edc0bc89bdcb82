import { createHash } from "node:crypto";
import { NightshiftError } from "../../errors.js";
import type { Random } from "../../training/batch/index.js";
import type { TrainingJob } from "./job.js";

/**
 * Some frames to learn from, one in `judgeEvery` to judge by, at most `judgeFrames`. Which ones these are is decided by the digests of their pixels, not by their places in a memory
 * that changes: so a frame that one training learnt from is hardly ever one that the next is judged by. Throws `E_TRAINER` where there are too few.
 */
export function splitTargets({ targets, options: { judgeEvery, judgeFrames, targetBatch } }: Pick<TrainingJob, "targets" | "options">): { teaching: readonly Uint8Array[]; judging: readonly Uint8Array[] } {
  const digests = targets.map((rgb) => createHash("sha256").update(rgb).digest("hex"));
  const ranked = [...targets.keys()].sort((a, b) => (digests[a] < digests[b] ? -1 : digests[a] > digests[b] ? 1 : a - b));
  const chosen = new Set(ranked.slice(0, Math.floor(targets.length / judgeEvery)));
  const judging = targets.filter((_, index) => chosen.has(index));
  const teaching = targets.filter((_, index) => !chosen.has(index));
  if (teaching.length >= targetBatch && judging.length > 0) return { teaching, judging: spread(judging, judgeFrames) };
  throw new NightshiftError("E_TRAINER", {
    expected: `at least ${Math.max(judgeEvery, targetBatch + 1)} target frames`,
    received: `${targets.length}`,
    remedy: "Collect more frames first; those that repeat another are left out.",
  });
}

/** At most `count` of the items, evenly over all of them. */
const spread = <T>(items: readonly T[], count: number): T[] =>
  items.length <= count ? [...items] : Array.from({ length: count }, (_, at) => items[Math.floor((at * items.length) / count)]);

/** Frames of one step, `[count, height, width, 3]`, all different. */
export function drawTargets(targets: readonly Uint8Array[], count: number, random: Random): Uint8Array {
  const size = targets[0].length;
  const out = new Uint8Array(count * size);
  random.permutation(targets.length).subarray(0, count).forEach((index, at) => out.set(targets[index], at * size));
  return out;
}
