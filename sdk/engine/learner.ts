import { NightshiftError } from "../errors.js";
import type { FloatTensor, Tensor, Weights } from "../graph/tensor.js";
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

export interface StepOptions extends SessionOptions {
  /** `onnxruntime` unless told otherwise. */
  readonly engine?: StepEngine;
  /** To go on from; the graph's first values unless told otherwise. */
  readonly state?: Weights;
  /** That were done before. */
  readonly steps?: number;
}

/** Runs a training step graph, whose state a `StepSession` keeps. */
export class Learner {
  #steps: number;

  private constructor(
    private readonly session: StepSession,
    private readonly graph: Omit<StepGraph, "model">,
    steps: number,
  ) {
    this.#steps = steps;
  }

  /** Throws `E_BUNDLE_FORMAT` for the state of another network, `E_PROVIDER`, `E_ENGINE`, with the native module also `E_NATIVE`, `E_ONNXRUNTIME`. */
  static async create(graph: StepGraph, { engine = "onnxruntime", ...options }: StepOptions = {}): Promise<Learner> {
    const current: Tensors = {};
    for (const [name, initial] of graph.state) {
      const tensor = options.state?.get(name) ?? initial;
      if (tensor.data.length !== initial.data.length)
        throw new NightshiftError("E_BUNDLE_FORMAT", {
          expected: `${initial.data.length} numbers for ${name}`,
          received: String(tensor.data.length),
          remedy: "The checkpoint belongs to another network; start a new one.",
        });
      current[name] = { dtype: "float32", shape: initial.shape, data: tensor.data };
    }
    const settings = { memoryPattern: false, ...options };
    const session =
      engine === "native" ? await NativeOnnxRuntime.open(settings).openSteps(graph.model, current, prefixes.next) : await OnnxSteps.open(graph.model, current, prefixes.next, settings);
    return new Learner(session, { state: graph.state, scalars: graph.scalars, results: graph.results, packs: graph.packs }, options.steps ?? 0);
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
    const feeds: Tensors = { ...data };
    for (const name of Object.keys(this.graph.scalars)) feeds[name] = scalar(all[name as keyof typeof all]);
    const answer = await this.session.step(feeds);
    const results: Record<string, Float32Array> = {};
    for (const name of this.graph.results) results[name] = answer[name].data as Float32Array;
    const loss = results.loss[0];
    if (!Number.isFinite(loss))
      throw new NightshiftError("E_WEIGHTS_NOT_FINITE", {
        expected: "a finite loss",
        received: `${loss} at step ${t}`,
        remedy: "Lower the learning rate, or look at the frames of this step.",
      });
    this.session.accept();
    this.#steps = t;
    return results;
  }

  /** Puts a share of the student's numbers, drawn at random, back to where they were before the first step. */
  restore(share: number, random: Random): void {
    for (const [name, { data: start }] of this.graph.state)
      if (name.startsWith(prefixes.student))
        this.session.change(name, (now) => {
          for (let at = 0; at < now.length; at++) if (random.chance(share)) now[at] = start[at];
        });
  }

  /** All that persists, for a checkpoint. The tensors are the learner's own: copy what must outlive the next step. */
  state(): Weights {
    return new Map([...this.graph.state.keys()].map((name) => [name, this.#read(name)]));
  }

  /** A copy of the student's or the teacher's weights, by parameter. Statistics are the student's; what does not train is not among them. */
  weights(whose: "student" | "teacher"): Weights {
    const weights = new Map<string, FloatTensor>();
    for (const pack of this.graph.packs) {
      const name = (pack.statistic ? prefixes.student : prefixes[whose]) + pack.name;
      if (this.graph.state.has(name)) for (const [parameter, tensor] of unpackWeights(pack, this.#read(name))) weights.set(parameter, tensor);
    }
    return weights;
  }

  async close(): Promise<void> {
    await this.session.close();
  }

  #read(name: string): FloatTensor {
    return { dtype: "float32", shape: this.graph.state.get(name)?.shape ?? [], data: this.session.read(name) };
  }
}

const scalar = (value: number): Tensor => ({ dtype: "float32", shape: [], data: Float32Array.of(value) });
