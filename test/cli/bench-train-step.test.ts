import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { NightshiftError } from "../../sdk/errors.js";
import { float32, type Weights } from "../../sdk/graph/tensor.js";
import { compare, refuseUnequal } from "../../sdk/cli/bench/train-step-equality.js";
import { readProblem, stepProblem, writeProblem, type Problem } from "../../sdk/cli/bench/train-step-problem.js";
import { measureStep } from "../../sdk/cli/bench/train-step.js";
import { noNative } from "../engine/engines.js";
import { absent } from "../support/absent.js";
import { needs } from "../support/shared.js";
import { tinyNetwork } from "../support/tiny.js";

const options = { threads: 1, count: 2, peer: undefined, onProgress: () => undefined };
const kinds: readonly (readonly [Problem["step"], Problem["trains"]])[] = [
  ["lmc", "default"],
  ["lmc", "all"],
  ["supervised", "all"],
];

test.serial("bench train-step measures our own step alone", async (t) => {
  const figures = await measureStep(stepProblem("lmc", "default", tinyNetwork), options);
  for (const key of ["stepMs", "peakMb"]) t.true(Number(figures[key]) > 0, key);
  t.like(figures, { steps: 2, step: "lmc", trains: "default", network: "128x64" });
});

test.serial("bench train-step measures the same step from the native module, which computes the same", async (t) => {
  if (noNative !== undefined) return absent(t, noNative);
  const { native } = await measureStep(stepProblem("lmc", "default", tinyNetwork), { ...options, native: true });
  const { stepMs, peakMb, timeRatio, memoryRatio, equality } = native as Record<string, unknown>;
  for (const figure of [stepMs, peakMb, timeRatio, memoryRatio]) t.true(Number(figure) > 0);
  const { after3 } = equality as Record<string, { updates: Record<string, number> }>;
  t.deepEqual(new Set(Object.values(after3?.updates ?? {})), new Set([0]), "to the bit");
});

/** One problem in several lies at a kink, where rounding decides between two gradients (see DECISIONS.md), and it differs by processor which: a wrong rule would show in each. */
async function measuredBesidePeer(problem: (seed: number) => Problem, [seed, ...others]: readonly number[] = [3, 1, 2]): Promise<Record<string, unknown>> {
  try {
    return await measureStep(problem(seed), { ...options, peer: python });
  } catch (error) {
    if (others.length === 0 || !(error instanceof NightshiftError && error.code === "E_ENGINE")) throw error;
    return measuredBesidePeer(problem, others);
  }
}

const python = ["python3", "/usr/bin/python3"].find((each) => spawnSync(each, ["-c", "import numpy, torch"]).status === 0);

for (const [step, trains] of kinds)
  test.serial(`a ${step} step that trains ${trains} gives the same losses, gradients and updates in PyTorch`, async (t) => {
    if (!needs(t, python !== undefined, "Python with PyTorch", "apt-get install python3-torch")) return;
    // Random weights are sure of no box: let a few count all the same. What has no weight by default gets some.
    const scalars: Problem["scalars"] = step === "lmc" ? { boxConfidence: 0.01, weightEntropy: 0.5, weightSoft: 0.5 } : {};
    const figures = await measuredBesidePeer((seed) => stepProblem(step, trains, tinyNetwork, { seed, scalars }));
    for (const key of ["stepMs", "peakMb", "timeRatio", "memoryRatio"]) t.true(Number(figures[key]) > 0, key);
    t.like(figures, { steps: 2, step, trains });
    // At this size no pseudo-label is on the edge: a wrong rule would show far above.
    const { after1 } = figures["equality"] as Record<string, { gradients: Record<string, number>; losses: Record<string, number> }>;
    for (const [name, difference] of Object.entries({ ...after1?.gradients, ...after1?.losses })) t.true(difference < 3e-4, `${name}: ${difference}`);
  });

test("a peer that is not there, or lacks PyTorch, is named with the command that installs it", async (t) => {
  const problem = stepProblem("lmc", "default", tinyNetwork);
  await t.throwsAsync(measureStep(problem, { ...options, peer: "no-such-python3" }), { code: "E_MISSING_TOOL", message: /pip install -r .*requirements\.txt/ });
  const folder = await mkdtemp(join(tmpdir(), "nightshift-test-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const without = join(folder, "python-without-torch");
  await writeFile(without, `#!/bin/sh\necho '{"kind": "missing", "what": "No module named torch"}'\nexit 1\n`);
  await chmod(without, 0o755);
  await t.throwsAsync(measureStep(problem, { ...options, peer: without }), { code: "E_MISSING_TOOL", message: /No module named torch.*pip install -r/ });
  await t.throwsAsync(measureStep(problem, { ...options, peer: "sh" }), { code: "E_CONFIG" });
});

test("a problem survives its file", (t) => {
  const problem = stepProblem("lmc", "default", tinyNetwork);
  t.deepEqual(readProblem(writeProblem(problem)), { ...problem, weights: new Map([...problem.weights].toSorted(([a], [b]) => (a < b ? -1 : 1))) });
});

test("steps that differ are refused, by the name of the tensor; gradients of rounding alone are not compared", (t) => {
  const state = (gradient: readonly number[], rounding: number): Weights =>
    new Map([
      ["student/right", float32([2], [1, 2])],
      ["first/right", float32([2], gradient)],
      ["student/blind", float32([1], [rounding])],
      ["first/blind", float32([1], [rounding])],
    ]);
  const start: Weights = new Map([["right", float32([2], [0, 0])], ["blind", float32([1], [0])]]);
  const differences = (ours: Weights) => ({ afterSteps: 1 as const, losses: [{ name: "loss", relative: 0 }], ...compare(ours, state([3, 4], 1e-9), start) });
  t.notThrows(() => refuseUnequal(differences(state([3, 4.001], -1e-9))));
  t.deepEqual(differences(state([3, 4], -1e-9)).vanishing, ["blind"]);
  t.throws(() => refuseUnequal(differences(state([3, 4.1], -1e-9))), { code: "E_ENGINE", message: /0\.005 after 1 steps.*2\.0e-2 in right/ });
  t.throws(() => refuseUnequal(differences(state([NaN, 4], 0))), { code: "E_ENGINE", message: /in right/ });
  t.throws(() => refuseUnequal({ ...differences(state([3, 4], 0)), losses: [{ name: "loss", relative: 0.1 }] }), { code: "E_ENGINE", message: /in loss/ });
});
