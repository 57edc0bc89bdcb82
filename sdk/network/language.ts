import type { Graph, Value } from "../graph/graph.js";
import { add, concat, gelu, mean, mul, reshape, rowsOfMap, slice, sub } from "../graph/ops.js";
import { attention } from "./attention.js";
import type { Builder } from "./builder.js";
import { type NetworkConfig, type Task, taskKinds } from "./contract.js";

/** Added to scores of what is not to be seen: far below any score, and exact in float16. */
export const hidden = -1e4;

/** [N, K] of 1 and 0 to a bias [N, K] of 0 and `hidden`. */
export const hideUnused = (used: Value): Value => mul(sub(1, used), hidden);

/** To every patch alike: M of eq. 4, [N, S], of networks in which names do not look at them. */
export const evenAttention = (graph: Graph, n: number, patches: number): Value =>
  graph.constant({ dtype: "float32", shape: [n, patches], data: new Float32Array(n * patches).fill(1 / patches) });

/** [N, K, d] for each task of the network: each name as that task sees it, after fusion with the image. */
export interface Language extends Readonly<Partial<Record<Task, Value>>> {
  /** [N, S]: attention of the used names over the last stage's S patches, averaged over heads and names; M of eq. 4. Even where there is no fusion. */
  readonly attention: Value;
}

/**
 * Projects E = Cat(E^T, E^C) of eq. 2 to the queries' width, once a task, and fuses it with the image: the names attend over
 * themselves and the last stage's patches, [E, F] of eq. 4.
 *
 * @param text [N, K + 2, d of the text encoder]
 * @param used [N, K]
 * @param last [N, d, h, w], the coarsest level of the pyramid
 */
export function language(b: Builder, text: Value, used: Value, last: Value, config: NetworkConfig): Language {
  const d = config.embedding;
  const [n, rows] = text.shape;
  const k = rows - 2;
  const categories = slice(text, 1, 2, rows);
  const category = b.linear("decoder.language.category", categories, d);
  const task = (i: number): Value => {
    const hint = b.linear("decoder.language.task", slice(text, 1, i, i + 1), d);
    return add(category, b.linear(`decoder.language.mix`, gelu(add(b.linear("decoder.language.hidden", categories, d), hint)), d));
  };
  const wanted = config.tasks ?? taskKinds;
  const names = concat(wanted.map((kind) => task(taskKinds.indexOf(kind))), 1);
  const patches = rowsOfMap(last);
  const s = patches.shape[1];
  const perTask = (x: Value): Partial<Record<Task, Value>> => Object.fromEntries(wanted.map((kind, at) => [kind, slice(x, 1, at * k, (at + 1) * k)]));
  if (config.fusion === false) return { ...perTask(names), attention: evenAttention(b.graph, n, s) };
  const keys = concat([names, patches], 1);
  const seen = b.graph.constant({ dtype: "float32", shape: [n, s], data: new Float32Array(n * s) });
  const bias = hideUnused(used);
  const own = wanted.length * k;
  const keyBias = reshape(concat([...wanted.map(() => bias), seen], 1), [n, 1, 1, own + s]);
  const fused = attention(b, "decoder.language.fusion", b.layerNorm("decoder.language.norm", names), keys, config.heads, keyBias);
  // M of eq. 4: the part of the map that falls on patches, for the first task's names, segmentation's where there is that.
  const onPatches = slice(slice(mean(fused.map, [1]), 1, 0, k), 2, own, own + s);
  const weighted = mean(mul(onPatches, reshape(used, [n, k, 1])), [1]);
  return { ...perTask(add(names, fused.output)), attention: weighted };
}
