import { type Bundle, type Embeddings, type Vocabulary, vocabularyOf } from "../../bundle/index.js";
import { runModel } from "../../engine/run.js";
import { NightshiftError } from "../../errors.js";
import type { FloatTensor } from "../../graph/tensor.js";
import { tasks, textWidth } from "../../network/contract.js";
import { TextEncoder } from "../../network/text/textEncoder.js";
import type { TextSource } from "../learner.js";

/**
 * The embeddings of a bundle, and for names that it does not hold the text encoder with the bundle's prompts, loaded when the first comes.
 * The texts of the tasks always have the bundle's own rows.
 */
export class BundleText implements TextSource {
  readonly #names: Map<string, Float32Array>;
  readonly #embeddings: Embeddings;
  #encoder: Promise<TextEncoder> | undefined;

  constructor(bundle: Bundle) {
    this.#embeddings = bundle.embeddings();
    const taskRows = this.#embeddings.tasks.data;
    this.#names = new Map([...this.#embeddings.names, ...tasks.map((task, at): [string, Float32Array] => [task, taskRows.slice(at * textWidth, (at + 1) * textWidth)])]);
  }

  /** Throws `E_BUNDLE_FORMAT` where the bundle's prompts lack those of names, and as the text encoder does. */
  async encode(texts: readonly string[]): Promise<FloatTensor> {
    const missing = [...new Set(texts.filter((text) => !this.#names.has(text)))];
    if (missing.length > 0) {
      this.#encoder ??= TextEncoder.create(runModel);
      const { data } = await (await this.#encoder).encode(missing, this.#categoryPrompt());
      missing.forEach((text, at) => this.#names.set(text, data.slice(at * textWidth, (at + 1) * textWidth)));
    }
    const rows = new Float32Array(texts.length * textWidth);
    texts.forEach((text, at) => rows.set(this.#names.get(text)!, at * textWidth));
    return { dtype: "float32", shape: [texts.length, textWidth], data: rows };
  }

  #categoryPrompt(): FloatTensor | undefined {
    const { prompts } = this.#embeddings;
    const category = prompts.get("category");
    if (category || prompts.size === 0) return category;
    throw new NightshiftError("E_BUNDLE_FORMAT", {
      expected: "a prompt named category in the bundle's embeddings",
      received: [...prompts.keys()].join(", "),
      remedy: "Ask for names that the bundle holds, or write the bundle again.",
    });
  }

  /** Throws `E_VOCABULARY`. */
  async vocabulary(names: readonly string[]): Promise<Vocabulary> {
    await this.encode(names);
    return vocabularyOf({ ...this.#embeddings, names: this.#names }, names);
  }
}
