import type { OnnxSteps } from "#native";
import { awaitNative, callNative } from "../native.js";
import type { Tensors } from "../onnxruntime.js";
import type { StepSession } from "../session.js";
import { fromNativeTensors, toNative } from "./tensors.js";

/** Steps of ONNX Runtime in the native module: the state lies in the provider's memory, and crosses into JavaScript only where it is read. */
export class NativeOnnxSteps implements StepSession {
  constructor(private readonly steps: OnnxSteps) {}

  async step(feeds: Tensors): Promise<Tensors> {
    return fromNativeTensors(await awaitNative(() => this.steps.step(toNative(feeds))));
  }

  read(name: string): Float32Array {
    const bytes = callNative(() => this.steps.read(name));
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / Float32Array.BYTES_PER_ELEMENT);
  }

  change(name: string, change: (numbers: Float32Array) => void): void {
    const numbers = this.read(name);
    change(numbers);
    callNative(() => this.steps.write(name, new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)));
  }

  async close(): Promise<void> {
    await awaitNative(() => this.steps.close());
  }
}
