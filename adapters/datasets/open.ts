import type { Dataset } from "../../sdk/training/dataset.js";
import { withConnectedBoxes } from "./connected-boxes.js";
import { folderDataset } from "./folder.js";

/** A dataset in plain JSON, so that it can be opened in another thread or process. */
export type DatasetSpec =
  | {
      readonly kind: "folder";
      readonly path: string;
      /** Classes of the masks to make boxes from, one a connected region. */
      readonly boxesFrom?: readonly string[];
    }
  | {
      readonly kind: "drive";
      readonly seed: number;
      /** Frames. */
      readonly length: number;
      readonly condition: "day" | "dusk" | "night" | "fog";
      /** Pixels; the drive's own size by default. */
      readonly width?: number;
      readonly height?: number;
      /** Whether samples say how far everything is. */
      readonly depth?: boolean;
    };

/** Opens the dataset that a description names. Throws `E_DATASET` where there is none of that form. */
export async function openDataset(spec: DatasetSpec): Promise<Dataset> {
  if (spec.kind === "folder") {
    const dataset = await folderDataset(spec.path);
    return spec.boxesFrom ? withConnectedBoxes(dataset, spec.boxesFrom) : dataset;
  }
  // Loaded when asked for: the renderer is not needed to read a folder.
  const { driveDataset } = await import("./drive.js");
  const { kind: _, ...options } = spec;
  return driveDataset(options);
}
