import type { Dataset } from "../training/dataset.js";
import { openDataset } from "../../adapters/datasets/open.js";
import { NightshiftError } from "../errors.js";

/**
 * The dataset that a command line names: a folder as `adapters/datasets/folder.ts` describes it, or `drive:CONDITION:SEED:COUNT` for that many rendered frames.
 * Throws `E_CONFIG` or `E_DATASET`.
 */
export async function datasetNamed(text: string): Promise<Dataset> {
  if (!text.startsWith("drive:")) return openDataset({ kind: "folder", path: text });
  const [, condition, seed, length, ...rest] = text.split(":");
  const known = (["day", "dusk", "night", "fog"] as const).find((each) => each === condition);
  if (!known || !isCount(seed) || !isCount(length) || Number(seed) >= 2 ** 32 || Number(length) < 1 || rest.length > 0)
    throw new NightshiftError("E_CONFIG", {
      expected: "a folder, or drive:CONDITION:SEED:COUNT with day, dusk, night or fog, for example drive:night:7:64",
      received: text,
      remedy: "Correct the dataset's name.",
    });
  return openDataset({ kind: "drive", seed: Number(seed), length: Number(length), condition: known, depth: true });
}

const isCount = (text: string | undefined): boolean => text !== undefined && /^\d{1,10}$/.test(text);
