import { readFile } from "node:fs/promises";
import type { InferenceSession } from "onnxruntime-node";
import { quantile } from "../../quantile.js";

/** A node of a graph as ONNX Runtime ran it. */
export interface NodeTime {
  readonly operator: string;
  /** That of the node in the graph, as far as ONNX Runtime kept it. */
  readonly node: string;
  /** A good run's: the first quartile, as other work on the machine only adds. */
  readonly ms: number;
}

interface Event {
  readonly cat: string;
  readonly name: string;
  /** Microseconds. */
  readonly dur: number;
  readonly args: { readonly op_name?: string };
}

const kernel = "_kernel_time";

/** What each node took over the runs of a session that was made with `enableProfiling`, and ends its profiling. `file`: where it profiles to. */
export async function nodeTimes(session: InferenceSession, file: () => Promise<string>): Promise<readonly NodeTime[]> {
  session.endProfiling();
  const events = JSON.parse(await readFile(await file(), "utf8")) as readonly Event[];
  const times = new Map<string, { operator: string; node: string; all: number[] }>();
  for (const { cat, name, dur, args } of events) {
    if (cat !== "Node" || !name.endsWith(kernel)) continue;
    const operator = args.op_name ?? "unknown";
    const found = times.get(name) ?? { operator, node: originalName(name.slice(0, -kernel.length)), all: [] };
    found.all.push(dur / 1000);
    times.set(name, found);
  }
  return [...times.values()].map(({ operator, node, all }) => ({ operator, node, ms: quantile(all, 0.25) }));
}

/** Without what ONNX Runtime's optimisers hang on. */
const originalName = (name: string): string => name.replace(/(_nchwc|_token_\d+)$/, "");

/** Milliseconds by key, the longest first. */
export function summed(times: readonly NodeTime[], key: (time: NodeTime) => string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const time of times) sums.set(key(time), (sums.get(key(time)) ?? 0) + time.ms);
  return new Map([...sums].sort(([, a], [, b]) => b - a));
}
