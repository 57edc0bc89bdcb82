import { addMetrics } from "../bundle/index.js";
import type { Dataset } from "./dataset.js";
import { evaluateBundle, type Evaluation } from "./evaluate.js";

/** Scores a bundle that was just written, and says what in its manifest. Throws as `evaluateBundle` and `addMetrics`. */
export async function validate(directory: string, dataset: Dataset, options: Parameters<typeof evaluateBundle>[2]): Promise<Evaluation> {
  const evaluation = await evaluateBundle(directory, dataset, options);
  const { miou, ap50, depth } = evaluation;
  const scores = { miou, ap50, ...depth };
  await addMetrics(directory, Object.fromEntries(Object.entries(scores).flatMap(([name, score]) => (score === null ? [] : [[`${name} ${dataset.name}`, score]]))));
  return evaluation;
}
