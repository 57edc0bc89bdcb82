/** A program of its own that runs Nightshift's training step as its parent asks. Arguments: the problem's file, threads, whether to recompute, who computes. */
import { readFile, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { Recompute } from "../../autodiff/recompute.js";
import { Learner, type StepEngine } from "../../engine/learner.js";
import { loadOnnxRuntime } from "../../engine/native-onnx/library.js";
import { writeSafetensors } from "../../graph/safetensors.js";
import type { FloatTensor } from "../../graph/tensor.js";
import { type Pack, unpackWeights } from "../../network/packing.js";
import { prefixes } from "../../network/steps/step-graph.js";
import { Peak } from "./resident.js";
import type { StepAnswer, StepRequest } from "./step-process.js";
import { problemGraph, readProblem } from "./train-step-problem.js";

const answer = (message: StepAnswer): void => void process.stdout.write(`${JSON.stringify(message)}\n`);

async function load(path: string, threads: number, recompute: Recompute, engine: StepEngine) {
  const problem = readProblem(await readFile(path));
  const graph = problemGraph(problem, recompute);
  return { learner: await Learner.create(graph, { threads, engine }), packs: graph.packs.filter(({ statistic }) => !statistic), batch: problem.batch, scalars: problem.scalars };
}

/** As `StepAnswers` says. */
async function save(learner: Learner, packs: readonly Pack[], path: string): Promise<void> {
  const state = learner.state();
  const saved = new Map<string, FloatTensor>();
  for (const prefix of [prefixes.student, prefixes.first])
    for (const pack of packs) {
      const packed = state.get(prefix + pack.name);
      if (packed) for (const [name, tensor] of unpackWeights(pack, packed)) saved.set(prefix + name, tensor);
    }
  await writeFile(path, writeSafetensors(saved));
}

async function main(path: string, threads: number, recompute: Recompute, engine: StepEngine): Promise<void> {
  // The module is code, like all else that is there before the model.
  if (engine === "native") loadOnnxRuntime();
  const peak = new Peak();
  const { learner, packs, batch, scalars } = await load(path, threads, recompute, engine);
  answer({ kind: "ready", version: `Nightshift, ${engine}` });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as StepRequest;
    if (request.kind === "steps") {
      const ms: number[] = [];
      let results: Record<string, number> = {};
      for (let step = 0; step < request.count; step++) {
        const start = performance.now();
        const all = await learner.step(batch, scalars);
        ms.push(performance.now() - start);
        results = Object.fromEntries(Object.entries(all).flatMap(([name, { length, 0: value }]) => (length === 1 && value !== undefined ? [[name, value]] : [])));
      }
      answer({ kind: "stepped", ms, results, peakMb: peak.mb });
    } else {
      await peak.aside(() => save(learner, packs, request.path));
      answer({ kind: "saved" });
    }
  }
  await learner.close();
}

const [path, threads, recompute, engine] = process.argv.slice(2);
if (path) await main(path, Number(threads), recompute === "blocks" ? "blocks" : "none", engine === "native" ? "native" : "onnxruntime");
