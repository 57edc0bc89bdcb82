import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { NightshiftError } from "../errors.js";
import { makeFolders, replaceSynced } from "../bundle/files.js";
import { readSafetensors, writeSafetensors } from "../graph/safetensors.js";
import type { FloatTensor, Weights } from "../graph/tensor.js";

export interface Checkpoint {
  /** The learner's whole state, and that of the prompts where they learn. */
  readonly state: Weights;
  readonly steps: number;
  /** Steps of the prompts; none where they do not learn. */
  readonly promptSteps?: number;
  /** Minutes of training so far, over all runs. */
  readonly minutes: number;
  /** SHA-256 of the text encoder that it learns by. */
  readonly textEncoder?: string;
}

const file = (folder: string): string => join(folder, "checkpoint.safetensors");

/** Writes a checkpoint beside the last one and then in its place, so that one is always whole. */
export async function writeCheckpoint(folder: string, { state, steps, minutes, promptSteps = 0, textEncoder }: Checkpoint): Promise<void> {
  await makeFolders(folder);
  const content = writeSafetensors(state, { steps: String(steps), minutes: String(minutes), promptSteps: String(promptSteps), ...(textEncoder !== undefined && { textEncoder }) });
  await replaceSynced(file(folder), `${file(folder)}.new`, content);
}

/** The checkpoint to go on from, if any. Throws `E_CONFIG` where there is one and training is to start anew, and as `readCheckpoint`. */
export async function checkpointFor({ checkpoint, resume }: { readonly checkpoint: string; readonly resume: boolean }): Promise<Checkpoint | undefined> {
  const found = await readCheckpoint(checkpoint);
  if (!found || resume) return found;
  throw new NightshiftError("E_CONFIG", {
    expected: "no checkpoint where training starts anew",
    received: `one of ${found.steps} steps in ${checkpoint}`,
    remedy: "Add --resume to go on from it, or name another --checkpoint folder.",
  });
}

/** The folder's checkpoint; undefined where there is none. Throws `E_BUNDLE_FORMAT` where it is damaged. */
export async function readCheckpoint(folder: string): Promise<Checkpoint | undefined> {
  if (!existsSync(file(folder))) return undefined;
  const { tensors, metadata } = readSafetensors(await readFile(file(folder)));
  const [steps, minutes, promptSteps] = [Number(metadata["steps"]), Number(metadata["minutes"]), Number(metadata["promptSteps"] ?? 0)];
  if (!Number.isInteger(steps) || !(minutes >= 0) || !Number.isInteger(promptSteps))
    throw new NightshiftError("E_BUNDLE_FORMAT", {
      expected: `a checkpoint that tells its steps and minutes in ${file(folder)}`,
      received: `${metadata["steps"] ?? "no"} steps, ${metadata["minutes"] ?? "no"} minutes`,
      remedy: "Name another --checkpoint folder.",
    });
  const state = new Map<string, FloatTensor>();
  for (const [name, tensor] of tensors) if (tensor.dtype === "float32") state.set(name, tensor as FloatTensor);
  return { state, steps, minutes, promptSteps, ...(metadata["textEncoder"] !== undefined && { textEncoder: metadata["textEncoder"] }) };
}
