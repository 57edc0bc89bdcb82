/**
 * Compares gradients with those of others: every operator on every case of the tests, and small models as PyTorch exports them, with PyTorch's autograd and with the
 * package onnx-ad. A check for whoever changes a rule; it needs a Python with the packages of requirements.txt, and is no part of the tests.
 *
 * `npm run check:oracle -- [--python PROGRAM] [--all]`
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packageRoot } from "../../sdk/paths.js";
import { checkModels } from "./models.js";
import { checkOperators } from "./operators.js";

export interface Finding {
  readonly what: string;
  /** Tensors that were compared. */
  readonly compared?: number;
  /** The largest relative difference (L2) of one of them. */
  readonly worst?: number;
  readonly failed?: boolean;
  readonly why?: string;
  /** Why it was not compared. */
  readonly skipped?: string;
}

const { values } = parseArgs({ options: { python: { type: "string", default: process.env["PYTHON"] ?? "python3" }, all: { type: "boolean", default: false } } });
const { python, all } = values;
const requirements = join(packageRoot(), "test", "oracle", "requirements.txt");

function line({ what, compared, worst, failed, why, skipped }: Finding): string {
  if (skipped !== undefined) return `-      ${what}: not compared, ${skipped}`;
  return `${failed ? "FAILED" : "ok    "} ${what}: ${why ?? `${compared} tensors, at most ${worst?.toExponential(1)} apart`}`;
}

if (spawnSync(python, ["-c", "import numpy, torch, onnx"]).status !== 0) {
  console.error(`${python} has no numpy, torch and onnx. Install them: ${python} -m pip install -r ${requirements}; or choose another Python: npm run check:oracle -- --python PROGRAM`);
  process.exit(1);
}
const folder = await mkdtemp(join(tmpdir(), "nightshift-oracle-"));
try {
  const operators = await checkOperators(python, folder);
  for (const finding of operators) if (all || finding.failed || finding.skipped !== undefined) console.log(line(finding));
  const same = operators.filter(({ skipped }) => skipped === undefined);
  console.log(line({ what: `operators, ${same.length} cases`, compared: same.reduce((sum, { compared = 0 }) => sum + compared, 0), worst: Math.max(...same.map(({ worst = 0 }) => worst)), failed: same.some(({ failed }) => failed) }));
  const models = await checkModels(python, folder);
  for (const finding of models) console.log(line(finding));
  const findings = [...operators, ...models];
  const failures = findings.filter(({ failed }) => failed).length;
  console.log(`\n${findings.filter(({ skipped, failed }) => skipped === undefined && !failed).length} the same, ${failures} different, ${findings.filter(({ skipped }) => skipped !== undefined).length} not compared`);
  process.exitCode = failures > 0 ? 1 : 0;
} finally {
  await rm(folder, { recursive: true, force: true });
}
