import { type Bundle, type Embeddings, type Vocabulary, vocabularyOf } from "../../bundle/index.js";
import { runModel } from "../../engine/run.js";
import type { FloatTensor } from "../../graph/tensor.js";
import { textWidth } from "../../network/contract.js";
import { TextEncoder } from "../../network/text/textEncoder.js";
import type { TextSource } from "../learner.js";

/** The embeddings of a bundle, and for names that it does not hold the text encoder, loaded when the first comes. */
export class BundleText implements TextSource {
  readonly #names: Map<string, Float32Array>;
  readonly #embeddings: Embeddings;
  #encoder: Promise<TextEncoder> | undefined;

  constructor(bundle: Bundle) {
    this.#embeddings = bundle.embeddings();
    this.#names = new Map(this.#embeddings.names);
  }

  async encode(texts: readonly string[]): Promise<FloatTensor> {
    const missing = [...new Set(texts.filter((text) => !this.#names.has(text)))];
    if (missing.length > 0) {
      this.#encoder ??= TextEncoder.create(runModel);
      const { data } = await (await this.#encoder).encode(missing, this.#embeddings.prompts.get("category"));
      missing.forEach((text, at) => this.#names.set(text, data.slice(at * textWidth, (at + 1) * textWidth)));
    }
    const rows = new Float32Array(texts.length * textWidth);
    texts.forEach((text, at) => rows.set(this.#names.get(text)!, at * textWidth));
    return { dtype: "float32", shape: [texts.length, textWidth], data: rows };
  }

  /** Throws `E_VOCABULARY`. */
  async vocabulary(names: readonly string[]): Promise<Vocabulary> {
    await this.encode(names);
    return vocabularyOf({ ...this.#embeddings, names: this.#names }, names);
  }
}
