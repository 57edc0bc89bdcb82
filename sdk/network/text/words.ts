import type { FloatTensor } from "../../graph/tensor.js";
import { tasks, textWidth } from "../contract.js";
import type { Prompts } from "./prompts.js";
import type { TextEncoder } from "./textEncoder.js";

/** The embeddings of names, encoded once each while the prompts stay the same. */
export class Words {
  #tasks: Float32Array | undefined;
  #prompts: Prompts | undefined;
  readonly #rows = new Map<string, Float32Array>();

  /** `prompts`: what names are encoded with; bare where there are none. */
  constructor(
    private readonly encoder: Pick<TextEncoder, "encodeVocabulary">,
    prompts?: Prompts,
  ) {
    this.#prompts = prompts;
  }

  /** Encodes the names that are not known yet. */
  async learn(names: readonly string[]): Promise<void> {
    const unknown = [...new Set(names)].filter((name) => !this.#rows.has(name));
    if (unknown.length === 0 && this.#tasks) return;
    const rows = await this.encoder.encodeVocabulary(unknown.length ? unknown : ["road"], this.#prompts);
    this.#tasks ??= rows.data.slice(0, tasks.length * textWidth);
    unknown.forEach((name, i) => this.#rows.set(name, rows.data.slice((tasks.length + i) * textWidth, (tasks.length + i + 1) * textWidth)));
  }

  /** Takes other prompts, and what they make of the known texts: `rows` [tasks + names or more, 384], in the order of the tasks and of `names`. */
  replace(prompts: Prompts, rows: Float32Array): void {
    this.#prompts = prompts;
    this.#tasks = rows.slice(0, tasks.length * textWidth);
    [...this.#rows.keys()].forEach((name, i) => this.#rows.set(name, rows.slice((tasks.length + i) * textWidth, (tasks.length + i + 1) * textWidth)));
  }

  get prompts(): Prompts | undefined {
    return this.#prompts;
  }

  /** E^T of eq. 2, [2, 384]. */
  get tasks(): FloatTensor {
    if (!this.#tasks) throw new Error("words are read before any were learnt");
    return { dtype: "float32", shape: [tasks.length, textWidth], data: this.#tasks };
  }

  get names(): ReadonlyMap<string, Float32Array> {
    return this.#rows;
  }

  /** E of eq. 2 for lists of names, padded: text [N, K + 2, 384] and used [N, K]. The names must have been learnt. */
  batch(lists: readonly (readonly string[])[], k: number): { text: FloatTensor; used: FloatTensor } {
    const n = lists.length;
    const text = new Float32Array(n * (k + tasks.length) * textWidth);
    const used = new Float32Array(n * k);
    lists.forEach((names, i) => {
      const start = i * (k + tasks.length) * textWidth;
      text.set(this.tasks.data, start);
      names.forEach((name, j) => {
        const row = this.#rows.get(name);
        if (!row) throw new Error(`${name} was not encoded`);
        text.set(row, start + (j + tasks.length) * textWidth);
        used[i * k + j] = 1;
      });
    });
    return {
      text: { dtype: "float32", shape: [n, k + tasks.length, textWidth], data: text },
      used: { dtype: "float32", shape: [n, k], data: used },
    };
  }
}
