import type { Value } from "../graph/graph.js";
import { add, concat, mul, relu, reshape, rowsOfMap, slice } from "../graph/ops.js";
import { attention } from "./attention.js";
import type { Builder } from "./builder.js";
import type { NetworkConfig } from "./contract.js";
import { hideUnused } from "./language.js";

export interface Queries {
  readonly masks?: Value;
  readonly regions?: Value;
}

/**
 * The unified proposal decoder: mask queries (one a name) and region queries (one a proposal) pass the same layers, told apart
 * by a learned vector of their task. A network of one task has its queries alone.
 *
 * @param masks [N, K, d]
 * @param regions [N, R, d]
 * @param used [N, K]
 * @param levels the pyramid at strides 8, 16, 32; the queries look at the last two
 * @returns those that were given, in the same shapes
 */
export function proposalDecoder(b: Builder, { masks, regions }: Queries, used: Value, levels: readonly Value[], config: NetworkConfig): Queries {
  const d = config.embedding;
  const [n, k] = used.shape;
  const memory = concat(
    levels.slice(1).map((level, i) => {
      const [, , h, w] = level.shape;
      const place = b.parameter(`decoder.unified.place${i}`, [1, h * w, d], { deviation: 0.02 });
      return add(rowsOfMap(level), place);
    }),
    1,
  );
  const role = (name: string): Value => b.parameter(`decoder.unified.${name}`, [1, 1, d], { deviation: 0.02 });
  const alwaysSeen = (count: number): Value => b.graph.constant({ dtype: "float32", shape: [n, count], data: new Float32Array(n * count) });
  const given = [
    ...(masks ? [{ queries: add(masks, role("mask")), bias: hideUnused(used) }] : []),
    ...(regions ? [{ queries: add(regions, role("region")), bias: alwaysSeen(regions.shape[1]) }] : []),
  ];
  let queries = concat(given.map((each) => each.queries), 1);
  const count = queries.shape[1];
  const bias = reshape(concat(given.map((each) => each.bias), 1), [n, 1, 1, count]);
  for (let i = 0; i < config.decoderLayers; i++) {
    const name = `decoder.unified.layer${i}`;
    const own = b.layerNorm(`${name}.norm0`, queries);
    queries = add(queries, attention(b, `${name}.self`, own, own, config.heads, bias).output);
    queries = add(queries, attention(b, `${name}.cross`, b.layerNorm(`${name}.norm1`, queries), memory, config.heads).output);
    const wide = relu(b.linear(`${name}.wide`, b.layerNorm(`${name}.norm2`, queries), 2 * d));
    queries = add(queries, b.linear(`${name}.narrow`, wide, d, 0.5));
  }
  const normal = b.layerNorm("decoder.unified.norm", queries);
  return { ...(masks && { masks: slice(normal, 1, 0, k) }), ...(regions && { regions: slice(normal, 1, masks ? k : 0, count) }) };
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
