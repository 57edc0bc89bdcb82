import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Dataset } from "../training/dataset.js";
import { evaluateBundle } from "../training/evaluate.js";
import { datasetNamed } from "./dataset.js";

export interface Scores {
  /** Percent: of the bundle as delivered, and of the generation that served at the end. Null where nothing could be measured. */
  readonly miou: { readonly before: number | null; readonly after: number | null };
  readonly miouOn: string;
}

/** Far from every seed that a user would type: this drive is never streamed, so never adapted on. */
const heldOutSeed = 900_000;
const heldOutFrames = 48;

/**
 * What was learnt, measured on labels that never taught: a rendered drive at night with another seed for the drive, the folder's own labels for a labelled
 * folder.
 */
export async function score(source: string, seed: number, bundles: { readonly delivered: string; readonly serving: string }, onProgress: (line: string) => void, textEncoder?: string): Promise<Scores> {
  const judged = await labelled(source, seed);
  if (typeof judged === "string") return { miou: { before: null, after: null }, miouOn: `not measured: ${judged}` };
  const { dataset, what } = judged;
  const measure = async (directory: string, which: string): Promise<number | null> => {
    const { miou } = await evaluateBundle(directory, dataset, { textEncoder, onProgress: (done, total) => onProgress(`measuring ${which}: ${done} of ${total} frames`) });
    return miou;
  };
  const before = await measure(bundles.delivered, "what was delivered");
  // The same weights score the same.
  const after = bundles.serving === bundles.delivered ? before : await measure(bundles.serving, "what was learnt");
  return { miou: { before, after }, miouOn: what };
}

async function labelled(source: string, seed: number): Promise<{ dataset: Dataset; what: string } | string> {
  if (source === "drive") {
    // Seeds have 32 bits.
    const name = `drive:night:${(heldOutSeed + seed) % 2 ** 32}:${heldOutFrames}`;
    return { dataset: await datasetNamed(name), what: name };
  }
  if (!existsSync(join(source, "classes.json"))) return "the source has no labels";
  const dataset = await datasetNamed(source);
  return dataset.names.length > 0 ? { dataset, what: `the ${dataset.length} labelled frames of ${source}` } : "the source has no labelled masks";
}
