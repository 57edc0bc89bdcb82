import { NightshiftError } from "../errors.js";
import type { FloatTensor, Weights } from "../graph/tensor.js";
import { Random } from "../random.js";
import type { LearnerFactory, LearningRates, LmcLearner, StepLosses } from "./learner.js";

/**
 * A learner that learns nothing: each step moves the weights by the size of its rate in a seeded random direction, and the losses fall as a curve does.
 * For trying the process, the judge and the loop without the cost of training, or with harm on purpose.
 */
export class InMemoryLearner implements LmcLearner {
  #steps = 0;
  #isClosed = false;
  readonly #student: Map<string, FloatTensor>;
  readonly #teacher: Map<string, FloatTensor>;
  readonly #random: Random;

  constructor(weights: Weights, seed: number) {
    this.#student = copy(weights);
    this.#teacher = copy(weights);
    this.#random = new Random(seed);
  }

  step(input: { readonly targets: Uint8Array }, rates: LearningRates): Promise<StepLosses> {
    if (this.#isClosed || input.targets.length === 0)
      throw new NightshiftError(this.#isClosed ? "E_CLOSED" : "E_FRAME_SIZE", {
        expected: "an open learner and at least one target frame",
        received: this.#isClosed ? "a closed learner" : "none",
        remedy: "Create another learner, or pass target frames.",
      });
    for (const [name, { data }] of this.#student) {
      const behind = this.#teacher.get(name)!.data;
      for (let index = 0; index < data.length; index++) {
        data[index] += rates.decoder * this.#random.uniform(-1, 1);
        behind[index] = rates.alpha * behind[index] + (1 - rates.alpha) * data[index];
      }
    }
    const loss = 1 / (1 + this.#steps++ / 10);
    return Promise.resolve({ total: rates.supervised * loss + (rates.lmc + rates.selfTraining + rates.align) * loss, supervised: loss, lmc: loss, selfTraining: loss, align: loss });
  }

  teacher(): Weights {
    return copy(this.#teacher);
  }

  student(): Weights {
    return copy(this.#student);
  }

  /** There are no statistics here. */
  estimateStatistics(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.#isClosed = true;
  }
}

export const createInMemoryLearner: LearnerFactory = (_config, weights, _text, { seed }) => Promise.resolve(new InMemoryLearner(weights, seed));

function copy(weights: Weights): Map<string, FloatTensor> {
  return new Map([...weights].map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]));
}
