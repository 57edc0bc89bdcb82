import { NightshiftError } from "../errors.js";
import { OnnxSession, type SessionOptions, type Tensors } from "./onnxruntime.js";
import type { StepSession } from "./session.js";

/** Steps of ONNX Runtime from JavaScript: it writes the next state where the last but one was, so nothing is allocated or copied. */
export class OnnxSteps implements StepSession {
  #next: Tensors;
  #hasNext = false;

  private constructor(
    private readonly session: OnnxSession,
    private readonly prefix: string,
    private present: Tensors,
  ) {
    this.#next = copyOf(present);
  }

  /** See `StepSession`. */
  static async open(model: Uint8Array, state: Tensors, prefix: string, options: SessionOptions): Promise<OnnxSteps> {
    return new OnnxSteps(await OnnxSession.create(model, options), prefix, copyOf(state));
  }

  async step(feeds: Tensors): Promise<Tensors> {
    this.#hasNext = false;
    const into = Object.fromEntries(Object.entries(this.#next).map(([name, tensor]) => [this.prefix + name, tensor]));
    const outputs = await this.session.run({ ...this.present, ...feeds }, into);
    this.#hasNext = true;
    return Object.fromEntries(Object.entries(outputs).filter(([name]) => !(name in into)));
  }

  accept(): void {
    if (!this.#hasNext) throw new NightshiftError("E_ENGINE", { expected: "a step whose state was not accepted yet", received: "none", remedy: "Do a step first." });
    this.#hasNext = false;
    [this.present, this.#next] = [this.#next, this.present];
  }

  read(name: string): Float32Array {
    const data = this.present[name]?.data;
    if (data instanceof Float32Array) return data;
    throw new NightshiftError("E_ENGINE", { expected: `one of ${Object.keys(this.present).join(", ")}`, received: JSON.stringify(name), remedy: "Ask for what is state." });
  }

  change(name: string, change: (numbers: Float32Array) => void): void {
    this.#hasNext = false;
    change(this.read(name));
  }

  async close(): Promise<void> {
    await this.session.close();
  }
}

const copyOf = (tensors: Tensors): Tensors => Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]));
