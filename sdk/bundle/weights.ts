import { NightshiftError } from "../errors.js";
import { floatOf, fromFloat16, toFloat16 } from "../graph/float16.js";
import { readSafetensors, writeSafetensors } from "../graph/safetensors.js";
import type { FloatTensor, Tensor, Weights } from "../graph/tensor.js";

/**
 * Vectors (biases, scales, statistics) are a hundredth of the bytes and the most sensitive, so they stay float32;
 * everything else is float16.
 */
const isHalved = ({ shape }: FloatTensor): boolean => shape.length >= 2;

/** Weights as the bytes of a safetensors file. Throws `E_WEIGHTS_NOT_FINITE`, also for what overflows float16. */
export function encodeWeights(weights: Weights): Uint8Array {
  const stored = new Map([...weights].map(([name, tensor]): [string, Tensor] => [name, isHalved(tensor) ? halve(tensor) : tensor]));
  for (const [name, tensor] of stored) checkFinite(name, tensor, "the weights to be written");
  return writeSafetensors(stored);
}

/** The weights in a safetensors file, as float32. Throws `E_BUNDLE_FORMAT` or `E_WEIGHTS_NOT_FINITE`. `source` names the file. */
export function decodeWeights(bytes: Uint8Array, source: string): Weights {
  const { tensors } = readSafetensors(bytes);
  return new Map([...tensors].map(([name, tensor]): [string, FloatTensor] => [name, asFloat32(name, tensor, source)]));
}

/** What weights become by being written and read again. */
export const asStored = (weights: Weights): Weights =>
  new Map([...weights].map(([name, tensor]) => [name, isHalved(tensor) ? { ...tensor, data: fromFloat16(toFloat16(tensor.data)) } : tensor]));

/** A tensor of a file as float32. Throws `E_BUNDLE_FORMAT` where it is of another type, `E_WEIGHTS_NOT_FINITE`. */
export function asFloat32(name: string, tensor: Tensor, source: string): FloatTensor {
  checkFinite(name, tensor, source);
  if (isOf(tensor, "float32")) return tensor;
  if (isOf(tensor, "float16")) return floatOf(tensor);
  throw new NightshiftError("E_BUNDLE_FORMAT", {
    expected: `float16 or float32 for ${name} in ${source}`,
    received: tensor.dtype,
    remedy: "Write the bundle again.",
  });
}

/** Throws `E_WEIGHTS_NOT_FINITE` where a float tensor holds NaN or infinity. `source` says in what. */
export function checkFinite(name: string, tensor: Tensor, source: string): void {
  const at = firstNotFinite(tensor);
  if (at < 0) return;
  throw new NightshiftError("E_WEIGHTS_NOT_FINITE", {
    expected: `finite numbers in ${name} of ${source}`,
    received: `${isOf(tensor, "float16") ? "NaN, infinity, or more than float16 holds," : tensor.data[at]} at element ${at}`,
    remedy: "Go back to an earlier generation; training that led here diverged.",
  });
}

/** In loops, since a function called for each of millions of numbers took half of a bundle's reading. */
function firstNotFinite(tensor: Tensor): number {
  const { length } = tensor.data;
  if (isOf(tensor, "float32")) {
    for (let at = 0; at < length; at++) if (!Number.isFinite(tensor.data[at])) return at;
  } else if (isOf(tensor, "float16")) {
    for (let at = 0; at < length; at++) if ((tensor.data[at] & 0x7c00) === 0x7c00) return at;
  }
  return -1;
}

const halve = ({ shape, data }: FloatTensor): Tensor<"float16"> => ({ dtype: "float16", shape, data: toFloat16(data) });

const isOf = <D extends Tensor["dtype"]>(tensor: Tensor, dtype: D): tensor is Tensor<D> => tensor.dtype === dtype;
