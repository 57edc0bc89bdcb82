import { vocabularyFeeds } from "../sdk/engine/feeds.js";
import { OnnxSession, type Tensors } from "../sdk/engine/onnxruntime.js";
import type { Vocabulary } from "../sdk/bundle/index.js";
import type { Graph } from "../sdk/graph/graph.js";
import { writeOnnx } from "../sdk/graph/onnx/write.js";
import { rewritten } from "../sdk/graph/rewrite.js";
import { inputNames } from "../sdk/network/contract.js";
import type { Sample } from "../sdk/training/dataset.js";

/** A frame to calibrate on. */
export type CalibrationFrame = Pick<Sample, "width" | "height" | "rgb">;

/** A graph that answers with tensors from inside, for frames of one size. */
export class Probe {
  private constructor(
    private readonly session: OnnxSession,
    private readonly words: Tensors,
    private readonly names: ReadonlyMap<string, string>,
  ) {}

  /** `tensors`: by the names that they have in the graph. */
  static async open(graph: Graph, tensors: readonly string[], vocabulary: Vocabulary, threads: number): Promise<Probe> {
    const looked = looking(graph, tensors);
    const names = new Map(tensors.map((name, at) => [`probe ${at}`, name]));
    return new Probe(await OnnxSession.create(writeOnnx(looked), { threads }), vocabularyFeeds(vocabulary, vocabulary.text.shape[1]), names);
  }

  /** The tensors for a frame, by name. */
  async look({ width, height, rgb }: CalibrationFrame): Promise<Map<string, Float32Array>> {
    const frame = { dtype: "uint8", shape: [1, height, width, 3], data: rgb } as const;
    const outputs = await this.session.run({ [inputNames.frame]: frame, ...this.words });
    return new Map([...this.names].map(([output, name]) => [name, outputs[output].data as Float32Array]));
  }

  close(): Promise<void> {
    return this.session.close();
  }
}

/** The graph with other outputs. */
function looking(graph: Graph, tensors: readonly string[]): Graph {
  const copy = rewritten(graph, {});
  const values = new Map([...copy.inputs, ...copy.nodes.flatMap(({ outputs }) => outputs)].map((value) => [value.name, value]));
  copy.outputs.length = 0;
  tensors.forEach((name, at) => {
    const value = values.get(name);
    if (!value) throw new TypeError(`no tensor ${name} in the graph`);
    copy.output(`probe ${at}`, value);
  });
  return copy;
}
