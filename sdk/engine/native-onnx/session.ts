import type { OnnxModel } from "#native";
import { awaitNative } from "../native.js";
import type { Tensors } from "../onnxruntime.js";
import type { Session } from "../session.js";
import { fromNativeTensors, toNative } from "./tensors.js";

/** A session of ONNX Runtime in the native module. Runs take turns on threads of Node's pool, so whoever calls goes on meanwhile. */
export class NativeOnnxSession implements Session {
  constructor(private readonly model: OnnxModel) {}

  async run(feeds: Tensors): Promise<Tensors> {
    return fromNativeTensors(await awaitNative(() => this.model.run(toNative(feeds))));
  }

  async close(): Promise<void> {
    await awaitNative(() => this.model.close());
  }
}
