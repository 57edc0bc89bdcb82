import type { EngineTensor, TensorRt, TensorRtEngine as NativeEngine } from "#native";
import { NightshiftError } from "../../errors.js";
import { isDType, tensorOfBytes } from "../../graph/onnx/types.js";
import type { Tensor } from "../../graph/tensor.js";
import { awaitNative, callNative } from "../native.js";
import type { Tensors } from "../onnxruntime.js";
import type { Session } from "../session.js";

/** An engine of TensorRT that takes and gives Nightshift's tensors. Runs take turns, on threads of the native module's. */
export class TensorRtSession implements Session {
  readonly #tensors: ReadonlyMap<string, EngineTensor>;

  private constructor(private readonly engine: NativeEngine) {
    this.#tensors = new Map(engine.tensors.map((tensor) => [tensor.name, tensor]));
  }

  /**
   * Puts a built engine onto the device; with `model`, of the same graph, with the weights of that: a second engine by refit, which leaves the one that runs
   * alone. `dlaCore`: as it was built with. Throws `E_GPU`, `E_TENSORRT`.
   */
  static async open(tensorRt: TensorRt, plan: Uint8Array, model?: Uint8Array, dlaCore?: number): Promise<TensorRtSession> {
    return new TensorRtSession(await awaitNative(() => tensorRt.open(plan, model, dlaCore)));
  }

  /** Bytes on the device besides the weights. */
  get deviceBytes(): number {
    return this.engine.deviceBytes;
  }

  /** What TensorRT made of every layer, as JSON. */
  inspect(): string {
    return callNative(() => this.engine.inspect());
  }

  async run(feeds: Tensors): Promise<Tensors> {
    const inputs = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, this.#bytesFor(name, tensor)]));
    const outputs = await awaitNative(() => this.engine.run(inputs));
    return Object.fromEntries(outputs.map(({ name, data }) => [name, tensorOf(this.#tensors.get(name), name, data)]));
  }

  async close(): Promise<void> {
    await awaitNative(() => this.engine.close());
  }

  #bytesFor(name: string, { dtype, shape, data }: Tensor): Uint8Array {
    const wanted = this.#tensors.get(name);
    const fits = wanted?.isInput === true && wanted.dtype === dtype && wanted.shape.join() === shape.join();
    if (fits) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    throw new NightshiftError("E_TENSORRT", {
      expected: `inputs ${[...this.#tensors.values()].filter(({ isInput }) => isInput).map(describe).join(", ")}`,
      received: describe({ name, dtype, shape }),
      remedy: "Check the names, types and shapes of the inputs.",
    });
  }
}

function tensorOf(tensor: EngineTensor | undefined, name: string, data: Uint8Array): Tensor {
  if (tensor && isDType(tensor.dtype)) return tensorOfBytes(tensor.dtype, tensor.shape, data);
  throw new NightshiftError("E_TENSORRT", { expected: `an output ${name} of a known type`, received: tensor?.dtype ?? "none", remedy: "Cast the output inside the model." });
}

const describe = ({ name, dtype, shape }: { readonly name: string; readonly dtype: string; readonly shape: readonly number[] }): string =>
  `${name} ${dtype} [${shape.join(", ")}]`;
