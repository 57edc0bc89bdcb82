import { type Embeddings, type Vocabulary, vocabularyOf } from "../bundle/embeddings.js";
import { readBundle } from "../bundle/read.js";
import { checkFinite } from "../bundle/weights.js";
import { NightshiftError } from "../errors.js";
import { textWidthOf } from "../network/architecture.js";
import { inputNames, paddedVocabularySize, type VocabularySize } from "../network/contract.js";
import { overlaps } from "../network/suppression.js";
import { type Answer, readAnswer } from "./answer.js";
import { type Deployable, deployedModel } from "./deployed.js";
import type { EngineOptions } from "./engine.js";
import { vocabularyFeeds } from "./feeds.js";
import { checkGolden } from "./golden.js";
import type { BundleModel, FrameSize, LoadedModel, Model, OnnxModel } from "./model.js";
import type { Tensors } from "./onnxruntime.js";
import type { Runtime } from "./session.js";
import { SessionCache } from "./sessions.js";
import { suppressed } from "./suppression.js";

/** A vocabulary in force, with the inputs that it becomes. */
interface Words {
  readonly vocabulary: Vocabulary;
  readonly feeds: Tensors;
}

interface Served {
  readonly generation: number;
  readonly network: FrameSize;
  /** Of the embeddings that the network takes. */
  readonly textWidth: number;
  readonly sessions: SessionCache;
  /** Of an ONNX file, which is for one size of the vocabulary. */
  readonly names?: OnnxModel["names"];
  /** Whether several boxes may be one object. */
  readonly overlaps: boolean;
  /** Where names can be looked up; only bundles have it. */
  readonly embeddings?: Embeddings;
  words: Words;
}

/** Holds one model and answers with it, in the thread that calls. Engines run it in threads of their own. */
export class ModelHost {
  #served: Served | undefined;

  /** `hold` wraps whatever runs native code for long. */
  constructor(
    private readonly runtime: Runtime,
    private readonly options: Pick<Required<EngineOptions>, "scoreThreshold">,
    private readonly hold: <T>(work: () => Promise<T>) => Promise<T> = (work) => work(),
  ) {}

  /** See `Engine.load`. */
  async load(model: Model, frames: readonly FrameSize[]): Promise<LoadedModel> {
    const next = await this.#prepare(model, frames);
    try {
      for (const frame of frames) await this.#warm(next, frame);
    } catch (error) {
      await next.sessions.close();
      throw error;
    }
    const last = this.#served;
    this.#served = next;
    await last?.sessions.close();
    return describe(next);
  }

  /** See `Engine.setVocabulary`. */
  setVocabulary(vocabulary: Vocabulary | readonly string[]): LoadedModel {
    const served = this.#current();
    served.words = wordsOf(vocabulary, served);
    return describe(served);
  }

  /** Answers a frame of packed RGB. See `Engine.infer`. */
  async infer(frame: FrameSize, rgb: Uint8Array): Promise<Answer & LoadedModel> {
    const served = this.#current();
    const outputs = await this.#run(served, frame, rgb);
    const loaded = describe(served);
    const answer = readAnswer(outputs, served.network, frame, loaded.vocabulary, this.options.scoreThreshold);
    return { ...loaded, ...answer, ...(served.overlaps && { boxes: suppressed(answer.boxes) }) };
  }

  /** Frees the model. */
  async unload(): Promise<void> {
    const served = this.#served;
    this.#served = undefined;
    await served?.sessions.close();
  }

  async #prepare(model: Model, frames: readonly FrameSize[]): Promise<Served> {
    switch (model.kind) {
      case "bundle":
        return this.#fromBundle(model, frames);
      case "network": {
        const { network, weights, generation } = model;
        for (const [name, tensor] of weights) checkFinite(name, tensor, `generation ${generation}`);
        const sessions = this.#sessionsOf(`network-${generation}`, model);
        const textWidth = textWidthOf(network);
        return { generation, network, textWidth, sessions, overlaps: overlaps(network), words: wordsOf(model.vocabulary, { textWidth }) };
      }
      case "onnx": {
        const { generation, network, names } = model;
        const sessions = new SessionCache(this.runtime, `onnx-${generation}`, true, (_, frame) => {
          if (frame?.width === model.frame.width && frame.height === model.frame.height) return model.model;
          throw new NightshiftError("E_ENGINE", {
            expected: `frames of ${model.frame.width} x ${model.frame.height}`,
            received: `${frame?.width} x ${frame?.height}`,
            remedy: "This ONNX file is for one size: use one that was made for what is asked.",
          });
        });
        // The file says nothing of names: theirs is what it must take.
        const [, textWidth] = model.vocabulary.text.shape;
        return { generation, network, textWidth, sessions, names, overlaps: true, words: wordsOf(model.vocabulary, { textWidth, names }) };
      }
    }
  }

  async #fromBundle({ directory, vocabulary, trust }: BundleModel, frames: readonly FrameSize[]): Promise<Served> {
    const bundle = await readBundle(directory, { verify: "model", trust });
    const { network } = bundle;
    const { name, generation, vocabulary: names } = bundle.manifest;
    const embeddings = bundle.embeddings();
    const sessions = this.#sessionsOf(`${name}-${generation}`, bundle);
    const textWidth = textWidthOf(network);
    const served = { generation, network, textWidth, sessions, overlaps: overlaps(network), embeddings, words: wordsOf(vocabulary ?? names, { textWidth, embeddings }) };
    const { frame } = bundle.golden;
    const [, height = 0, width = 0] = frame.shape;
    try {
      const outputs = await this.#run({ ...served, words: wordsOf(names, { textWidth, embeddings }) }, { width, height }, frame.data);
      checkGolden(bundle.golden, outputs, network, names, `generation ${generation} in ${directory}`);
    } catch (error) {
      await sessions.close();
      throw error;
    }
    // What no camera will use takes as much memory as what serves. Where none is known yet, one may be of that size.
    await sessions.keepOnly(frames.length > 0 ? frames : [{ width, height }], roomOf(served.words));
    return served;
  }

  /** Opens and runs the session for a size of frames, unless it is open and has run: one that takes any size is as fast with the next. */
  async #warm(served: Served, frame: FrameSize): Promise<void> {
    if (!served.sessions.has(frame, roomOf(served.words))) await this.#run(served, frame, new Uint8Array(frame.width * frame.height * 3));
  }

  #run({ sessions, words }: Served, frame: FrameSize, rgb: Uint8Array): Promise<Tensors> {
    return this.hold(async () => {
      const session = await sessions.get(frame, roomOf(words));
      return session.run({ [inputNames.frame]: { dtype: "uint8", shape: [1, frame.height, frame.width, 3], data: rgb }, ...words.feeds });
    });
  }

  /** TensorRT builds an engine for frames of one size; a session of ONNX Runtime takes them as they come. */
  #sessionsOf(name: string, deployable: Deployable): SessionCache {
    const { target, halves } = this.runtime;
    return new SessionCache(this.runtime, name, target === "tensorrt", (names, frame) => deployedModel(deployable, { names, frame, target, halves }));
  }

  #current(): Served {
    if (this.#served) return this.#served;
    throw new NightshiftError("E_ENGINE", { expected: "a loaded model", received: "none", remedy: "Load a model first." });
  }
}

function wordsOf(vocabulary: Vocabulary | readonly string[], { textWidth, embeddings, names }: Pick<Served, "textWidth" | "embeddings" | "names">): Words {
  const found = isNames(vocabulary) ? lookUp(vocabulary, embeddings) : vocabulary;
  const words = { vocabulary: found, feeds: vocabularyFeeds(found, textWidth) };
  const room = roomOf(words);
  if (names === undefined || room === names) return words;
  throw new NightshiftError("E_VOCABULARY", {
    expected: `a vocabulary with room for ${names} names, which this ONNX file is for`,
    received: `${found.names.length} names, which take room for ${room}`,
    remedy: "Use a file that was made for as many names.",
  });
}

/** How many names the graph for these has room for. */
const roomOf = ({ vocabulary }: Words): VocabularySize => paddedVocabularySize(vocabulary.names.length);

function lookUp(names: readonly string[], embeddings: Embeddings | undefined): Vocabulary {
  if (embeddings) return vocabularyOf(embeddings, names);
  throw new NightshiftError("E_VOCABULARY", {
    expected: "names with their embeddings, as this model is no bundle",
    received: "names alone",
    remedy: "Encode the names with the text encoder first.",
  });
}

const isNames = (vocabulary: Vocabulary | readonly string[]): vocabulary is readonly string[] => Array.isArray(vocabulary);

const describe = ({ generation, network, words }: Served): LoadedModel => ({
  generation,
  network: { width: network.width, height: network.height },
  vocabulary: words.vocabulary.names,
});
