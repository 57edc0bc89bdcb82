import { NightshiftError } from "../errors.js";
import { OnnxSession, type SessionOptions, type Tensors } from "./onnxruntime.js";
import type { StepSession } from "./session.js";

/** Steps of ONNX Runtime from JavaScript, with one copy of the state: each step writes the next where the last was, so nothing is allocated or copied. */
export class OnnxSteps implements StepSession {
  readonly #into: Tensors;

  private constructor(
    private readonly session: OnnxSession,
    private readonly state: Tensors,
    prefix: string,
  ) {
    this.#into = Object.fromEntries(Object.entries(state).map(([name, tensor]) => [prefix + name, tensor]));
  }

  /** See `StepSession`. The state's tensors become the session's own. */
  static async open(model: Uint8Array, state: Tensors, prefix: string, options: SessionOptions): Promise<OnnxSteps> {
    return new OnnxSteps(await OnnxSession.create(model, options), state, prefix);
  }

  async step(feeds: Tensors): Promise<Tensors> {
    const outputs = await this.session.run({ ...this.state, ...feeds }, this.#into);
    return Object.fromEntries(Object.entries(outputs).filter(([name]) => !(name in this.#into)));
  }

  read(name: string): Float32Array {
    const data = this.state[name]?.data;
    if (data instanceof Float32Array) return data;
    throw new NightshiftError("E_ENGINE", { expected: `one of ${Object.keys(this.state).join(", ")}`, received: JSON.stringify(name), remedy: "Ask for what is state." });
  }

  change(name: string, change: (numbers: Float32Array) => void): void {
    change(this.read(name));
  }

  async close(): Promise<void> {
    await this.session.close();
  }
}
