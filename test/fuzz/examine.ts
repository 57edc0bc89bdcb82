import { NightshiftError } from "../../sdk/errors.js";
import type { Target } from "./targets.js";

/** More bytes than this outside V8's heap at once, for inputs of some kilobytes, is a parser that believes what it is told. */
export const mostBytes = 256 * 2 ** 20;

/** An input that takes longer is a finding. */
export const longestMs = 5000;

/** Has the target parse an input. Answers with what its promise breaks on; undefined where it is kept. `mostMs` is of this process alone, so that a busy machine breaks no promise. */
export async function examine(target: Target, input: Uint8Array, mostMs = longestMs): Promise<string | undefined> {
  const before = process.memoryUsage().arrayBuffers;
  const began = process.cpuUsage();
  try {
    await target.parse(input);
  } catch (error) {
    if (!(error instanceof NightshiftError)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const { user, system } = process.cpuUsage(began);
  const tookMs = (user + system) / 1000;
  if (tookMs > mostMs) return `took ${tookMs.toFixed(0)} ms`;
  const taken = process.memoryUsage().arrayBuffers - before;
  return taken > mostBytes ? `took ${(taken / 2 ** 20).toFixed(0)} MiB for ${input.length} bytes` : undefined;
}
