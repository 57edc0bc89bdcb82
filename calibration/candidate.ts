import type { Vocabulary } from "../sdk/bundle/index.js";
import { foldConstants } from "../sdk/engine/constants.js";
import type { Deployable } from "../sdk/engine/deployed.js";
import type { Graph } from "../sdk/graph/graph.js";
import { paddedVocabularySize } from "../sdk/network/contract.js";
import { inferenceNetwork } from "../sdk/network/inference.js";
import { compareHeads, type Divergence, headNames, type HeadNames, meanDivergence, tensorsOf } from "./heads.js";
import type { Named } from "./layers.js";
import { type CalibrationFrame, Probe } from "./probe.js";

type Seen = ReadonlyMap<string, Float32Array>;

/** A network that may compute in less than float32, compared with itself in float on the same frames. */
export class Candidate implements Named {
  private constructor(
    readonly graph: Graph,
    readonly source: Graph,
    readonly parameters: ReadonlySet<string>,
    private readonly heads: HeadNames,
    private readonly vocabulary: Vocabulary,
    private readonly threads: number,
    /** Frames to compare on, with what the network says to them in float. */
    private readonly compared: readonly { readonly frame: CalibrationFrame; readonly float: Seen }[],
  ) {}

  /** `compared`: frames of the network's input size. */
  static async of({ network, weights }: Deployable, vocabulary: Vocabulary, compared: readonly CalibrationFrame[], threads: number): Promise<Candidate> {
    const options = { frame: network, names: paddedVocabularySize(vocabulary.names.length) };
    const { graph: source, values } = inferenceNetwork(network, weights, options);
    const graph = await foldConstants(source);
    const heads = headNames(values, source);
    const seen = await looked(graph, heads, vocabulary, compared, threads);
    return new Candidate(graph, source, new Set(weights.keys()), heads, vocabulary, threads, compared.map((frame, at) => ({ frame, float: seen[at] })));
  }

  /** Looks at tensors of the network in float. */
  async probed<T>(tensors: readonly string[], look: (probe: Probe) => Promise<T>): Promise<T> {
    const probe = await Probe.open(this.graph, tensors, this.vocabulary, this.threads);
    try {
      return await look(probe);
    } finally {
      await probe.close();
    }
  }

  /** How far a changed graph of the network is from it. */
  async divergence(changed: Graph): Promise<Divergence> {
    const seen = await looked(changed, this.heads, this.vocabulary, this.compared.map(({ frame }) => frame), this.threads);
    const count = this.vocabulary.names.length;
    return meanDivergence(this.compared.map(({ float }, at) => compareHeads(this.heads, float, seen[at], count, paddedVocabularySize(count))));
  }
}

async function looked(graph: Graph, heads: HeadNames, vocabulary: Vocabulary, frames: readonly CalibrationFrame[], threads: number): Promise<Seen[]> {
  const probe = await Probe.open(graph, tensorsOf(heads), vocabulary, threads);
  try {
    const seen: Seen[] = [];
    for (const frame of frames) seen.push(await probe.look(frame));
    return seen;
  } finally {
    await probe.close();
  }
}
