import { writeFile } from "node:fs/promises";
import type { Recompute } from "../../autodiff/recompute.js";
import { NightshiftError } from "../../errors.js";
import { median, quantile } from "../../quantile.js";
import type { Bench } from "../benches.js";
import { LineProcess } from "./line-process.js";
import { scaleModels } from "./scale-models.js";
import { plotScale } from "./scale-plot.js";
import { exponent, rounded } from "./statistics.js";
import { stepProgram } from "./step-process.js";

const defaultSteps = 5;
const warmUpSteps = 1;

export interface ScaleRequest {
  readonly kind: "steps";
  readonly count: number;
}

export interface ScaleAnswers {
  readonly ready: { readonly version: string };
  readonly stepped: { readonly ms: readonly number[]; readonly loss: number; readonly parameters: number; readonly peakMb: number };
}

/** One model at one size of its input. */
export interface ScaleRow {
  readonly model: string;
  readonly what: string;
  readonly size: number;
  readonly unit: string;
  readonly parameters: number;
  readonly stepMs: number;
  readonly spreadMs: readonly [number, number];
  /** Above what the process had before the model was built. */
  readonly peakMb: number;
}

/**
 * Training steps of networks of known sizes, everything learning, each in a process of its own. Slopes are exponents: of time and memory, by how many times they grow where the input's side (or
 * length), or the parameters at the smallest common input, doubles, as a power of two.
 */
export const bench: Bench = async ({ threads = 2, count = defaultSteps, models = Object.keys(scaleModels), plot, recompute = "none", onProgress }) => {
  const stranger = models.find((name) => !scaleModels[name]);
  if (stranger !== undefined) throw new NightshiftError("E_CONFIG", { expected: `models of ${Object.keys(scaleModels).join(", ")}`, received: stranger, remedy: "Choose among these with --models." });
  const rows: ScaleRow[] = [];
  for (const name of models)
    for (const size of scaleModels[name]?.sizes ?? []) {
      onProgress(`${name} at ${size} ${scaleModels[name]?.unit}`);
      rows.push(await measured(name, size, { threads, count, recompute }));
    }
  if (plot !== undefined) await writeFile(plot, plotScale(rows));
  return {
    rows,
    bySize: Object.fromEntries(models.map((name) => [name, slopes(rows.filter(({ model }) => model === name), ({ size }) => size)])),
    byParameters: Object.fromEntries([...new Set(rows.map(({ unit }) => unit))].map((unit) => [unit, slopes(smallest(rows, unit), ({ parameters }) => parameters)])),
    device: "cpu",
    cuda: "not run",
    threads,
    recompute,
    steps: count,
  };
};

async function measured(model: string, size: number, { threads, count, recompute }: { readonly threads: number; readonly count: number; readonly recompute: Recompute }): Promise<ScaleRow> {
  const { process: child } = await LineProcess.start<ScaleRequest, ScaleAnswers>(stepProgram("./scale-process.js"), [model, String(size), String(threads), recompute]);
  try {
    await child.ask({ kind: "steps", count: warmUpSteps }, "stepped");
    const { ms, parameters, peakMb } = await child.ask({ kind: "steps", count }, "stepped");
    const { what = model, unit = "" } = scaleModels[model] ?? {};
    return { model, what, size, unit, parameters, stepMs: rounded(median(ms), 1), spreadMs: [rounded(quantile(ms, 0.25), 1), rounded(quantile(ms, 0.75), 1)], peakMb: rounded(peakMb, 0) };
  } finally {
    await child.close();
  }
}

/** Models of one kind of input, at the smallest that all have. */
function smallest(rows: readonly ScaleRow[], unit: string): ScaleRow[] {
  const own = rows.filter((row) => row.unit === unit);
  const least = Math.min(...own.map(({ size }) => size));
  return own.filter(({ size }) => size === least);
}

/** Exponents of time and memory over something; null where there is one row alone. */
function slopes(rows: readonly ScaleRow[], over: (row: ScaleRow) => number) {
  const of = (what: (row: ScaleRow) => number): number | null => (rows.length < 2 ? null : rounded(exponent(rows.map((row) => [over(row), what(row)])), 2));
  return { time: of(({ stepMs }) => stepMs), memory: of(({ peakMb }) => peakMb) };
}
