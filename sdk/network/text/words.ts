import type { FloatTensor } from "../../graph/tensor.js";
import { tasks } from "../contract.js";
import type { Prompts } from "./prompts.js";
import type { TextEncoder } from "./text-encoder.js";

/** The embeddings of names, encoded once each while the prompts stay the same. */
export class Words {
  #tasks: FloatTensor | undefined;
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
    this.#take(rows.data, rows.shape[1], unknown, this.#tasks === undefined);
  }

  /** Takes other prompts, and what they make of the known texts: `rows` [tasks + names or more, width], in the order of the tasks and of `names`. */
  replace(prompts: Prompts, rows: Float32Array): void {
    this.#prompts = prompts;
    this.#take(rows, this.width, [...this.#rows.keys()], true);
  }

  #take(rows: Float32Array, width: number, names: readonly string[], withTasks: boolean): void {
    if (withTasks) this.#tasks = { dtype: "float32", shape: [tasks.length, width], data: rows.slice(0, tasks.length * width) };
    names.forEach((name, i) => this.#rows.set(name, rows.slice((tasks.length + i) * width, (tasks.length + i + 1) * width)));
  }

  /** Numbers of an embedding. */
  get width(): number {
    return this.tasks.shape[1];
  }

  get prompts(): Prompts | undefined {
    return this.#prompts;
  }

  /** E^T of eq. 2, [2, width]. */
  get tasks(): FloatTensor {
    if (!this.#tasks) throw new Error("words are read before any were learnt");
    return this.#tasks;
  }

  get names(): ReadonlyMap<string, Float32Array> {
    return this.#rows;
  }

  /** E of eq. 2 for lists of names, padded: text [N, K + 2, width] and used [N, K]. The names must have been learnt. */
  batch(lists: readonly (readonly string[])[], k: number): { text: FloatTensor; used: FloatTensor } {
    const n = lists.length;
    const width = this.width;
    const text = new Float32Array(n * (k + tasks.length) * width);
    const used = new Float32Array(n * k);
    lists.forEach((names, i) => {
      const start = i * (k + tasks.length) * width;
      text.set(this.tasks.data, start);
      names.forEach((name, j) => {
        const row = this.#rows.get(name);
        if (!row) throw new Error(`${name} was not encoded`);
        text.set(row, start + (j + tasks.length) * width);
        used[i * k + j] = 1;
      });
    });
    return {
      text: { dtype: "float32", shape: [n, k + tasks.length, width], data: text },
      used: { dtype: "float32", shape: [n, k], data: used },
    };
  }
}
