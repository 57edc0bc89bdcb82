import type { Value } from "../graph/graph.js";
import { add, matMul, mul, reshape, softmax, transpose } from "../graph/ops.js";
import type { Builder } from "./builder.js";

/** [N, S, d] to [N, heads, S, d / heads]. */
const splitHeads = (x: Value, heads: number): Value =>
  transpose(reshape(x, [x.shape[0], x.shape[1], heads, x.shape[2] / heads]), [0, 2, 1, 3]);

/**
 * Multi-head attention of `queries` [N, Q, d] over `keys` [N, S, d], which are also the values.
 *
 * @param bias added to the scores, broadcast to [N, heads, Q, S]; large and negative where a key is not to be seen
 * @returns the attended values [N, Q, d] and the attention map [N, heads, Q, S]
 */
export function attention(
  b: Builder,
  name: string,
  queries: Value,
  keys: Value,
  heads: number,
  bias?: Value,
): { readonly output: Value; readonly map: Value } {
  const [n, q, d] = queries.shape;
  const query = splitHeads(b.linear(`${name}.query`, queries, d), heads);
  const key = transpose(reshape(b.linear(`${name}.key`, keys, d), [n, keys.shape[1], heads, d / heads]), [0, 2, 3, 1]);
  const value = splitHeads(b.linear(`${name}.value`, keys, d), heads);
  const scores = mul(matMul(query, key), 1 / Math.sqrt(d / heads));
  const map = softmax(bias ? add(scores, bias) : scores, -1);
  const joined = reshape(transpose(matMul(map, value), [0, 2, 1, 3]), [n, q, d]);
  return { output: b.linear(`${name}.output`, joined, d, 0.5), map };
}
