import { Learner } from "../engine/learner.js";
import { float32, type FloatTensor, type Weights } from "../graph/tensor.js";
import { tasks } from "../network/contract.js";
import { promptNames, promptState, promptStep } from "../network/steps/prompts.js";
import type { Prompts } from "../network/text/prompts.js";
import type { TextEncoder } from "../network/text/text-encoder.js";
import { embedTokens, tokenize } from "../network/text/tokens.js";
import type { Words } from "../network/text/words.js";

export interface PromptLearnerOptions {
  /** What the prompts start from. */
  readonly start: Prompts;
  /** Training steps whose gradients make one step of the prompts. */
  readonly every: number;
  /** AdamW's, before the schedule's factor. */
  readonly rate: number;
  readonly threads?: number;
  /** Goes on from this state, among whose tensors others may be, and the steps behind it. */
  readonly state?: Weights;
  readonly steps?: number;
}

interface OpenStep {
  readonly learner: Learner;
  readonly texts: number;
  readonly length: number;
}

/** The graph has room for a few more texts and tokens than there are, so that it is seldom built again. */
const textsAtATime = 8;
const tokensAtATime = 4;

const upTo = (count: number, size: number): number => Math.ceil(count / size) * size;

const copy = (tensor: FloatTensor): FloatTensor => ({ ...tensor, data: tensor.data.slice() });

/**
 * Trains the prompts of eq. 2 beside the network: gathers the loss's gradients with respect to the embeddings, and takes a step with them every so often.
 * Gradients that were gathered since the last step are not part of the state.
 */
export class PromptLearner {
  /** While no graph is open: the state to build the next from. */
  #state: Weights;
  #steps: number;
  #open: OpenStep | undefined;
  #gathered = 0;
  readonly #gradients = new Map<string, Float32Array>();

  constructor(
    private readonly encoder: TextEncoder,
    private readonly options: PromptLearnerOptions,
  ) {
    const fresh = promptState(options.start);
    this.#state = new Map([...fresh].map(([name, tensor]) => [name, options.state?.get(name) ?? tensor]));
    this.#steps = options.steps ?? 0;
  }

  /** Steps of the prompts so far. */
  get steps(): number {
    return this.#open?.learner.steps ?? this.#steps;
  }

  /** A copy of the vectors. */
  get prompts(): Prompts {
    const state = this.state();
    return { task: copy(state.get(promptNames.task)!), category: copy(state.get(promptNames.category)!) };
  }

  /** All that persists, for a checkpoint. Copy what must outlive the next step. */
  state(): Weights {
    return this.#open?.learner.state() ?? this.#state;
  }

  /**
   * Takes in the gradients of one training step; after every few of them a step of the prompts, which changes all embeddings in `words`.
   *
   * @param names for each sample, the names of its rows
   * @param textGradient [N, K + 2, width], the loss's gradient with respect to each sample's E
   * @param factor the schedule's, for the rate
   * @returns whether the prompts changed
   * @throws `E_WEIGHTS_NOT_FINITE` where gradients are not finite
   */
  async learn(names: readonly (readonly string[])[], textGradient: Float32Array, words: Words, factor = 1): Promise<boolean> {
    const { width } = this.encoder.tower;
    const rows = textGradient.length / width / names.length;
    names.forEach((list, sample) =>
      [...tasks.map(taskKey), ...list.map(nameKey)].forEach((key, row) => {
        let sum = this.#gradients.get(key);
        if (!sum) this.#gradients.set(key, (sum = new Float32Array(width)));
        const start = (sample * rows + row) * width;
        for (let i = 0; i < width; i++) sum[i] += textGradient[start + i];
      }),
    );
    if (++this.#gathered < this.options.every) return false;
    await this.#step(words, factor);
    return true;
  }

  async close(): Promise<void> {
    const open = this.#open;
    if (!open) return;
    this.#state = new Map([...open.learner.state()].map(([name, tensor]) => [name, copy(tensor)]));
    this.#steps = open.learner.steps;
    this.#open = undefined;
    await open.learner.close();
  }

  async #step(words: Words, factor: number): Promise<void> {
    const known = [...words.names.keys()];
    const rows = tokenize(this.encoder.tower, [...tasks, ...known]);
    const { learner, texts, length } = await this.#learnerFor(rows.length, Math.max(...rows.map((row) => row.length)));
    const { width } = this.encoder.tower;
    const gradient = new Float32Array(texts * width);
    [...tasks.map(taskKey), ...known.map(nameKey)].forEach((key, row) => {
      const sum = this.#gradients.get(key);
      if (sum) gradient.set(sum.map((value) => value / this.#gathered), row * width);
    });
    while (rows.length < texts) rows.push(rows[0]);
    const { embedding } = await learner.step(
      { ...embedTokens(this.encoder.tower, rows, undefined, length), textGradient: float32([texts, width], gradient) },
      { rate: this.options.rate * factor },
    );
    words.replace(this.prompts, embedding);
    this.#gradients.clear();
    this.#gathered = 0;
  }

  async #learnerFor(texts: number, length: number): Promise<OpenStep> {
    if (this.#open && this.#open.texts >= texts && this.#open.length >= length) return this.#open;
    await this.close();
    // Prompt vectors included, a row is a whole number of blocks.
    const { start, threads } = this.options;
    const [vectors] = start.category.shape;
    const size = { texts: upTo(texts, textsAtATime), length: upTo(length + vectors, tokensAtATime) - vectors };
    const graph = promptStep(this.encoder.tower, this.prompts, size);
    const learner = await Learner.create(graph, { threads, state: this.#state, steps: this.#steps });
    return (this.#open = { learner, ...size });
  }
}

// A name may read as a task does.
const taskKey = (task: string): string => `task ${task}`;
const nameKey = (name: string): string => `name ${name}`;
