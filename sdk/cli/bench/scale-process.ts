/** A program of its own that trains a model of a stated size as its parent asks. Arguments: the model, the size of its input, threads, whether to recompute. */
import { createInterface } from "node:readline";
import type { Recompute } from "../../autodiff/recompute.js";
import { Learner } from "../../engine/learner.js";
import { Peak } from "./resident.js";
import type { ScaleAnswers, ScaleRequest } from "./scale.js";
import { scaleModels, scaleStep } from "./scale-models.js";

function answer<K extends keyof ScaleAnswers>(kind: K, what: ScaleAnswers[K]): void {
  process.stdout.write(`${JSON.stringify({ kind, ...what })}\n`);
}

async function main(name: string, size: number, threads: number, recompute: Recompute): Promise<void> {
  const model = scaleModels[name];
  if (!model) throw new Error(`no model ${name}`);
  const peak = new Peak();
  const { graph, batch, parameters } = scaleStep(model, size, recompute);
  const learner = await Learner.create(graph, { threads });
  answer("ready", { version: name });
  for await (const line of createInterface({ input: process.stdin })) {
    const { count } = JSON.parse(line) as ScaleRequest;
    const ms: number[] = [];
    let loss = NaN;
    for (let step = 0; step < count; step++) {
      const start = performance.now();
      loss = (await learner.step(batch)).loss[0] ?? NaN;
      ms.push(performance.now() - start);
    }
    answer("stepped", { ms, loss, parameters, peakMb: peak.mb });
  }
  await learner.close();
}

const [name, size, threads, recompute] = process.argv.slice(2);
if (name) await main(name, Number(size), Number(threads), recompute === "blocks" ? "blocks" : "none");
