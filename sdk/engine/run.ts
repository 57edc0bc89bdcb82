import { OnnxSession, type SessionOptions, type Tensors } from "./onnxruntime.js";

/**
 * Runs a model once, in this thread. For anything that answers frames use an engine.
 * `model`: the bytes of an ONNX file. Throws `E_PROVIDER` or `E_ENGINE`.
 */
export async function runModel(model: Uint8Array, feeds: Tensors, options: SessionOptions = {}): Promise<Tensors> {
  const session = await OnnxSession.create(model, options);
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}
