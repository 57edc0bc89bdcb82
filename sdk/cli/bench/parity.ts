import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NightshiftError } from "../../errors.js";
import { defaultNetwork, type NetworkConfig } from "../../network/contract.js";
import type { Trainable } from "../../network/trainable.js";
import type { Bench } from "../benches.js";
import { ReferenceSteps } from "./reference-steps.js";
import type { LineProgram } from "./line-process.js";
import { peerScript } from "./peer.js";
import { smallNetwork } from "./small-network.js";
import { StepProcess } from "./step-process.js";
import { ownSteps } from "./train-step.js";
import { compare, type Difference, stateOf } from "./train-step-equality.js";
import { type Problem, stepProblem, writeProblem } from "./train-step-problem.js";

const defaultSteps = 10;
/** Largest relative L2 error of a tensor's update that counts as the same in float64. */
export const parityTolerance = 1e-6;
/** Share of the whole gradient's norm, below which a tensor's gradient is rounding in float64. */
const vanishing = 1e-13;

/**
 * The same training steps, on the same inputs and noise, by this library and by PyTorch: how far each tensor's update is apart after ten of them. In float64 a
 * small network, on the reference engine; in float32 the default network, on ONNX Runtime.
 */
export const bench: Bench = async ({ threads = 2, count = defaultSteps, peer = "python3", trains = "all", onProgress }) => {
  const exact = await exactParity(smallNetwork, { threads, count, peer, trains, onProgress });
  const float32 = await roundedParity(defaultNetwork, { threads, count, peer, trains, onProgress });
  return { exact, float32, steps: count, trains };
};

export interface ParityOptions {
  readonly threads: number;
  /** Steps before the two are compared. */
  readonly count: number;
  /** A Python with PyTorch. */
  readonly peer: string;
  readonly trains: Trainable;
  readonly onProgress: (line: string) => void;
}

/**
 * In float64. Throws `E_ENGINE` where an update is further apart than `parityTolerance`; `E_MISSING_TOOL`, `E_CONFIG` where the peer cannot be run.
 */
export async function exactParity(network: NetworkConfig, { threads, count, peer, trains, onProgress }: ParityOptions) {
  // Random weights are sure of no box: let a few count all the same.
  const problem = stepProblem("lmc", trains, network, { scalars: { boxConfidence: 0.01 } });
  onProgress(`${size(network)}, float64: ${count} steps in PyTorch`);
  const theirs = await inFolder(problem, (folder) => stepped(peerScript(peer, "train_step.py"), [folder.path, String(threads), "float64"], count, folder.name));
  const ours = new ReferenceSteps(problem);
  for (let step = 1; step <= count; step++) {
    onProgress(`${size(network)}, float64: step ${step} of ${count} on the reference engine`);
    ours.step();
  }
  const { updates, vanishing: blind } = compare(ours.state(), theirs.state, problem.weights, vanishing);
  const [worst] = updates;
  if (!worst || !(worst.relative <= parityTolerance))
    throw new NightshiftError("E_ENGINE", {
      expected: `updates that are equal within ${parityTolerance} after ${count} steps in float64`,
      received: worst ? `a relative difference of ${worst.relative.toExponential(1)} in ${worst.name}` : "none at all",
      remedy: "Find the operator whose gradient differs: `npm run check:oracle` compares them one by one.",
    });
  return { network: size(network), engine: "reference, float64", peer: `${theirs.version}, float64`, tolerance: parityTolerance, ...described(updates, blind) };
}

/** In float32, where rounding decides between the two at every kink: told, not judged. */
async function roundedParity(network: NetworkConfig, { threads, count, peer, trains, onProgress }: ParityOptions) {
  const problem = stepProblem("lmc", trains, network);
  return inFolder(problem, async (folder) => {
    onProgress(`${size(network)}, float32: ${count} steps in PyTorch`);
    const theirs = await stepped(peerScript(peer, "train_step.py"), [folder.path, String(threads), "float32"], count, folder.name);
    onProgress(`${size(network)}, float32: ${count} steps of our own`);
    const ours = await stepped(ownSteps(), [folder.path, String(threads)], count, folder.name);
    const { updates, vanishing: blind } = compare(ours.state, theirs.state, problem.weights);
    return { network: size(network), engine: "ONNX Runtime, float32", peer: `${theirs.version}, float32`, ...described(updates, blind) };
  });
}

async function stepped(program: LineProgram, args: readonly string[], count: number, folder: string) {
  const { process, version } = await StepProcess.start(program, args);
  try {
    await process.steps(count);
    return { state: await stateOf(process, folder), version };
  } finally {
    await process.close();
  }
}

async function inFolder<T>(problem: Problem, use: (folder: { readonly name: string; readonly path: string }) => Promise<T>): Promise<T> {
  const name = await mkdtemp(join(tmpdir(), "nightshift-bench-"));
  try {
    const path = join(name, "problem.safetensors");
    await writeFile(path, writeProblem(problem));
    return await use({ name, path });
  } finally {
    await rm(name, { recursive: true, force: true });
  }
}

const size = ({ width, height }: NetworkConfig): string => `${width}x${height}`;
const figureOf = (difference: Difference | undefined): number => Number((difference?.relative ?? NaN).toPrecision(2));

/** Relative L2 errors of the updates, the worst first. */
function described(updates: readonly Difference[], blind: readonly string[]) {
  const middle = updates[Math.floor(updates.length / 2)];
  return {
    worst: figureOf(updates[0]),
    median: figureOf(middle),
    tensors: updates.length,
    updates: Object.fromEntries(updates.map((difference) => [difference.name, figureOf(difference)])),
    // Where only rounding is left of the gradient there is nothing to compare.
    vanishing: blind,
  };
}
