import type { Value } from "../graph/graph.js";
import { add, concat, mul, relu, reshape, slice, transposeLast } from "../graph/ops.js";
import { attention } from "./attention.js";
import type { Builder } from "./builder.js";
import type { NetworkConfig } from "./contract.js";
import { hideUnused } from "./language.js";

/**
 * The unified proposal decoder: mask queries (one a name) and region queries (one a proposal) pass the same layers, told apart
 * by a learned vector of their task.
 *
 * @param masks [N, K, d]
 * @param regions [N, R, d]
 * @param used [N, K]
 * @param levels the pyramid at strides 8, 16, 32; the queries look at the last two
 * @returns both in the same shapes
 */
export function proposalDecoder(
  b: Builder,
  masks: Value,
  regions: Value,
  used: Value,
  levels: readonly Value[],
  config: NetworkConfig,
): { readonly masks: Value; readonly regions: Value } {
  const d = config.embedding;
  const [n, k] = masks.shape;
  const r = regions.shape[1];
  const tokens = (x: Value): Value => transposeLast(reshape(x, [n, d, x.shape[2] * x.shape[3]]));
  const memory = concat(
    levels.slice(1).map((level, i) => {
      const [, , h, w] = level.shape;
      const place = b.parameter(`decoder.unified.place${i}`, [1, h * w, d], { deviation: 0.02 });
      return add(tokens(level), place);
    }),
    1,
  );
  const role = (name: string): Value => b.parameter(`decoder.unified.${name}`, [1, 1, d], { deviation: 0.02 });
  const alwaysSeen = b.graph.constant({ dtype: "float32", shape: [n, r], data: new Float32Array(n * r) });
  const bias = reshape(concat([hideUnused(used), alwaysSeen], 1), [n, 1, 1, k + r]);
  let queries = concat([add(masks, role("mask")), add(regions, role("region"))], 1);
  for (let i = 0; i < config.decoderLayers; i++) {
    const name = `decoder.unified.layer${i}`;
    const own = b.layerNorm(`${name}.norm0`, queries);
    queries = add(queries, attention(b, `${name}.self`, own, own, config.heads, bias).output);
    queries = add(queries, attention(b, `${name}.cross`, b.layerNorm(`${name}.norm1`, queries), memory, config.heads).output);
    const wide = relu(b.linear(`${name}.wide`, b.layerNorm(`${name}.norm2`, queries), 2 * d));
    queries = add(queries, b.linear(`${name}.narrow`, wide, d, 0.5));
  }
  const normal = b.layerNorm("decoder.unified.norm", queries);
  return { masks: slice(normal, 1, 0, k), regions: slice(normal, 1, k, k + r) };
}

/** Sinusoids of a box's corners: [N, R, 4] pixels to [N, R, 32]. */
export function boxCode(b: Builder, boxes: Value, config: NetworkConfig): Value {
  const scaled = mul(boxes, b.graph.constant({ dtype: "float32", shape: [4], data: Float32Array.of(1 / config.width, 1 / config.height, 1 / config.width, 1 / config.height) }));
  const waves = [1, 2, 4, 8].flatMap((frequency) => {
    const angle = mul(scaled, frequency * Math.PI);
    return [b.graph.node("Sin", [angle], {})[0], b.graph.node("Cos", [angle], {})[0]];
  });
  return concat(waves, 2);
}
