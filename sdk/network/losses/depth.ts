import type { Value } from "../../graph/graph.js";
import { add, clip, div, indicator, less, log, mean, mul, reshape, sub, sum } from "../../graph/ops.js";

/** How much an error that is the same everywhere in an image is forgiven; 1 would leave the scale free. */
const forgiven = 0.5;

/**
 * The scale-invariant error of logarithms, averaged over images (Eigen, Puhrsch, Fergus, "Depth map prediction from a single image using a multi-scale deep network", 2014, eq. 4).
 *
 * @param logMetres [N, 1, H, W]
 * @param metres [N, H, W], 0 where the depth is unknown or there is none
 */
export function depthLoss(logMetres: Value, metres: Value): Value {
  const truth = clip(metres, 1e-3, 1e6);
  const [n, , h, w] = logMetres.shape;
  const known = indicator(less(0, metres));
  const error = mul(sub(reshape(logMetres, [n, h, w]), log(truth)), known);
  const count = add(sum(known, [1, 2]), 1);
  const offset = div(sum(error, [1, 2]), count);
  return mean(sub(div(sum(mul(error, error), [1, 2]), count), mul(mul(offset, offset), forgiven)), [0]);
}
