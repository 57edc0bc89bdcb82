import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { type Vocabulary, vocabularyOf } from "../../sdk/bundle/embeddings.js";
import { writeBundle } from "../../sdk/bundle/write.js";
import { makeGolden } from "../../sdk/engine/golden.js";
import type { Frame } from "../../sdk/frame.js";
import type { Weights } from "../../sdk/graph/tensor.js";
import { initialWeights } from "../../sdk/network/initial.js";
import { description, embeddingsOf, temporaryFolder, tinyNetwork } from "../bundle/contents.js";

export const names = ["road", "car", "sky"] as const;

/** 40 names, for which the graph has to be larger. */
export const manyNames = Array.from({ length: 40 }, (_, at) => `thing ${at}`);

const embeddings = embeddingsOf([...names, "person", ...manyNames]);

export const vocabulary = (of: readonly string[] = names): Vocabulary => vocabularyOf(embeddings, of);

/** Random weights of a tiny network; another seed answers differently. */
export const weightsOf = (seed: number): Weights => initialWeights(tinyNetwork, seed);

/** Writes a bundle that an engine can serve and answers with its folder, which goes when the test ends. */
export async function bundleOf(t: ExecutionContext, generation: number): Promise<string> {
  const directory = join(await temporaryFolder(t), String(generation));
  const weights = weightsOf(generation + 1);
  const golden = await makeGolden(tinyNetwork, weights, vocabulary());
  await writeBundle(directory, {
    description: { ...description, generation, vocabulary: [...names] },
    weights,
    embeddings,
    golden,
    notice: "Made for tests.\n",
  });
  return directory;
}

/** A frame of noise, the same for the same number. */
export function frameOf(sequence: number, width = 80, height = 48): Frame {
  let state = sequence + 1;
  const rgb = Uint8Array.from({ length: width * height * 3 }, () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24);
  return { camera: "test", sequence, captureTimeNs: 1_000_000_000n * BigInt(sequence), width, height, rgb };
}
