import { Learner } from "../engine/learner.js";
import { float32, type FloatTensor, type Weights } from "../graph/tensor.js";
import { tasks } from "../network/contract.js";
import { promptNames, promptState, promptStep } from "../network/steps/prompts.js";
import { prefixes } from "../network/steps/step-graph.js";
import type { Prompts } from "../network/text/prompts.js";
import type { TextEncoder } from "../network/text/text-encoder.js";
import { embedTokens, tokenize } from "../network/text/tokens.js";
import type { Words } from "../network/text/words.js";

export interface PromptLearnerOptions {
  /** What the prompts start from. */
  readonly start: Prompts;
  /** Training steps whose gradients make one step of the prompts; 1 unless told otherwise. */
  readonly every?: number;
  /** Whether a teacher's prompts follow (eq. 3). */
  readonly teacher?: boolean;
  readonly threads?: number;
  /** Goes on from this state, among whose tensors others may be, and the steps behind it. */
  readonly state?: Weights;
  readonly steps?: number;
}

/** What one batch says of its names. */
export interface TextGradient {
  /** For each sample, the names of its rows. */
  readonly names: readonly (readonly string[])[];
  /** [N, K + 2, width], the loss's gradient with respect to each sample's E. */
  readonly textGradient: Float32Array;
}

/** How a step is made. */
export interface PromptStep {
  /** Embeddings that the step makes anew. */
  readonly words: Words;
  /** The teacher's, where there is one, and its share that stays at each step. */
  readonly taught?: { readonly words: Words; readonly alpha: number };
  /** AdamW's. */
  readonly rate: number;
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
    const fresh = promptState(options.start, options.teacher);
    this.#state = new Map([...fresh].map(([name, tensor]) => [name, options.state?.get(name) ?? tensor]));
    this.#steps = options.steps ?? 0;
  }

  /** Steps of the prompts so far. */
  get steps(): number {
    return this.#open?.learner.steps ?? this.#steps;
  }

  /** A copy of the vectors. */
  get prompts(): Prompts {
    return this.#copyOf("");
  }

  /** A copy of the teacher's, of a learner that has one. */
  get taught(): Prompts {
    return this.#copyOf(prefixes.teacher);
  }

  /** All that persists, for a checkpoint. Copy what must outlive the next step. */
  state(): Weights {
    return this.#open?.learner.state() ?? this.#state;
  }

  /**
   * Takes in the gradients of one training step, all its batches; after every few of them a step of the prompts, which changes all embeddings in `words`.
   * Answers whether the prompts changed. Throws `E_WEIGHTS_NOT_FINITE` where gradients are not finite.
   */
  async learn(batches: readonly TextGradient[], step: PromptStep): Promise<boolean> {
    const { width } = this.encoder.tower;
    for (const { names, textGradient } of batches) {
      const rows = textGradient.length / width / names.length;
      names.forEach((list, sample) =>
        [...tasks.map(taskKey), ...list.map(nameKey)].forEach((key, row) => {
          let sum = this.#gradients.get(key);
          if (!sum) this.#gradients.set(key, (sum = new Float32Array(width)));
          const start = (sample * rows + row) * width;
          for (let i = 0; i < width; i++) sum[i] += textGradient[start + i];
        }),
      );
    }
    if (++this.#gathered < (this.options.every ?? 1)) return false;
    await this.#step(step);
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

  async #step({ words, taught, rate }: PromptStep): Promise<void> {
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
    const { embedding, taught: ofTeacher } = await learner.step(
      { ...embedTokens(this.encoder.tower, rows, undefined, length), textGradient: float32([texts, width], gradient) },
      { rate, ...(taught && { alpha: taught.alpha }) },
    );
    words.replace(this.prompts, embedding);
    if (taught) taught.words.replace(this.taught, ofTeacher);
    this.#gradients.clear();
    this.#gathered = 0;
  }

  #copyOf(prefix: string): Prompts {
    const state = this.state();
    const of = (name: string): FloatTensor => copy(state.get(prefix + name)!);
    return { task: of(promptNames.task), category: of(promptNames.category) };
  }

  async #learnerFor(texts: number, length: number): Promise<OpenStep> {
    if (this.#open && this.#open.texts >= texts && this.#open.length >= length) return this.#open;
    await this.close();
    // Prompt vectors included, a row is a whole number of blocks.
    const { start, teacher, threads } = this.options;
    const [vectors] = start.category.shape;
    const size = { texts: upTo(texts, textsAtATime), length: upTo(length + vectors, tokensAtATime) - vectors, teacher };
    const graph = promptStep(this.encoder.tower, this.prompts, size);
    const learner = await Learner.create(graph, { threads, state: this.#state, steps: this.#steps });
    return (this.#open = { learner, ...size });
  }
}

// A name may read as a task does.
const taskKey = (task: string): string => `task ${task}`;
const nameKey = (name: string): string => `name ${name}`;
