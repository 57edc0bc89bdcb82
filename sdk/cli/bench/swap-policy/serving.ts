import type { Weights } from "../../../graph/tensor.js";
import { type EngineSetup, EngineThread } from "./thread.js";

/** What serves under a policy. */
export class Serving {
  #active: EngineThread;
  #standby: EngineThread;
  readonly #hasInputs: boolean;

  private constructor(setup: EngineSetup) {
    [this.#active, this.#standby] = [new EngineThread(setup), new EngineThread(setup)];
    this.#hasInputs = setup.inputs.size > 0;
  }

  static async open(setup: EngineSetup): Promise<Serving> {
    const serving = new Serving(setup);
    await serving.#active.open(setup.base);
    return serving;
  }

  run(rgb: Uint8Array): Promise<void> {
    return this.#active.run(rgb);
  }

  /** Serves other weights from the next frame on; what served before is kept, to go back to. */
  async swap(weights: Weights): Promise<void> {
    if (this.#hasInputs) return this.#active.exchange(await this.#standby.inputs(weights));
    await this.#standby.open(weights);
    [this.#active, this.#standby] = [this.#standby, this.#active];
  }

  async close(): Promise<void> {
    await Promise.all([this.#active.close(), this.#standby.close()]);
  }
}
