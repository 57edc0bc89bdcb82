import type { Attributes, Operator } from "../graph/attributes.js";
import type { Node, Value } from "../graph/graph.js";

/** The gradient of one input, made only where it is asked for; `zero` where it vanishes; or why there is none. */
export type Gradient = (() => Value) | "zero" | { readonly unsupported: string };

/**
 * The vector-Jacobian product of one operator: from the gradients of a node's outputs to those of its inputs.
 * `dys` has one entry an output, undefined where nothing depends on it. A rule may answer in the shape of the output;
 * broadcasting is undone in the walk.
 */
export type GradientRule<K extends Operator> = (
  context: {
    readonly node: Node<K>;
    readonly attributes: Attributes[K];
    readonly inputs: readonly Value[];
    /** The first output. */
    readonly y: Value;
    /** The gradient of the first output. */
    readonly dy: Value;
    readonly dys: readonly (Value | undefined)[];
  },
) => readonly Gradient[];
