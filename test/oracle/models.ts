import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pullBack } from "../../sdk/autodiff/backward.js";
import { evaluate } from "../../sdk/engine/reference/index.js";
import { runModel } from "../../sdk/engine/run.js";
import type { Graph } from "../../sdk/graph/graph.js";
import { readOnnx } from "../../sdk/graph/onnx/read.js";
import { live } from "../../sdk/graph/live.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { NightshiftError } from "../../sdk/errors.js";
import { readSafetensors } from "../../sdk/graph/safetensors.js";
import { float32, type Tensor } from "../../sdk/graph/tensor.js";
import { packageRoot } from "../../sdk/paths.js";
import { distance } from "./distance.js";
import type { Finding } from "./main.js";

/** In float64 a model's constants are still what the file says, in float32, and PyTorch's are not; in float32 sums are rounded in another order. */
const tolerances = { float64: 1e-5, float32: 1e-3 } as const;

/** What the exporting script says of a model. */
interface Exported {
  readonly name: string;
  readonly parameters?: number;
  /** Whether onnx-ad differentiated it, or why not. */
  readonly adjoint?: true | string;
  readonly failed?: string;
  /** A package that is not there. */
  readonly missing?: string;
}

/** Gradients of whole models as exporters write them, beside PyTorch's autograd, and those of the package onnx-ad. */
export async function checkModels(python: string, folder: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  for await (const exported of exportedModels(python, folder))
    try {
      findings.push(...(await findingsOf(exported, folder)));
    } catch (error) {
      if (!(error instanceof NightshiftError)) throw error;
      findings.push({ what: exported.name, failed: true, why: error.message });
    }
  return findings;
}

async function* exportedModels(python: string, folder: string): AsyncGenerator<Exported> {
  const script = join(packageRoot(), "test", "oracle", "export_models.py");
  const child = spawn(python, [script, folder, join(packageRoot(), "sdk", "cli", "bench", "peer")], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: child.stdout })) if (line.startsWith("{")) yield JSON.parse(line) as Exported;
}

async function findingsOf({ name, adjoint, failed, missing }: Exported, folder: string): Promise<Finding[]> {
  if (missing !== undefined) return [{ what: "models", failed: true, why: missing }];
  if (failed !== undefined) return [{ what: `${name}, exported`, failed: true, why: failed }];
  const { tensors } = readSafetensors(await readFile(join(folder, `${name}.safetensors`)));
  const named = (prefix: string): ReadonlyMap<string, Tensor> => new Map([...tensors].flatMap(([key, tensor]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), tensor]] : [])));
  const [feeds, theirs, dy] = [named("feed/"), named("gradient/"), tensors.get("dy")];
  if (!dy) throw new Error(`no dy of ${name}`);

  const graph = taught(readOnnx(await readFile(join(folder, `${name}.onnx`))), dy, [...theirs.keys()]);
  const exact = evaluate(graph, { ...Object.fromEntries(feeds), dy });
  const rounded: Readonly<Record<string, Tensor>> = Object.fromEntries([...feeds, ["dy", dy] as const].map(([key, tensor]) => [key, narrowed(tensor)]));
  const quick = await runModel(writeOnnx(graph), Object.fromEntries(graph.inputs.flatMap((input) => (rounded[input.name] ? [[input.name, rounded[input.name]]] : []))));
  const found: Finding[] = [
    compared(`${name}, float64`, theirs, (key) => exact.get(`gradient ${key}`)?.data ?? [], tolerances.float64),
    compared(`${name}, ONNX Runtime`, theirs, (key) => numbers(quick[`gradient ${key}`]), tolerances.float32),
  ];
  const path = join(folder, `${name}.adjoint.onnx`);
  if (adjoint !== true || !existsSync(path)) return [...found, { what: `${name}, onnx-ad`, skipped: adjoint === true ? "nothing written" : (adjoint ?? "nothing said") }];
  const { dy: seed, ...primal } = rounded;
  const other = await runModel(path, { ...primal, ...(seed && { adj_y: { ...seed, shape: [...dy.shape, 1] } }) });
  // A finding about another package fails nothing.
  return [...found, { ...compared(`${name}, onnx-ad`, theirs, (key) => numbers(other[`adj_${key}`]), Infinity), failed: false }];
}

/** The model with the gradients of these inputs as its only outputs, from `dy`. */
function taught(graph: Graph, dy: Tensor, names: readonly string[]): Graph {
  const [y] = graph.outputs;
  const wrt = names.map((name) => graph.inputs.find((value) => value.name === name));
  if (!y || wrt.includes(undefined)) throw new Error(`no output, or no inputs ${names.join(", ")}`);
  const values = wrt.flatMap((value) => value ?? []);
  const found = pullBack([y.value], [graph.input("dy", "float32", dy.shape)], values);
  graph.outputs.splice(0, Infinity);
  found.forEach((gradient, at) => graph.output(`gradient ${names[at]}`, gradient));
  const { used } = live(graph);
  graph.inputs.splice(0, Infinity, ...graph.inputs.filter((value) => used.has(value)));
  return graph;
}

function compared(what: string, theirs: ReadonlyMap<string, Tensor>, ours: (name: string) => ArrayLike<number | bigint>, tolerance: number): Finding {
  const whole = Math.sqrt([...theirs.values()].reduce((sum, { data }) => sum + (data as Float64Array).reduce((so, value) => so + value * value, 0), 0));
  // A tensor whose gradient is rounding alone is compared with the whole gradient.
  const apart = [...theirs].map(([name, { data }]) => distance(ours(name), data, 1e-5 * whole));
  const worst = apart.includes(NaN) ? NaN : Math.max(...apart);
  return { what, compared: theirs.size, worst, failed: !(worst <= tolerance) };
}

const narrowed = ({ shape, data }: Tensor): Tensor => float32(shape, Array.from(data, Number));
const numbers = (tensor: Tensor | undefined): ArrayLike<number | bigint> => tensor?.data ?? [];
