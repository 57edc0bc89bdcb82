import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { NightshiftError } from "../../errors.js";
import { readSafetensors } from "../../graph/safetensors.js";
import type { Weights } from "../../graph/tensor.js";
import { prefixes } from "../../network/steps/step-graph.js";
import type { StepProcess } from "./step-process.js";

export interface Difference {
  readonly name: string;
  /** ||ours - theirs|| / ||theirs||. */
  readonly relative: number;
}

/** How far two processes are from each other after the same steps, the worst first. */
export interface Differences {
  readonly afterSteps: keyof typeof tolerances;
  readonly losses: readonly Difference[];
  /** Of the gradients' moving averages, tensor by tensor. */
  readonly gradients: readonly Difference[];
  /** Of the weights' changes since the start, tensor by tensor. */
  readonly updates: readonly Difference[];
  /**
   * Tensors whose gradient is rounding alone, such as the bias of attention's keys, to which softmax is blind. AdamW makes full
   * steps of them, to one side or the other; they are not compared.
   */
  readonly vanishing: readonly string[];
}

/**
 * Largest differences that count as equal in float32, after so many steps. Most tensors agree to 1e-4; but rounding may give a pixel
 * whose two best names tie another pseudo-label, and where a gradient is all but 0 AdamW, which divides by its size, may step to the
 * other side. Both grow with steps.
 */
export const tolerances = {
  1: { losses: 1e-4, gradients: 5e-3, updates: 2e-2 },
  3: { losses: 1e-3, gradients: 2e-2, updates: 5e-2 },
} as const;

/** In float32. */
const vanishingShare = 1e-7;

const checkedSteps = [1, 3] as const;

/**
 * Runs all for three steps from the same start and compares each of the others with ours after the first and the last; answers with what it found of each.
 *
 * @param start the weights that all start from
 * @param folder where the processes may leave their states
 * @throws `E_ENGINE` where they differ by more than `tolerances`
 */
export async function checkEquality(ours: StepProcess, others: readonly StepProcess[], start: Weights, folder: string): Promise<readonly (readonly Differences[])[]> {
  const all = others.map((): Differences[] => []);
  let done = 0;
  for (const afterSteps of others.length > 0 ? checkedSteps : []) {
    const own = await ours.steps(afterSteps - done);
    const ownState = await stateOf(ours, folder);
    for (const [at, theirs] of others.entries()) {
      const other = await theirs.steps(afterSteps - done);
      const results = Object.entries(own.results).map(([name, value]) => ({ name, relative: Math.abs(value - (other.results[name] ?? NaN)) / Math.abs(other.results[name] ?? NaN) }));
      const isNorm = ({ name }: Difference): boolean => name === "gradientNorm";
      const { gradients, ...compared } = compare(ownState, await stateOf(theirs, folder), start);
      const differences = {
        afterSteps,
        losses: results.filter((each) => !isNorm(each)).toSorted(worstFirst),
        // The norm of all gradients can be no nearer than they are.
        gradients: [...gradients, ...results.filter(isNorm)].toSorted(worstFirst),
        ...compared,
      };
      refuseUnequal(differences);
      all[at]?.push(differences);
    }
    done = afterSteps;
  }
  return all;
}

/** Weights and moving averages by name, in float32 or float64. */
export type StepState = ReadonlyMap<string, { readonly data: Float32Array | Float64Array }>;

/** What a process has come to. `folder`: where it may leave it for a moment. */
export async function stateOf(process: StepProcess, folder: string): Promise<StepState> {
  const path = join(folder, "state.safetensors");
  await process.save(path);
  const { tensors } = readSafetensors(await readFile(path));
  await rm(path);
  return tensors as StepState;
}

/**
 * Compares two states, of which both hold `student/<name>` and `first/<name>`.
 *
 * @param vanishing share of the whole gradient's norm, below which a tensor's gradient is rounding
 */
export function compare(ours: StepState, theirs: StepState, start: StepState, vanishing = vanishingShare): Omit<Differences, "losses" | "afterSteps"> {
  const numbers = (state: StepState, name: string): Numbers => state.get(name)?.data ?? new Float32Array();
  const names = [...new Set([...ours.keys(), ...theirs.keys()])].filter((name) => name.startsWith(prefixes.first)).map((name) => name.slice(prefixes.first.length));
  const whole = Math.hypot(...names.map((name) => length(numbers(theirs, prefixes.first + name))));
  const isVanishing = (name: string): boolean =>
    [ours, theirs].every((state) => state.has(prefixes.first + name) && length(numbers(state, prefixes.first + name)) < vanishing * whole);
  const compared = names.filter((name) => !isVanishing(name));
  const difference = (name: string, a: Numbers, b: Numbers): Difference => ({ name, relative: a.length === b.length ? length(minus(a, b)) / length(b) : NaN });
  const changeOf = (state: StepState, name: string): Numbers => minus(numbers(state, prefixes.student + name), numbers(start, name));
  return {
    gradients: compared.map((name) => difference(name, numbers(ours, prefixes.first + name), numbers(theirs, prefixes.first + name))).toSorted(worstFirst),
    updates: compared.map((name) => difference(name, changeOf(ours, name), changeOf(theirs, name))).toSorted(worstFirst),
    vanishing: names.filter(isVanishing),
  };
}

type Numbers = Float32Array | Float64Array;

const minus = (a: Numbers, b: Numbers): Numbers => Float64Array.from(a, (value, at) => value - (b[at] ?? NaN));

function length(values: Numbers): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.sqrt(squares);
}

/** What is not a number is worst. */
const worstFirst = (a: Difference, b: Difference): number => rank(b) - rank(a);
const rank = ({ relative }: Difference): number => (Number.isNaN(relative) ? Number.MAX_VALUE : relative);

/** Throws `E_ENGINE` where the worst of some kind is beyond its tolerance. */
export function refuseUnequal(differences: Differences): void {
  for (const kind of ["losses", "gradients", "updates"] as const) {
    const [worst] = differences[kind];
    const tolerance = tolerances[differences.afterSteps][kind];
    if (worst && worst.relative <= tolerance) continue;
    throw new NightshiftError("E_ENGINE", {
      expected: `${kind} that are equal within ${tolerance} after ${differences.afterSteps} steps`,
      received: worst ? `a relative difference of ${worst.relative.toExponential(1)} in ${worst.name}` : "none at all",
      remedy: "Times of steps that are not the same cannot be compared; find the operator whose gradient differs.",
    });
  }
}
