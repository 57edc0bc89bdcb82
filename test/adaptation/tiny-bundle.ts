import { join } from "node:path";
import { type Bundle, readBundle, writeBundle } from "../../sdk/bundle/index.js";
import type { Exemplar } from "../../sdk/bundle/exemplars.js";
import { vocabularyOf } from "../../sdk/bundle/embeddings.js";
import { makeGolden } from "../../sdk/engine/golden.js";
import type { Weights } from "../../sdk/graph/tensor.js";
import { initialWeights } from "../../sdk/network/initial.js";
import { description, embeddingsOf, tinyNetwork } from "../bundle/contents.js";
import { type Look, picture } from "./pictures.js";

export const names = ["road", "car", "sky"];
export const network = tinyNetwork;
const { width, height } = network;

/** Frames of the tiny network's size. */
export const frames = (look: Look, count: number): Uint8Array[] => Array.from({ length: count }, (_, at) => picture(look, at, width, height).rgb);

/** Pictures with the labels that a street has: sky above road, a car between. */
export function exemplars(count: number): Exemplar[] {
  return Array.from({ length: count }, (_, at) => {
    const { rgb } = picture("day", at, 128, 64);
    const mask = Uint8Array.from({ length: 128 * 64 }, (_, pixel) => (pixel < 128 * 24 ? 2 : pixel < 128 * 40 ? 1 : 0));
    return { id: `day-${at}`, width: 128, height: 64, rgb, mask, boxes: [] };
  });
}

/** A training of a bundle's next generation on frames of night, but for its options. */
export const nightJob = (bundleDirectory: string, outDirectory: string) => ({ bundleDirectory, outDirectory, generation: 1, condition: "night", vocabulary: names, targets: frames("night", 8), exemplars: [] }) as const;

/** A bundle with random weights that every part can run, in milliseconds. */
export async function tinyBundle(folder: string, weights: Weights = initialWeights(network, 5), count = 20): Promise<Bundle> {
  const directory = join(folder, "bundle");
  const vocabulary = [...names];
  const embeddings = { ...embeddingsOf(names), prompts: new Map() };
  await writeBundle(directory, {
    description: { ...description, vocabulary },
    weights,
    embeddings,
    golden: await makeGolden(network, weights, vocabularyOf(embeddings, vocabulary)),
    notice: "Made for tests.\n",
    exemplars: { names, boxNames: ["car"], samples: exemplars(count) },
  });
  return readBundle(directory);
}
