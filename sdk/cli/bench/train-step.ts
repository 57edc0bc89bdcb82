import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Recompute } from "../../autodiff/recompute.js";
import { findBundle, readBundle } from "../../bundle/index.js";
import { loadOnnxRuntime } from "../../engine/native-onnx/library.js";
import { NightshiftError } from "../../errors.js";
import { isImported } from "../../network/architecture.js";
import { defaultNetwork } from "../../network/contract.js";
import { rankOf, type Trainable } from "../../network/trainable.js";
import { median, quantile } from "../../quantile.js";
import type { Bench } from "../benches.js";
import type { LineProgram } from "./line-process.js";
import { peerScript } from "./peer.js";
import { rounded } from "./statistics.js";
import { StepProcess, stepProgram } from "./step-process.js";
import { checkEquality, type Difference, type Differences, tolerances } from "./train-step-equality.js";
import { stepProblem, writeProblem, type Problem } from "./train-step-problem.js";

const defaultSteps = 30;
/** Steps in a block; blocks of the two take turns. */
const blockSteps = 3;
const warmUpSteps = 2;
/** Tensors that the report names, of those that differ most. */
const reported = 5;

/**
 * A training step at the size of the network, beside the same in another framework. Each runs in a process of its own, which waits
 * while the other is measured. Memory is a process's peak above what it had, all its code loaded, before it loaded the model.
 */
export const bench: Bench = async ({ threads = 2, count = defaultSteps, bundle, peer, native = false, step = "lmc", trains = "default", recompute = "none", onProgress }) => {
  refuseFactors(trains, peer);
  return measureStep(await problemOf(bundle, step, trains), { threads, count, peer, native, recompute, onProgress });
};

/** The peer learns the same parameters as they are. */
function refuseFactors(trains: Trainable, peer: string | undefined): void {
  if (peer === undefined || rankOf(trains) === undefined) return;
  throw new NightshiftError("E_CONFIG", { expected: "parameters that the peer trains too", received: trains, remedy: "Leave --peer or lora out." });
}

async function problemOf(bundle: string | undefined, step: Problem["step"], trains: Problem["trains"]): Promise<Problem> {
  if (bundle === undefined) return stepProblem(step, trains, defaultNetwork);
  const { network, weights } = await readBundle(findBundle(bundle), { verify: "model" });
  if (isImported(network))
    throw new NightshiftError("E_CONFIG", { expected: "a bundle of Nightshift's own network, which the peer knows too", received: "an imported model", remedy: "Use `nightshift adapt`, which prints how long its steps take." });
  return stepProblem(step, trains, network, { weights });
}

/** Our own step as a process. */
export const ownSteps = (): LineProgram => stepProgram("./train-step-process.js");

export interface StepOptions {
  readonly threads: number;
  /** Steps to measure, of each. */
  readonly count: number;
  /** The Python to compare with. */
  readonly peer: string | undefined;
  /** Whether the same step is measured from the native module too. */
  readonly native?: boolean;
  /** Of our own step: `none` unless told otherwise. */
  readonly recompute?: Recompute;
  readonly onProgress: (line: string) => void;
}

/** Throws `E_MISSING_TOOL` where the peer cannot be run, `E_ENGINE` where one does not compute the same, `E_NATIVE`, `E_ONNXRUNTIME`. */
export async function measureStep(problem: Problem, { threads, count, peer, native = false, recompute = "none", onProgress }: StepOptions): Promise<Readonly<Record<string, unknown>>> {
  const folder = await mkdtemp(join(tmpdir(), "nightshift-bench-"));
  const running: StepProcess[] = [];
  try {
    const path = join(folder, "problem.safetensors");
    await writeFile(path, writeProblem(problem));
    const start = async (program: LineProgram, ...more: string[]) => {
      const started = await StepProcess.start(program, [path, String(threads), ...more]);
      running.push(started.process);
      return started;
    };
    // Said here, where it has its code, and not by a process that does not start.
    if (native) loadOnnxRuntime();
    const described = { step: problem.step, trains: problem.trains, recompute, network: `${problem.network.width}x${problem.network.height}`, threads };
    onProgress("loading");
    const { process: ours } = await start(ownSteps(), recompute, "onnxruntime");
    const fromNative = native ? await start(ownSteps(), recompute, "native") : undefined;
    const theirs = peer === undefined ? undefined : await start(peerScript(peer, "train_step.py"), "float32");
    const others = [fromNative, theirs].filter((each) => each !== undefined);
    if (others.length > 0) onProgress("comparing the results of three steps");
    const processes = others.map(({ process }) => process);
    const equalities = await checkEquality(ours, processes, problem.weights, folder);
    const [own, ...measured] = await inTurns([ours, ...processes], count, onProgress);
    const beside = (each: (typeof others)[number]) => {
      const at = others.indexOf(each);
      const other = measured[at];
      const equality = { tolerances, ...Object.fromEntries((equalities[at] ?? []).map((differences) => [`after${differences.afterSteps}`, summary(differences)])) };
      return { other: { ...other, version: each.version }, timeRatio: ratio(own?.stepMs, other?.stepMs), memoryRatio: ratio(own?.peakMb, other?.peakMb), equality };
    };
    const { other: peerFigures, ...besidePeer } = theirs ? beside(theirs) : {};
    const { other: nativeFigures, ...besideNative } = fromNative ? beside(fromNative) : {};
    return {
      ...own,
      ...(peerFigures && { peer: peerFigures, ...besidePeer }),
      ...(nativeFigures && { native: { ...nativeFigures, ...besideNative } }),
      ...described,
    };
  } finally {
    await Promise.all(running.map((process) => process.close()));
    await rm(folder, { recursive: true, force: true });
  }
}

/** Measures blocks of steps of one process after the other, until each has done `count`; who goes first changes. */
async function inTurns(processes: readonly StepProcess[], count: number, onProgress: (line: string) => void) {
  const measured = processes.map((process) => ({ process, ms: [] as number[], peakMb: 0 }));
  for (const { process } of measured) await process.steps(warmUpSteps);
  for (let done = 0, block = 0; done < count; done += blockSteps, block++) {
    onProgress(`${done} of ${count} steps`);
    for (const each of block % 2 === 0 ? measured : measured.toReversed()) {
      const { ms, peakMb } = await each.process.steps(Math.min(blockSteps, count - done));
      each.ms.push(...ms);
      each.peakMb = peakMb;
    }
  }
  return measured.map(({ ms, peakMb }) => ({
    stepMs: rounded(median(ms), 1),
    stepMsSpread: { min: rounded(Math.min(...ms), 1), p25: rounded(quantile(ms, 0.25), 1), p75: rounded(quantile(ms, 0.75), 1), max: rounded(Math.max(...ms), 1) },
    peakMb: rounded(peakMb, 0),
    steps: ms.length,
  }));
}

/** Ours as a share of the peer's. */
const ratio = (ours = NaN, theirs = NaN): number => rounded(ours / theirs);

function summary({ losses, gradients, updates, vanishing }: Differences) {
  const worst = (all: readonly Difference[]) => Object.fromEntries(all.slice(0, reported).map(({ name, relative }) => [name, Number(relative.toPrecision(2))]));
  return { losses: worst(losses), gradients: worst(gradients), updates: worst(updates), tensors: gradients.length, vanishing };
}
