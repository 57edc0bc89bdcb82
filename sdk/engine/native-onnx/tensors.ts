import type { OnnxTensor } from "#native";
import { NightshiftError } from "../../errors.js";
import { bytesOf, isDType, tensorOfBytes } from "../../graph/onnx/types.js";
import type { Tensors } from "../onnxruntime.js";

/** Tensors as the native module takes them, over the same memory. */
export const toNative = (tensors: Tensors): OnnxTensor[] =>
  Object.entries(tensors).map(([name, tensor]) => ({ name, dtype: tensor.dtype, shape: [...tensor.shape], data: bytesOf(tensor) }));

/** Tensors that came from the native module. */
export const fromNativeTensors = (tensors: readonly OnnxTensor[]): Tensors =>
  Object.fromEntries(
    tensors.map(({ name, dtype, shape, data }) => {
      if (isDType(dtype)) return [name, tensorOfBytes(dtype, shape, data)];
      throw new NightshiftError("E_ENGINE", { expected: `output ${name} of an element type that Nightshift knows`, received: dtype, remedy: "Cast the output inside the model." });
    }),
  );
