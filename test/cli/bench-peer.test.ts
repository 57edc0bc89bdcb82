import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { networkCases, uncovered } from "../../sdk/cli/bench/network-cases.js";
import { measureOperators } from "../../sdk/cli/bench/operators.js";
import { exactParity } from "../../sdk/cli/bench/parity.js";
import { needs } from "../support/shared.js";
import { tinyNetwork } from "../support/tiny.js";

const python = ["python3", "/usr/bin/python3"].find((each) => spawnSync(each, ["-c", "import numpy, torch"]).status === 0);
const onProgress = (): void => undefined;
const cases = networkCases();
const few = cases.filter(({ operator, inputs }) => ["ReduceMin", "TopK", "Unsqueeze", "OneHot"].includes(operator) && (inputs[0]?.data.length ?? 0) < 1e6);

interface Figures {
  readonly operators: readonly { readonly operator: string; readonly forward: Record<string, unknown>; readonly backward?: Record<string, unknown> }[];
  readonly peer: string;
  readonly callMs: number;
}

test("every operator is measured, at sizes that the network has where it has the operator", (t) => {
  t.deepEqual(uncovered(cases), []);
  const conv = cases.filter(({ operator, isOwn }) => operator === "Conv" && isOwn).map(({ inputs }) => inputs[1]?.shape.slice(2).join("x"));
  t.true(conv.includes("1x1") && conv.includes("3x3"));
  t.true(cases.every(({ inputs }) => inputs.every(({ shape, data }) => data.length === shape.reduce((a, b) => a * b, 1))));
});

test.serial("operators are measured alone where PyTorch is absent, and it is said; a peer that was asked for must be there", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "nightshift-test-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const without = join(folder, "python3");
  await writeFile(without, `#!/bin/sh\necho '{"kind": "missing", "what": "No module named torch"}'\nexit 1\n`);
  await chmod(without, 0o755);
  const path = process.env["PATH"];
  process.env["PATH"] = `${folder}:${path}`;
  t.teardown(() => (process.env["PATH"] = path));
  const { operators, peer } = (await measureOperators(few, { threads: 1, blocks: 1, peer: undefined, onProgress })) as unknown as Figures;
  t.is(peer, "none: No module named torch");
  t.is(operators.length, few.length);
  for (const { forward } of operators) t.true(Number(forward["ms"]) > 0 && forward["ratio"] === undefined);
  await t.throwsAsync(measureOperators(few, { threads: 1, blocks: 1, peer: without, onProgress }), { code: "E_MISSING_TOOL" });
});

test.serial("operators are measured beside PyTorch's, worst first", async (t) => {
  if (!needs(t, python !== undefined, "Python with PyTorch", "apt-get install python3-torch")) return;
  const { operators, peer } = (await measureOperators(few, { threads: 1, blocks: 2, peer: python, onProgress })) as unknown as Figures;
  t.regex(peer, /^PyTorch/);
  const worst = operators.map(({ forward, backward }) => Math.max(Number(forward["ratio"] ?? 0), Number(backward?.["ratio"] ?? 0)));
  t.deepEqual(worst, worst.toSorted((a, b) => b - a));
  const named = Object.fromEntries(operators.map((each) => [each.operator, each]));
  t.true(Number(named["ReduceMin"]?.backward?.["ratio"]) > 0);
  t.is(named["OneHot"]?.backward, undefined);
  t.is(named["Unsqueeze"]?.forward["ratio"], undefined, "PyTorch moves no number");
});

test.serial("LMC steps in float64 are PyTorch's", async (t) => {
  if (!needs(t, python !== undefined, "Python with PyTorch", "apt-get install python3-torch")) return;
  const small = { ...tinyNetwork, width: 64, height: 32, channels: [4, 8, 8, 8], depths: [1, 1, 1, 1], embedding: 8, regions: 5 } as const;
  const { worst, tensors, updates } = await exactParity(small, { threads: 1, count: 3, peer: python ?? "", trains: "all", onProgress });
  t.true(worst < 1e-7, `${worst}`);
  t.is(Object.keys(updates).length, tensors);
  t.true(tensors > 100);
});
