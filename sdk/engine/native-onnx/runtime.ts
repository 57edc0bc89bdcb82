import type { OnnxOptions, OnnxRuntime } from "#native";
import type { HalfForm } from "../../graph/half.js";
import { awaitNative, callNative } from "../native.js";
import type { SessionOptions, Tensors } from "../onnxruntime.js";
import type { Runtime, Session, StepSession } from "../session.js";
import { loadOnnxRuntime } from "./library.js";
import { NativeOnnxSession } from "./session.js";
import { NativeOnnxSteps } from "./steps.js";
import { toNative } from "./tensors.js";

export interface NativeOnnxOptions extends Omit<SessionOptions, "saturating"> {
  /** `cpu` unless told otherwise, `cuda`, or `tensorrt`. */
  readonly provider?: string;
  /** Path of ONNX Runtime's library; see `loadOnnxRuntime`. */
  readonly library?: string;
}

/** ONNX Runtime from the native module. */
export class NativeOnnxRuntime implements Runtime {
  readonly target = "onnxruntime";
  /** As for ONNX Runtime from JavaScript: next to nothing computes in float16 on a CPU. */
  readonly halves: HalfForm;

  private constructor(
    private readonly runtime: OnnxRuntime,
    private readonly options: OnnxOptions,
  ) {
    this.halves = (options.provider ?? "cpu") === "cpu" ? "rounded" : "typed";
  }

  /** Throws `E_NATIVE`, `E_ONNXRUNTIME`, and `E_PROVIDER` for a provider that is not there: nothing is used in its place. */
  static open({ threads = 2, spinning = false, memoryPattern = true, arena = true, provider = "cpu", library }: NativeOnnxOptions = {}): NativeOnnxRuntime {
    const runtime = loadOnnxRuntime(library);
    callNative(() => runtime.checkProvider(provider));
    return new NativeOnnxRuntime(runtime, { threads, spinning, memoryPattern, arena, provider });
  }

  /** Of ONNX Runtime. */
  get version(): string {
    return this.runtime.version;
  }

  /** Throws `E_ENGINE`, on another provider than the CPU `E_PROVIDER`, where ONNX Runtime refuses the model. */
  async open(model: Uint8Array): Promise<Session> {
    return new NativeOnnxSession(await awaitNative(() => this.runtime.open(model, this.options)));
  }

  /** See `StepSession`. Throws as `open`, and `E_GPU` where the device has no room for the state. */
  async openSteps(model: Uint8Array, state: Tensors, prefix: string): Promise<StepSession> {
    return new NativeOnnxSteps(await awaitNative(() => this.runtime.openSteps(model, this.options, toNative(state), prefix)));
  }
}
