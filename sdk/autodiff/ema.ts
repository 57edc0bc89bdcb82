import type { Value } from "../graph/graph.js";
import { add, mul, reshape, sub } from "../graph/ops.js";

/** The EMA teacher of eq. 3: f' <- alpha f' + (1 - alpha) f. `alpha` is a float32 scalar. */
export function ema(teacher: Value, student: Value, alpha: Value): Value {
  // Flat for the same reason as in AdamW.
  const [t, s] = [teacher, student].map((x) => reshape(x, [x.size]));
  return reshape(add(t, mul(sub(s, t), sub(1, alpha))), teacher.shape);
}
