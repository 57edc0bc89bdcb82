import { NightshiftError } from "../errors.js";
import type { FloatTensor, Shape, Tensor, Weights } from "../graph/tensor.js";
import { beta1, beta2 } from "../autodiff/adamw.js";
import type { Random } from "../random.js";
import { unpackWeights } from "../network/packing.js";
import { prefixes, type Feeds, type StepGraph } from "../network/steps/step-graph.js";
import { NativeOnnxRuntime } from "./native-onnx/runtime.js";
import { OnnxSteps } from "./onnx-steps.js";
import type { SessionOptions, Tensors } from "./onnxruntime.js";
import type { StepSession } from "./session.js";

/** Losses and gradients of one step, by the names that the step graph gives them. */
export type StepResults = Readonly<Record<string, Float32Array>>;

/** Who runs training steps: ONNX Runtime from JavaScript, or from the native module. */
export type StepEngine = "onnxruntime" | "native";

export interface LearnerOptions extends SessionOptions {
  /** `onnxruntime` unless told otherwise. */
  readonly engine?: StepEngine;
  /** A checkpoint's, in the place of the graph's first. Copied. */
  readonly state?: Weights;
  /** Steps that the checkpoint had done. */
  readonly steps?: number;
  /** Keeps what the student starts from, for `restore`. */
  readonly keepsStart?: boolean;
}

/** Runs a training step graph, whose state a `StepSession` keeps. */
export class Learner {
  #steps: number;
  #hasStepped = false;

  private constructor(
    private readonly session: StepSession,
    private readonly graph: Pick<StepGraph, "scalars" | "results" | "packs">,
    /** Of the state's tensors. */
    private readonly shapes: ReadonlyMap<string, Shape>,
    private readonly start: ReadonlyMap<string, Float32Array> | undefined,
    steps: number,
  ) {
    this.#steps = steps;
  }

  /**
   * The graph's state becomes the learner's own: a graph is for one learner.
   * Throws `E_BUNDLE_FORMAT` where a checkpoint's state does not fit, `E_PROVIDER`, `E_ENGINE`, with the native module also `E_NATIVE`, `E_ONNXRUNTIME`.
   */
  static async create(graph: StepGraph, { engine = "onnxruntime", state, steps = 0, keepsStart = false, ...options }: LearnerOptions = {}): Promise<Learner> {
    const { model, scalars, results, packs } = graph;
    const current: Tensors = {};
    for (const [name, initial] of graph.state) {
      const kept = state?.get(name);
      if (state && kept?.data.length !== initial.data.length)
        throw new NightshiftError("E_BUNDLE_FORMAT", {
          expected: `${initial.data.length} numbers for ${name}`,
          received: kept ? String(kept.data.length) : "none",
          remedy: "The checkpoint belongs to another network or recipe; start a new one.",
        });
      current[name] = { dtype: "float32", shape: initial.shape, data: kept ? kept.data.slice() : initial.data };
    }
    const start = keepsStart ? new Map([...graph.state].flatMap(([name, { data }]) => (name.startsWith(prefixes.student) ? [[name, data.slice()] as const] : []))) : undefined;
    const shapes = new Map([...graph.state].map(([name, { shape }]) => [name, shape]));
    // With the arena, or laid out in advance, a step holds a fifth to a half more memory and is no faster.
    const settings = { memoryPattern: false, arena: false, ...options };
    const session = engine === "native" ? await NativeOnnxRuntime.open(settings).openSteps(model, current, prefixes.next) : await OnnxSteps.open(model, current, prefixes.next, settings);
    return new Learner(session, { scalars, results, packs }, shapes, start, steps);
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
   * @throws `E_WEIGHTS_NOT_FINITE` where the loss or its gradient is not finite; the state stays as it was before the step
   */
  async step(data: Feeds, scalars: Readonly<Record<string, number>> = {}): Promise<StepResults> {
    // Of what the graph was made of nothing is needed any more: 40 MB that the first step would be taken beside, in a process that may collect them (`--expose-gc`).
    if (!this.#hasStepped) globalThis.gc?.();
    this.#hasStepped = true;
    const t = this.#steps + 1;
    const corrections = { correction1: 1 / (1 - beta1 ** t), correction2: 1 / (1 - beta2 ** t) };
    const all = { ...this.graph.scalars, ...corrections, ...scalars };
    const feeds: Tensors = { ...data };
    for (const name of Object.keys(this.graph.scalars)) feeds[name] = scalar(all[name as keyof typeof all]);
    const answer = await this.session.step(feeds);
    const results: Record<string, Float32Array> = {};
    for (const name of this.graph.results) results[name] = answer[name].data as Float32Array;
    const [loss, norm] = [results.loss[0], results.gradientNorm[0]];
    if (!Number.isFinite(loss) || !Number.isFinite(norm))
      throw new NightshiftError("E_WEIGHTS_NOT_FINITE", {
        expected: "a finite loss and gradient",
        received: `${loss} and ${norm} at step ${t}`,
        remedy: "Lower the learning rate, or look at the frames of this step.",
      });
    this.#steps = t;
    return results;
  }

  /** Puts a share of the student's numbers, drawn at random, back to where they were before the first step. For learners that keep it. */
  restore(share: number, random: Random): void {
    if (!this.start) throw new TypeError("a learner made without keepsStart");
    for (const [name, start] of this.start)
      this.session.change(name, (now) => {
        for (let at = 0; at < now.length; at++) if (random.chance(share)) now[at] = start[at];
      });
  }

  /** All that persists, for a checkpoint. The tensors are the learner's own: copy what must outlive the next step. */
  state(): Weights {
    return new Map([...this.shapes.keys()].map((name) => [name, this.#read(name)]));
  }

  /** A copy of the student's or the teacher's weights, by parameter. Statistics are the student's; what does not train is not among them. */
  weights(whose: "student" | "teacher"): Weights {
    const weights = new Map<string, FloatTensor>();
    for (const pack of this.graph.packs) {
      const name = (pack.statistic ? prefixes.student : prefixes[whose]) + pack.name;
      if (this.shapes.has(name)) for (const [parameter, tensor] of unpackWeights(pack, this.#read(name))) weights.set(parameter, tensor);
    }
    return weights;
  }

  async close(): Promise<void> {
    await this.session.close();
  }

  #read(name: string): FloatTensor {
    return { dtype: "float32", shape: this.shapes.get(name) ?? [], data: this.session.read(name) };
  }
}

const scalar = (value: number): Tensor => ({ dtype: "float32", shape: [], data: Float32Array.of(value) });
