import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { type Vocabulary, vocabularyOf } from "../../sdk/bundle/embeddings.js";
import type { Quantisation } from "../../sdk/bundle/quantisation.js";
import { writeBundle } from "../../sdk/bundle/write.js";
import { makeGolden } from "../../sdk/engine/golden.js";
import type { Frame } from "../../sdk/frame.js";
import { cast, Graph, matMul, writeOnnx } from "../../sdk/graph/index.js";
import { float32, type Tensor, type Weights } from "../../sdk/graph/tensor.js";
import { initialWeights } from "../../sdk/network/initial.js";
import { description, embeddingsOf, temporaryFolder, tinyNetwork } from "../bundle/contents.js";

export const names = ["road", "car", "sky"] as const;

/** 40 names, for which the graph has to be larger. */
export const manyNames = Array.from({ length: 40 }, (_, at) => `thing ${at}`);

const embeddings = embeddingsOf([...names, "person", ...manyNames]);

export const vocabulary = (of: readonly string[] = names): Vocabulary => vocabularyOf(embeddings, of);

/** Random weights of a tiny network; another seed answers differently. */
export const weightsOf = (seed: number): Weights => initialWeights(tinyNetwork, seed);

/** Writes a bundle that an engine can serve, in float32 or as it is reduced, and answers with its folder, which goes when the test ends. */
export async function bundleOf(t: ExecutionContext, generation: number, reduce?: (weights: Weights) => Promise<Quantisation>): Promise<string> {
  const directory = join(await temporaryFolder(t), String(generation));
  const weights = weightsOf(generation + 1);
  const quantisation = await reduce?.(weights);
  await writeBundle(directory, {
    description: { ...description, generation, vocabulary: [...names], ...(quantisation && { precision: quantisation.precision }) },
    weights,
    ...(quantisation && { quantisation }),
    embeddings,
    golden: await makeGolden(tinyNetwork, weights, vocabulary(), undefined, quantisation),
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

/** A model that is no network: y = x [1, 10, 100], of uint8 x [2, 3]. */
export function product(): Uint8Array {
  const graph = new Graph("product");
  const x = graph.input("x", "uint8", [2, 3]);
  graph.output("y", matMul(cast(x, "float32"), graph.constant(float32([3, 1], [1, 10, 100]))));
  return writeOnnx(graph);
}

/** What `product` takes. */
export const factors: Tensor = { dtype: "uint8", shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
