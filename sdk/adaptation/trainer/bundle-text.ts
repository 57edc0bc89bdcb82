import { type Bundle, type Embeddings, keptPrompts, type Vocabulary, vocabularyOf } from "../../bundle/index.js";
import { runModel } from "../../engine/run.js";
import { NightshiftError } from "../../errors.js";
import type { FloatTensor } from "../../graph/tensor.js";
import { isImported, textWidthOf } from "../../network/architecture.js";
import { tasks } from "../../network/contract.js";
import { checkTrains } from "../../network/trainable.js";
import { nearestClasses, rowOfClass } from "../../network/text/nearest-class.js";
import { type Prompts, promptsOf } from "../../network/text/prompts.js";
import { TextEncoder } from "../../network/text/text-encoder.js";
import type { TextSource } from "../learner.js";

/** What prompts start from where a bundle's names are bare: as good as none (70.2 mIoU on real days, 70.9 bare), while "a photo of a" (53.7) is another language to weights that never heard it. */
const nearlyBare = "the the the the";

/**
 * The embeddings of a bundle, and for names that it does not hold the text encoder that made them with the bundle's prompts, loaded when the first comes.
 * An imported model answers its own classes alone; there, other names stand for the class that means nearly the same.
 * The texts of the tasks always have the bundle's own rows.
 */
export class BundleText implements TextSource {
  readonly #names: Map<string, Float32Array>;
  readonly #embeddings: Embeddings;
  /** Whether only its own classes can be answered. */
  readonly #isClosed: boolean;
  readonly #width: number;
  #encoder: Promise<TextEncoder> | undefined;

  /** `textEncoder`: the folder of the CLIP text tower that the bundle was trained with; none where that was the bundled encoder. */
  constructor(
    private readonly bundle: Bundle,
    private readonly textEncoder?: string,
  ) {
    this.#embeddings = bundle.embeddings();
    this.#width = textWidthOf(bundle.network);
    this.#isClosed = isImported(bundle.network);
    const taskRows = this.#embeddings.tasks.data;
    this.#names = new Map([...this.#embeddings.names, ...tasks.map((task, at): [string, Float32Array] => [task, taskRows.slice(at * this.#width, (at + 1) * this.#width)])]);
  }

  /** Throws `E_TEXT_ENCODER` where a name needs another text encoder, `E_BUNDLE_FORMAT` where the bundle's prompts lack those of names, and as the text encoder does. */
  async encode(texts: readonly string[]): Promise<FloatTensor> {
    const missing = [...new Set(texts.filter((text) => !this.#names.has(text)))];
    if (missing.length > 0) {
      const encoder = await this.#opened();
      const rows = await (this.#isClosed ? this.#classesOf(missing, encoder) : this.#embedded(missing, encoder));
      missing.forEach((text, at) => this.#names.set(text, rows[at]));
    }
    const rows = new Float32Array(texts.length * this.#width);
    texts.forEach((text, at) => rows.set(this.#names.get(text)!, at * this.#width));
    return { dtype: "float32", shape: [texts.length, this.#width], data: rows };
  }

  /** See `TextSource`: the bundle's prompts, or four of little meaning where its names are bare. */
  async openPrompts(): Promise<{ readonly encoder: TextEncoder; readonly prompts: Prompts }> {
    checkTrains("prompts", this.bundle.network);
    const encoder = await this.#opened();
    return { encoder, prompts: keptPrompts(this.#embeddings) ?? promptsOf(encoder.tower, nearlyBare) };
  }

  /** All names of the bundle as other prompts have them. Throws as `encode`. */
  async embeddingsWith(prompts: Prompts): Promise<Embeddings> {
    const { encoder } = await this.openPrompts();
    const names = [...this.#embeddings.names.keys()];
    const { data } = await encoder.encodeVocabulary(names, prompts);
    const row = (at: number): Float32Array => data.slice(at * this.#width, (at + 1) * this.#width);
    return {
      tasks: { dtype: "float32", shape: [tasks.length, this.#width], data: data.slice(0, tasks.length * this.#width) },
      names: new Map(names.map((name, at) => [name, row(tasks.length + at)])),
      prompts: new Map(Object.entries(prompts)),
    };
  }

  /** Of a model of fixed classes, and names that were encoded before: which class each means; null where none. Undefined for others. */
  classes(names: readonly string[]): Record<string, string | null> | undefined {
    if (!this.#isClosed) return undefined;
    const known = [...this.#embeddings.names.keys()];
    return Object.fromEntries(names.map((name) => [name, known[this.#names.get(name)?.indexOf(1) ?? -1] ?? null]));
  }

  /** Once it is open it stays so; one that could not be is tried again when it is asked for again. */
  #opened(): Promise<TextEncoder> {
    return (this.#encoder ??= this.#open().catch((error: unknown) => {
      this.#encoder = undefined;
      throw error;
    }));
  }

  /** The text encoder, which must be the one whose embeddings the bundle holds: numbers of two encoders mean nothing to each other. */
  async #open(): Promise<TextEncoder> {
    const { id, sha256 } = this.bundle.manifest.textEncoder;
    const encoder = await TextEncoder.open(runModel, this.textEncoder);
    const { tower } = encoder;
    if (tower.sha256 === sha256) return encoder;
    throw new NightshiftError("E_TEXT_ENCODER", {
      expected: `${id}, SHA-256 ${sha256}, which made the embeddings of the bundle ${this.bundle.directory}`,
      received: `${tower.id}, SHA-256 ${tower.sha256}${this.textEncoder === undefined ? ", as no other was named" : `, in ${this.textEncoder}`}`,
      remedy: `Name its folder (--text-encoder; textEncoder in a configuration), none for the bundled one, or ask for names that the bundle holds: ${[...this.#embeddings.names.keys()].join(", ")}.`,
    });
  }

  async #embedded(texts: readonly string[], encoder: TextEncoder): Promise<Float32Array[]> {
    const { data } = await encoder.encode(texts, this.#categoryPrompt());
    return texts.map((_, at) => data.slice(at * this.#width, (at + 1) * this.#width));
  }

  /** For a model of fixed classes: the class whose name means nearly the same. */
  async #classesOf(texts: readonly string[], encoder: TextEncoder): Promise<Float32Array[]> {
    const classes = [...this.#embeddings.names.keys()];
    const nearest = nearestClasses(await encoder.encode(texts), await encoder.encode(classes));
    return nearest.map((index) => rowOfClass(index, classes.length, this.#width));
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
