import type { Vocabulary } from "../../bundle/index.js";
import { readAnswer } from "../../engine/answer.js";
import { type Deployable, deployedModel } from "../../engine/deployed.js";
import { vocabularyFeeds } from "../../engine/feeds.js";
import { OnnxSession } from "../../engine/onnxruntime.js";
import { suppressed } from "../../engine/suppression.js";
import type { Tensor } from "../../graph/tensor.js";
import { textWidthOf } from "../../network/architecture.js";
import { inputNames, outputNames, paddedVocabularySize, type VocabularySize } from "../../network/contract.js";
import { overlaps } from "../../network/suppression.js";
import { evaluationThreshold } from "../../training/metrics/index.js";
import type { Prediction, Predictor } from "./predictor.js";

/** Weights in the graph that would serve, on ONNX Runtime in this thread, which `predict` blocks: for the trainer's process. */
export class OnnxPredictor implements Predictor {
  readonly #sessions = new Map<VocabularySize, OnnxSession>();

  constructor(
    readonly deployable: Deployable,
    readonly threads: number,
  ) {}

  async predict(rgb: Uint8Array, vocabulary: Vocabulary): Promise<Prediction> {
    const { network } = this.deployable;
    const { width, height } = network;
    const session = await this.#session(paddedVocabularySize(vocabulary.names.length));
    const frame = { dtype: "uint8", shape: [1, height, width, 3], data: rgb } as const;
    const outputs = await session.run({ [inputNames.frame]: frame, ...vocabularyFeeds(vocabulary, textWidthOf(network)) });
    const { mask, maskScore, boxes } = readAnswer(outputs, network, network, vocabulary.names, evaluationThreshold);
    return { mask, maskScore, boxes: overlaps(network) ? suppressed(boxes) : boxes, finite: isFinite(outputs[outputNames.boxes]) && isFinite(outputs[outputNames.boxScore]) };
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await session.close();
    this.#sessions.clear();
  }

  async #session(names: VocabularySize): Promise<OnnxSession> {
    const found = this.#sessions.get(names);
    if (found) return found;
    const model = await deployedModel(this.deployable, { frame: this.deployable.network, names });
    const session = await OnnxSession.create(model, { threads: this.threads });
    this.#sessions.set(names, session);
    return session;
  }
}

const isFinite = (tensor: Tensor | undefined): boolean => tensor?.data instanceof Float32Array && tensor.data.every(Number.isFinite);
