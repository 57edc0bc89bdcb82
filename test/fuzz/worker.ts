/** Fuzzes one target in a thread, so that whoever started it can end it where an input never ends. */
import { parentPort, workerData } from "node:worker_threads";
import { Random } from "../../sdk/random.js";
import { Coverage } from "./coverage.js";
import { examine } from "./examine.js";
import { offspring, type Target, type TargetName, targets } from "./targets.js";

export interface WorkerOrder {
  readonly name: TargetName;
  readonly seed: number;
  readonly corpus: readonly Uint8Array[];
  /** The input under way: its length, how many were begun with it (a `Uint32` each), then its bytes. Readable from outside when this thread hangs. */
  readonly shared: SharedArrayBuffer;
  readonly milliseconds: number;
}

export type FromWorker =
  | { readonly kind: "alive"; readonly runs: number; readonly covered: number }
  | { readonly kind: "news"; readonly input: Uint8Array }
  | { readonly kind: "finding"; readonly input: Uint8Array; readonly what: string }
  | { readonly kind: "done" };

/** Inputs between two looks at what they covered, which takes a millisecond. */
const batchSize = 24;
const largestInput = 64 * 1024;

const { name, seed, corpus: kept, shared, milliseconds } = workerData as WorkerOrder;
const tell = (message: FromWorker): void => parentPort?.postMessage(message);
const head = new Uint32Array(shared, 0, 2);
const current = new Uint8Array(shared, 8);

async function fuzz(): Promise<void> {
  const target: Target = targets[name];
  const random = new Random(seed, name);
  const corpus: Uint8Array[] = [];
  const coverage = await Coverage.start((url) => url.includes("/dist/sdk/") || url.includes("/dist/adapters/"));
  const findings = new Set<string>();
  let runs = 0;
  const run = async (input: Uint8Array): Promise<void> => {
    head[0] = input.length;
    current.set(input);
    head[1] = ++runs;
    const what = await examine(target, input);
    // The same line of the same file is the same finding.
    const place = what?.split("\n").find((line) => line.includes("/dist/")) ?? what;
    if (what === undefined || place === undefined || findings.has(place)) return;
    findings.add(place);
    tell({ kind: "finding", input, what });
  };
  for (const input of [...(await target.seeds()), ...kept]) {
    await run(input);
    if ((await coverage.take()) > 0 || corpus.length === 0) corpus.push(input);
  }
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    // The newest lead on; the older are not forgotten.
    const pool = random.chance(0.5) ? corpus.slice(-16) : corpus;
    const batch = Array.from({ length: batchSize }, () => offspring(target, pool, random)).filter(({ length: bytes }) => bytes <= largestInput);
    for (const input of batch) await run(input);
    // Which of them reached something new shows when each runs alone.
    if (await coverage.isNews())
      for (const input of batch) {
        await run(input);
        if ((await coverage.take()) === 0) continue;
        corpus.push(input);
        tell({ kind: "news", input });
      }
    tell({ kind: "alive", runs, covered: coverage.size });
  }
  tell({ kind: "done" });
}

await fuzz();
