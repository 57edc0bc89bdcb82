import type { Vocabulary } from "../sdk/bundle/index.js";
import { foldConstants } from "../sdk/engine/constants.js";
import type { Deployable } from "../sdk/engine/deployed.js";
import type { Graph } from "../sdk/graph/graph.js";
import { type Int8Plan, quantised, type QuantisedForm, quantisedTensors } from "../sdk/graph/quantisation.js";
import { paddedVocabularySize } from "../sdk/network/contract.js";
import { inferenceNetwork } from "../sdk/network/inference.js";
import type { Histogram } from "./histogram.js";
import { compareHeads, type Divergence, headNames, type HeadNames, meanDivergence, tensorsOf } from "./heads.js";
import { type Layer, layersOf } from "./layers.js";
import { observe } from "./observe.js";
import { type CalibrationFrame, Probe } from "./probe.js";

type Seen = ReadonlyMap<string, Float32Array>;

/** A network whose layers may become int8, compared with itself in float on the same frames. */
export class Candidate {
  private constructor(
    private readonly graph: Graph,
    private readonly heads: HeadNames,
    readonly layers: readonly Layer[],
    private readonly vocabulary: Vocabulary,
    private readonly threads: number,
    /** Frames to compare on, with what the network says to them in float. */
    private readonly compared: readonly { readonly frame: CalibrationFrame; readonly float: Seen }[],
  ) {}

  /** `compared`: frames of the network's input size. */
  static async of({ network, weights }: Deployable, vocabulary: Vocabulary, compared: readonly CalibrationFrame[], threads: number): Promise<Candidate> {
    const options = { frameWidth: network.width, frameHeight: network.height, names: paddedVocabularySize(vocabulary.names.length) };
    const { graph: source, values } = inferenceNetwork(network, weights, options);
    const graph = await foldConstants(source);
    const heads = headNames(values);
    const seen = await looked(graph, heads, vocabulary, compared, threads);
    const layers = layersOf(graph, source, new Set(weights.keys()));
    return new Candidate(graph, heads, layers, vocabulary, threads, compared.map((frame, at) => ({ frame, float: seen[at] })));
  }

  /** What every tensor that may become int8 holds over frames. */
  async observe(frames: readonly CalibrationFrame[], onFrame: () => void): Promise<ReadonlyMap<string, Histogram>> {
    const tensors = quantisedTensors(this.graph, this.all()).map(({ name }) => name);
    const probe = await Probe.open(this.graph, tensors, this.vocabulary, this.threads);
    try {
      return await observe(probe, frames, onFrame);
    } finally {
      await probe.close();
    }
  }

  /** The tensors of all layers, for `Int8Plan.layers`. */
  all(): Set<string> {
    return new Set(this.layers.map(({ tensor }) => tensor));
  }

  /** How far the network is from itself in float where this of it is int8. */
  async divergence(plan: Int8Plan, form: QuantisedForm): Promise<Divergence> {
    const seen = await looked(quantised(this.graph, plan, form), this.heads, this.vocabulary, this.compared.map(({ frame }) => frame), this.threads);
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
