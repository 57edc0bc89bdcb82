import { folderDataset, requireLabels } from "../../adapters/datasets/folder.js";
import type { LabelledSet } from "../adaptation/trainer/index.js";
import { answersMasks, type Network } from "../network/architecture.js";
import { type Dataset, ignoreLabel, noneLabelled } from "../training/dataset.js";

/** More than this would only fill the memory: each is 400 KB at the network's size, more at the camera's. */
const mostExemplars = 64;

/** Frames of a user's own with the labels that teach a network, spread over the folder. Throws `E_DATASET`, `E_DATASET_UNLABELLED` or `E_IMAGE`. */
export const ownExemplars = async (folder: string, network: Network): Promise<LabelledSet> => asExemplars(await folderDataset(folder), answersMasks(network) ? "mask" : "boxes");

/** Frames with such labels, spread over a dataset. Throws `E_DATASET_UNLABELLED`, `E_DATASET` where no pixel has a class, and as the dataset. */
export async function asExemplars(dataset: Dataset, labels: "mask" | "boxes" = "mask"): Promise<LabelledSet> {
  requireLabels(dataset, labels);
  const { name, names, boxNames, length } = dataset;
  const count = Math.min(length, mostExemplars);
  const samples = [];
  for (let at = 0; at < count; at++) samples.push(await dataset.sample(Math.floor((at * length) / count)));
  if (labels === "mask" && !samples.some(({ mask }) => mask?.some((index) => index !== ignoreLabel))) throw noneLabelled(name, count);
  return { name, names, boxNames, samples };
}
