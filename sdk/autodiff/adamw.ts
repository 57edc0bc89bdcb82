import type { Graph, Value } from "../graph/graph.js";
import { abs, add, concat, div, flat, lessOrEqual, min, mul, reshape, slice, sqrt, sub, sum, sumSquare, where } from "../graph/ops.js";
import type { Backward } from "./backward.js";

/** The scalar inputs of an optimiser step, so that rates change without a rebuild. */
export interface AdamWRates {
  /** Learning rate of this step for the parameter at hand, float32 scalar. */
  readonly rate: Value;
  /** 1 / (1 - beta1^t), float32 scalar. */
  readonly correction1: Value;
  /** 1 / (1 - beta2^t), float32 scalar. */
  readonly correction2: Value;
  /** Decoupled weight decay, float32 scalar. */
  readonly decay: Value;
}

export const beta1 = 0.9;
export const beta2 = 0.999;
const epsilon = 1e-8;

/** What the optimiser steps of all parameters have in common. */
export interface Clipping {
  /** What each gradient is multiplied by: min(1, bound / ||g||); 0 where that is not finite. */
  readonly factor: Value;
  /** ||g||, of all gradients together. */
  readonly norm: Value;
  /** Whether loss and gradients are finite, bool scalar: otherwise no step is taken, and all state stays to the bit. */
  readonly isFinite: Value;
}

const largest = 3.4e38;

/** Clipping by global norm as one factor. */
export function clipping(graph: Graph, loss: Value, { gradients, contributions }: Backward, bound: Value): Clipping {
  const squares = gradients.map((g) => sumSquare(flat(g), [0]));
  const squared = squares.reduce((all, square) => add(all, square), graph.scalar(1e-12));
  const norm = sqrt(contributions.length === 0 ? squared : add(squared, mul(firstOfEach(contributions), 0)));
  const isFinite = lessOrEqual(add(abs(reshape(loss, [])), norm), largest);
  return { factor: where(isFinite, min(div(bound, norm), 1), graph.scalar(0)), norm, isFinite };
}

/**
 * A number that waits for all these values, one after the other. ONNX Runtime computes depth first what an output needs, of a node's inputs the one that was added last first: on its own it
 * would go back through the layers of all images at once, where to walk through one image's after the other's takes much less memory.
 */
function firstOfEach(values: readonly Value[]): Value {
  const ends = values.toReversed().map((value) => slice(flat(value), 0, 0, 1));
  return reshape(sum(concat(ends, 0), [0]), []);
}

/**
 * One AdamW step (Loshchilov and Hutter, 2019) on one parameter:
 * m' = b1 m + (1 - b1) g, v' = b2 v + (1 - b2) g^2, p' = p (1 - rate decay) - rate m'^ / (sqrt(v'^) + eps).
 *
 * The clipping's factor is folded into the constants and costs no pass over memory.
 */
export function adamW(
  parameter: Value,
  gradient: Value,
  first: Value,
  second: Value,
  { factor, isFinite }: Omit<Clipping, "norm">,
  { rate, correction1, correction2, decay }: AdamWRates,
): { readonly parameter: Value; readonly first: Value; readonly second: Value } {
  const { graph } = parameter;
  // Flat, because ONNX Runtime multiplies a tensor whose last axes are 1 by a scalar one element at a time.
  const [p, unsafe, m, v] = [parameter, gradient, first, second].map(flat);
  const g = where(isFinite, unsafe, graph.scalar(0));
  const kept = (beta: number): Value => where(isFinite, graph.scalar(beta), graph.scalar(1));
  const step = where(isFinite, rate, graph.scalar(0));
  const nextFirst = add(mul(m, kept(beta1)), mul(g, mul(factor, 1 - beta1)));
  const nextSecond = add(mul(v, kept(beta2)), mul(mul(g, g), mul(mul(factor, factor), 1 - beta2)));
  const denominator = add(sqrt(mul(nextSecond, correction2)), epsilon);
  const change = div(mul(nextFirst, mul(step, correction1)), denominator);
  const shaped = (x: Value): Value => reshape(x, parameter.shape);
  return { parameter: shaped(sub(mul(p, sub(1, mul(step, decay))), change)), first: shaped(nextFirst), second: shaped(nextSecond) };
}
