import type { Value } from "../graph/graph.js";
import { expand, reshape } from "../graph/ops.js";
import { noName } from "./contract.js";
import { hideUnused } from "./language.js";
import type { NetworkValues } from "./network.js";

/**
 * Masks of a network that only detects: no name is likelier than another anywhere, and none is given.
 *
 * @param used [N, K]
 */
export function unnamed(used: Value, { width, height }: { readonly width: number; readonly height: number }): Required<Pick<NetworkValues, "maskLogits" | "fineMask">> {
  const [n, k] = used.shape;
  return {
    maskLogits: expand(reshape(hideUnused(used), [n, k, 1, 1]), [n, k, height / 4, width / 4]),
    fineMask: used.graph.constant({ dtype: "uint8", shape: [n, 1, height, width], data: new Uint8Array(n * height * width).fill(noName) }),
  };
}
