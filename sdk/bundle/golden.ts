import { NightshiftError } from "../errors.js";
import { readSafetensors, writeSafetensors } from "../graph/safetensors.js";
import type { Tensor } from "../graph/tensor.js";
import { outputNames } from "../network/contract.js";

/** One frame and what the weights answer to it with the bundle's own vocabulary: every engine must agree before it serves. */
export interface Golden {
  /** uint8 [1, height, width, 3], packed RGB. */
  readonly frame: Tensor<"uint8">;
  /** By the names in `outputNames` of the network's contract. */
  readonly outputs: Readonly<Record<string, Tensor>>;
}

const frameName = "frame";

export function encodeGolden({ frame, outputs }: Golden): Uint8Array {
  return writeSafetensors(new Map<string, Tensor>([[frameName, frame], ...Object.entries(outputs)]));
}

/** Throws `E_BUNDLE_FORMAT`. `source` names the file. */
export function decodeGolden(bytes: Uint8Array, source: string): Golden {
  const { tensors } = readSafetensors(bytes);
  const frame = tensors.get(frameName);
  const missing = Object.values(outputNames).find((name) => !tensors.has(name));
  if (missing !== undefined || !frame || !isFrame(frame))
    throw new NightshiftError("E_BUNDLE_FORMAT", {
      expected: `a frame and ${Object.values(outputNames).join(", ")} in ${source}`,
      received: [...tensors].map(([name, { dtype, shape }]) => `${name} ${dtype} [${shape.join(", ")}]`).join(", ") || "nothing",
      remedy: "Fetch or write the bundle again.",
    });
  return { frame, outputs: Object.fromEntries([...tensors].filter(([name]) => name !== frameName)) };
}

const isFrame = (tensor: Tensor): tensor is Tensor<"uint8"> =>
  tensor.dtype === "uint8" && tensor.shape.length === 4 && tensor.shape[0] === 1 && tensor.shape[3] === 3;
