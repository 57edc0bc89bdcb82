import type { Value } from "../graph/graph.js";
import { add, div, exp, matMul, sqrt, sumSquare, transposeLast } from "../graph/ops.js";

/** Unit length along the last axis. */
export const unit = (x: Value): Value => div(x, sqrt(add(sumSquare(x, [-1], true), 1e-6)));

/**
 * Cosine similarity of `x` [N, P, d] with `names` [N, K, d], divided by the temperature tau = exp(-logScale) of eq. 7.
 * Returns [N, P, K].
 */
export const similarity = (x: Value, names: Value, logScale: Value): Value => {
  const product = matMul(x, transposeLast(unit(names)));
  const length = sqrt(add(sumSquare(x, [-1], true), 1e-6));
  return div(product, div(length, exp(logScale)));
};
