import { beta1, beta2 } from "../../autodiff/adamw.js";
import { evaluate } from "../../engine/reference/index.js";
import { sizeOf, type Tensor } from "../../graph/tensor.js";
import { lmcGraph } from "../../network/steps/lmc.js";
import { prefixes } from "../../network/steps/step-graph.js";
import type { StepState } from "./train-step-equality.js";
import { lmcOptions, type Problem } from "./train-step-problem.js";

const float64 = (shape: readonly number[], data: Float64Array): Tensor<"float64"> => ({ dtype: "float64", shape, data });

/** LMC steps in float64: the step's graph on the reference engine, its state never rounded. */
export class ReferenceSteps {
  readonly #step;
  #state: ReadonlyMap<string, Tensor<"float64">>;
  #done = 0;

  constructor(private readonly problem: Problem) {
    this.#step = lmcGraph(problem.network, problem.weights, lmcOptions(problem));
    const { outputs } = this.#step.graph;
    // Results are not asked for: what they alone need is not computed.
    outputs.splice(0, Infinity, ...outputs.filter(({ name }) => name.startsWith(prefixes.next)));
    this.#state = new Map([...this.#step.state].map(([name, { shape, data }]) => [name, float64(shape, Float64Array.from(data))]));
  }

  step(): void {
    const t = ++this.#done;
    const scalars = { ...this.#step.scalars, correction1: 1 / (1 - beta1 ** t), correction2: 1 / (1 - beta2 ** t), ...this.problem.scalars };
    const feeds: Record<string, Tensor> = { ...Object.fromEntries(this.#state), ...this.problem.batch };
    for (const [name, value] of Object.entries(scalars)) feeds[name] = float64([], Float64Array.of(value));
    const next = evaluate(this.#step.graph, feeds);
    this.#state = new Map([...this.#state].map(([name, { shape, data }]) => [name, float64(shape, next.get(prefixes.next + name)?.data ?? data)]));
  }

  /** `student/<parameter>` and `first/<parameter>`. */
  state(): StepState {
    const state = new Map<string, { readonly data: Float64Array }>();
    for (const prefix of [prefixes.student, prefixes.first])
      for (const pack of this.#step.packs.filter(({ statistic }) => !statistic)) {
        const packed = this.#state.get(prefix + pack.name)?.data ?? new Float64Array();
        let offset = 0;
        for (const { name, shape } of pack.parts) state.set(prefix + name, { data: packed.slice(offset, (offset += sizeOf(shape))) });
      }
    return state;
  }
}
