import { NightshiftError } from "../errors.js";
import type { FloatTensor, Tensor, Weights } from "../graph/tensor.js";
import { beta1, beta2 } from "../autodiff/adamw.js";
import type { Random } from "../random.js";
import { unpackWeights } from "../network/packing.js";
import { prefixes, type Feeds, type StepGraph } from "../network/steps/step-graph.js";
import { OnnxSession, type SessionOptions, type Tensors } from "./onnxruntime.js";

/** Losses and gradients of one step, by the names that the step graph gives them. */
export type StepResults = Readonly<Record<string, Float32Array>>;

/**
 * Runs a training step graph and keeps its state. State lives in two sets of buffers that change places at every step, so
 * that ONNX Runtime writes the next state where the last but one was and nothing is allocated or copied.
 */
export class Learner {
  #current: Tensors;
  #next: Tensors;
  #steps: number;

  private constructor(
    private readonly session: OnnxSession,
    private readonly graph: Omit<StepGraph, "model">,
    current: Tensors,
    steps: number,
  ) {
    this.#current = current;
    this.#next = copyOf(current);
    this.#steps = steps;
  }

  static async create(graph: StepGraph, options: SessionOptions & { readonly state?: Weights; readonly steps?: number } = {}): Promise<Learner> {
    const session = await OnnxSession.create(graph.model, { memoryPattern: false, ...options });
    const current: Tensors = {};
    for (const [name, initial] of graph.state) {
      const tensor = options.state?.get(name) ?? initial;
      if (tensor.data.length !== initial.data.length)
        throw new NightshiftError("E_BUNDLE_FORMAT", {
          expected: `${initial.data.length} numbers for ${name}`,
          received: String(tensor.data.length),
          remedy: "The checkpoint belongs to another network; start a new one.",
        });
      current[name] = { dtype: "float32", shape: initial.shape, data: tensor.data.slice() };
    }
    return new Learner(session, { state: graph.state, scalars: graph.scalars, results: graph.results, packs: graph.packs }, current, options.steps ?? 0);
  }

  /** Steps done, which AdamW's bias correction counts. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * One step.
   *
   * @param data the graph's data inputs
   * @param scalars rates and weights that differ from the graph's defaults
   * @throws `E_WEIGHTS_NOT_FINITE` where the loss is not finite; the state stays as it was before the step
   */
  async step(data: Feeds, scalars: Readonly<Record<string, number>> = {}): Promise<StepResults> {
    const t = this.#steps + 1;
    const corrections = { correction1: 1 / (1 - beta1 ** t), correction2: 1 / (1 - beta2 ** t) };
    const all = { ...this.graph.scalars, ...corrections, ...scalars };
    const feeds: Tensors = { ...this.#current, ...data };
    for (const name of Object.keys(this.graph.scalars)) feeds[name] = scalar(all[name as keyof typeof all]);
    const into = Object.fromEntries(Object.entries(this.#next).map(([name, tensor]) => [prefixes.next + name, tensor]));
    const answer = await this.session.run(feeds, into);
    const results: Record<string, Float32Array> = {};
    for (const name of this.graph.results) results[name] = answer[name].data as Float32Array;
    const loss = results.loss[0];
    if (!Number.isFinite(loss))
      throw new NightshiftError("E_WEIGHTS_NOT_FINITE", {
        expected: "a finite loss",
        received: `${loss} at step ${t}`,
        remedy: "Lower the learning rate, or look at the frames of this step.",
      });
    [this.#current, this.#next] = [this.#next, this.#current];
    this.#steps = t;
    return results;
  }

  /** Puts a share of the student's numbers, drawn at random, back to where they were before the first step. */
  restore(share: number, random: Random): void {
    for (const [name, { data: start }] of this.graph.state) {
      const now = this.#current[name]?.data;
      if (!name.startsWith(prefixes.student) || !(now instanceof Float32Array)) continue;
      for (let at = 0; at < now.length; at++) if (random.chance(share)) now[at] = start[at];
    }
  }

  /** All that persists, for a checkpoint. The tensors are the learner's own: copy what must outlive the next step. */
  state(): Weights {
    return new Map(Object.entries(this.#current) as [string, FloatTensor][]);
  }

  /** A copy of the student's or the teacher's weights, by parameter. Statistics are the student's; what does not train is not among them. */
  weights(whose: "student" | "teacher"): Weights {
    const weights = new Map<string, FloatTensor>();
    for (const pack of this.graph.packs) {
      const packed = this.#current[(pack.statistic ? prefixes.student : prefixes[whose]) + pack.name] as FloatTensor | undefined;
      if (packed) for (const [name, tensor] of unpackWeights(pack, packed)) weights.set(name, tensor);
    }
    return weights;
  }

  async close(): Promise<void> {
    await this.session.close();
  }
}

const scalar = (value: number): Tensor => ({ dtype: "float32", shape: [], data: Float32Array.of(value) });

const copyOf = (tensors: Tensors): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, { dtype: "float32", shape: t.shape, data: (t.data as Float32Array).slice() }]));
