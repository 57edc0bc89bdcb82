import type { Operator } from "../../graph/attributes.js";
import { convolution } from "./convolution.js";
import { elementwise } from "./elementwise.js";
import { indexing } from "./indexing.js";
import type { Kernel } from "./kernel.js";
import { matrix } from "./matrix.js";
import { movement } from "./movement.js";
import { normalization } from "./normalization.js";
import { pooling } from "./pooling.js";
import { reduction } from "./reduction.js";
import { resizing } from "./resizing.js";

/** One kernel for each operator: an operator without one does not compile. */
export const kernels: { readonly [K in Operator]: Kernel<K> } = {
  ...elementwise,
  ...movement,
  ...indexing,
  ...reduction,
  ...matrix,
  ...convolution,
  ...pooling,
  ...resizing,
  ...normalization,
};
