import { OnnxSession, type SessionOptions, type Tensors } from "./onnxruntime.js";

/**
 * Runs a model once, in this thread. For anything that answers frames use an engine.
 * `model`: as `OnnxSession.create` takes it. Throws `E_PROVIDER` or `E_ENGINE`.
 */
export async function runModel(model: Uint8Array | string, feeds: Tensors, options: SessionOptions = {}): Promise<Tensors> {
  const session = await OnnxSession.create(model, options);
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}
