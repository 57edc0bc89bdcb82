import type { Attributes, Operator } from "../../graph/attributes.js";
import type { TensorType } from "../../graph/shapes.js";
import type { NdArray } from "./array.js";

/**
 * Computes one operator. `types` are the inferred types and shapes of its outputs, which the graph has already checked
 * against its inputs and attributes.
 */
export type Kernel<K extends Operator> = (
  inputs: readonly NdArray[],
  attributes: Attributes[K],
  types: readonly TensorType[],
) => readonly NdArray[];

/** Kernels of some operators; `kernels.ts` joins the families into one table that has all of them. */
export type Kernels = { readonly [K in Operator]?: Kernel<K> };
