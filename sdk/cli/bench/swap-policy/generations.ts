import { type Bundle, vocabularyOf } from "../../../bundle/index.js";
import { foldConstants } from "../../../engine/constants.js";
import { vocabularyFeeds } from "../../../engine/feeds.js";
import type { Graph } from "../../../graph/graph.js";
import type { Tensor, Weights } from "../../../graph/tensor.js";
import type { Tensors } from "../../../engine/onnxruntime.js";
import { textWidthOf } from "../../../network/architecture.js";
import { paddedVocabularySize } from "../../../network/contract.js";
import { inferenceGraph, type InferenceOptions } from "../../../network/inference.js";
import { parameterSpecs } from "../../../network/initial.js";
import { type Trainable, trainsOf } from "../../../network/trainable.js";
import { moved } from "../changed-bundle.js";

/** Two generations of a bundle's weights, of which the second differs in what a vehicle would have learnt: what trains, and the statistics of normalisation. */
export interface Generations {
  readonly weights: readonly [Weights, Weights];
  /** Constants of the folded graph that differ between them, by name. */
  readonly differing: ReadonlyMap<string, Tensor>;
  readonly words: Tensors;
  readonly options: InferenceOptions;
}

export async function generationsOf(bundle: Bundle, trains: Trainable, target: "onnxruntime" | "tensorrt"): Promise<Generations> {
  const { network, weights, manifest } = bundle;
  const learns = trainsOf(trains, network);
  const changing = new Set(parameterSpecs(network).filter((spec) => spec.statistic || learns(spec)).map(({ name }) => name));
  const changed = new Map([...weights].map(([name, tensor], at) => [name, changing.has(name) ? moved(tensor, at) : tensor]));
  const { width, height } = network;
  const options = { frame: { width, height }, names: paddedVocabularySize(manifest.vocabulary.length), target };
  const [before, after] = [constantsOf(await folded(bundle, weights, options)), constantsOf(await folded(bundle, changed, options))];
  const differing = new Map([...after].filter(([name, tensor]) => Buffer.compare(bytesOf(tensor), bytesOf(before.get(name))) !== 0));
  return { weights: [weights, changed], differing, words: vocabularyFeeds(vocabularyOf(bundle.embeddings(), manifest.vocabulary), textWidthOf(network)), options };
}

export const folded = ({ network }: Pick<Bundle, "network">, weights: Weights, options: InferenceOptions): Promise<Graph> => foldConstants(inferenceGraph(network, weights, options));

export const constantsOf = (graph: Graph): ReadonlyMap<string, Tensor> => new Map([...graph.constants].map(([{ name }, tensor]) => [name, tensor]));

const bytesOf = (tensor: Tensor | undefined): Uint8Array => (tensor ? new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength) : new Uint8Array());
