import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findBundle } from "../../bundle/index.js";
import { nativeStatus } from "../../engine/native.js";
import { median, quantile } from "../../quantile.js";
import type { Bench } from "../benches.js";
import { LineProcess } from "./line-process.js";
import { rounded } from "./statistics.js";
import { policies, type SwapPolicy } from "./swap-policy/policies.js";
import type { ServeAnswers, ServeRequest, ServeSetup } from "./swap-policy/process.js";

const defaultSwaps = 40;
/** Rounds in which policies take turns at frames without swaps. */
const rounds = 10;
const roundFrames = 20;
/** Swaps of a stream before policies take turns. */
const blockSwaps = 5;
/** Frame periods between two frames of the stream, as a multiple of what a frame takes: making ready the next generation shares the processor. */
const headroom = 2.5;

type ServeProcess = LineProcess<ServeRequest, ServeAnswers>;

interface Measured {
  readonly policy: SwapPolicy;
  readonly process: ServeProcess;
  readonly frameMs: number[];
  readonly swapMs: number[];
  readonly late: number[];
  readonly lateWithoutSwaps: number[];
  residentMb: number;
  residentAfterSwapsMb: number;
  differing?: ServeAnswers["streamed"]["differing"];
}

/**
 * Ways to change the weights that serve, from two generations in memory, each in a process of its own and taking turns: milliseconds of a frame and of a swap, memory,
 * and how late frames of a paced stream are during swaps. Those of TensorRT where there is a GPU, else the error that asking for one gives.
 */
export const bench: Bench = async ({ bundle = "default", threads = 2, count = defaultSwaps, trains = "default", onProgress }) => {
  const cache = await mkdtemp(join(tmpdir(), "nightshift-bench-"));
  const { devices, tensorRt } = nativeStatus();
  const missing = "missing" in devices ? devices.missing : "missing" in tensorRt ? tensorRt.missing : undefined;
  const runnable = policies.filter(({ engine }) => engine === "onnxruntime" || !missing);
  const measured: Measured[] = [];
  try {
    for (const policy of runnable) {
      onProgress(`opening ${policy.engine}, ${policy.name}`);
      measured.push({ policy, process: await start({ policy, bundle: findBundle(bundle), trains, threads, cache }), frameMs: [], swapMs: [], late: [], lateWithoutSwaps: [], residentMb: 0, residentAfterSwapsMb: 0 });
    }
    for (let round = 0; round < rounds; round++)
      for (const each of inTurn(measured, round)) {
        const { ms, residentMb } = await each.process.ask({ kind: "frames", count: roundFrames }, "framed");
        each.frameMs.push(median(ms));
        each.residentMb = residentMb;
        onProgress(`frames: ${round + 1} of ${rounds} rounds`);
      }
    for (let round = 0; round * blockSwaps < count; round++)
      for (const each of inTurn(measured, round)) {
        const fps = 1000 / (headroom * median(each.frameMs));
        const swapped = await each.process.ask({ kind: "stream", fps, swaps: Math.min(blockSwaps, count - round * blockSwaps), frames: 0 }, "streamed");
        const control = await each.process.ask({ kind: "stream", fps, swaps: 0, frames: swapped.late.length }, "streamed");
        each.swapMs.push(...swapped.swapMs);
        each.late.push(...swapped.late);
        each.lateWithoutSwaps.push(...control.late);
        each.residentAfterSwapsMb = swapped.residentMb;
        each.differing = swapped.differing;
        onProgress(`swaps: ${each.swapMs.length} of ${count}`);
      }
    const of = (engine: SwapPolicy["engine"]) => {
      const own = measured.filter(({ policy }) => policy.engine === engine);
      return Object.fromEntries(own.map((each) => [each.policy.name, figures(each, own[0] ?? each)]));
    };
    return { onnxruntime: of("onnxruntime"), tensorrt: missing ? { notRun: missing.message } : of("tensorrt"), differing: measured[0]?.differing, swaps: count, trains, threads, bundle };
  } finally {
    for (const { process } of measured) await process.close();
    await rm(cache, { recursive: true, force: true });
  }
};

async function start(setup: ServeSetup): Promise<ServeProcess> {
  const script = fileURLToPath(new URL("./swap-policy/process.js", import.meta.url));
  const { process: started } = await LineProcess.start<ServeRequest, ServeAnswers>({ command: process.execPath, script: [script], remedy: "See what it wrote above." }, [JSON.stringify(setup)]);
  return started;
}

/** Each goes first every other time, so that none has the cooler processor. */
const inTurn = <T>(all: readonly T[], round: number): readonly T[] => (round % 2 === 0 ? all : all.toReversed());

const figures = ({ frameMs, swapMs, late, lateWithoutSwaps, residentMb, residentAfterSwapsMb }: Measured, first: Measured) => ({
  frameMs: spread(frameMs),
  /** Of a frame, as a multiple of what it takes under the engine's first policy in the same round. */
  timesFirst: spread(frameMs.map((ms, round) => ms / (first.frameMs[round] ?? NaN)), 2),
  swapMs: spread(swapMs),
  residentMb: rounded(residentMb, 0),
  residentAfterSwapsMb: rounded(residentAfterSwapsMb, 0),
  latenessFrames: { p99: rounded(quantile(late, 0.99)), max: rounded(quantile(late, 1)) },
  controlLatenessFrames: { p99: rounded(quantile(lateWithoutSwaps, 0.99)), max: rounded(quantile(lateWithoutSwaps, 1)) },
});

const spread = (values: readonly number[], digits = 1) => ({ median: rounded(median(values), digits), min: rounded(Math.min(...values), digits), max: rounded(Math.max(...values), digits) });
