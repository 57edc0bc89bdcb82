import type { Value } from "../graph/graph.js";
import { add, mean, relu, resizeLike } from "../graph/ops.js";
import type { Builder } from "./builder.js";
import type { NetworkConfig } from "./contract.js";
import { filterBank } from "./filter-bank.js";

export interface Pyramid {
  /** Visual concepts V [N, d, H / 4, W / 4]. */
  readonly concepts: Value;
  /** [N, d, H / s, W / s] for s = 8, 16, 32: what regions and queries look at. */
  readonly levels: readonly [Value, Value, Value];
}

function smooth(b: Builder, name: string, x: Value, channels: number): Value {
  return add(x, b.convNormRelu(name, filterBank(x, 1), channels));
}

/** Merges the encoder's stages from coarse to fine (a feature pyramid) at the width d of the queries. */
export function pixelDecoder(b: Builder, stages: readonly Value[], config: NetworkConfig): Pyramid {
  const d = config.embedding;
  const lateral = (i: number): Value => b.convNorm(`decoder.pixel.lateral${i}`, stages[i], d);
  // What the whole image shows is added everywhere.
  const context = b.conv("decoder.pixel.context", mean(stages[3], [2, 3], true), d);
  const p32 = relu(add(lateral(3), context));
  const p16 = smooth(b, "decoder.pixel.smooth2", relu(add(lateral(2), resizeLike(p32, stages[2]))), d);
  const p8 = smooth(b, "decoder.pixel.smooth1", relu(add(lateral(1), resizeLike(p16, stages[1]))), d);
  const p4 = relu(add(lateral(0), resizeLike(p8, stages[0])));
  return { concepts: b.convNorm("decoder.pixel.concepts", filterBank(p4, 1), d), levels: [p8, p16, p32] };
}
