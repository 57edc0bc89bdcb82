import type { Graph, Value } from "../graph/graph.js";
import { add, div, mul, reshape, sqrt, sub, sumSquare, min } from "../graph/ops.js";

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

/** min(1, bound / ||g||) over all gradients together: clipping by global norm as one factor. */
export function clipFactor(graph: Graph, gradients: readonly Value[], bound: Value): { readonly factor: Value; readonly norm: Value } {
  let squares = graph.scalar(1e-12);
  for (const g of gradients) squares = add(squares, sumSquare(reshape(g, [g.size]), [0]));
  const norm = sqrt(squares);
  return { factor: min(div(bound, norm), 1), norm };
}

/**
 * One AdamW step (Loshchilov and Hutter, 2019) on one parameter:
 * m' = b1 m + (1 - b1) g, v' = b2 v + (1 - b2) g^2, p' = p (1 - rate decay) - rate m'^ / (sqrt(v'^) + eps).
 *
 * @param factor multiplies the gradient, for clipping; it is folded into the constants and costs no pass over memory
 */
export function adamW(
  parameter: Value,
  gradient: Value,
  first: Value,
  second: Value,
  factor: Value,
  { rate, correction1, correction2, decay }: AdamWRates,
): { readonly parameter: Value; readonly first: Value; readonly second: Value } {
  // Flat, because ONNX Runtime multiplies a tensor whose last axes are 1 by a scalar one element at a time.
  const [p, g, m, v] = [parameter, gradient, first, second].map((x) => reshape(x, [x.size]));
  const nextFirst = add(mul(m, beta1), mul(g, mul(factor, 1 - beta1)));
  const nextSecond = add(mul(v, beta2), mul(mul(g, g), mul(mul(factor, factor), 1 - beta2)));
  const denominator = add(sqrt(mul(nextSecond, correction2)), epsilon);
  const step = div(mul(nextFirst, mul(rate, correction1)), denominator);
  const shaped = (x: Value): Value => reshape(x, parameter.shape);
  return { parameter: shaped(sub(mul(p, sub(1, mul(rate, decay))), step)), first: shaped(nextFirst), second: shaped(nextSecond) };
}
