import type { Value } from "../graph/graph.js";
import { clip, concat, exp, mul, rowsOfMap } from "../graph/ops.js";
import { boxesAround } from "./boxes.js";
import type { Builder } from "./builder.js";
import type { NetworkConfig } from "./contract.js";
import { filterBank } from "./filter-bank.js";

/** The strides at which regions are proposed. */
export const proposalStrides = [8, 16, 32] as const;

export interface Proposals {
  /** [N, P, d]: what each place shows, to be compared with the names. */
  readonly features: Value;
  /** [N, P, 4]: boxes. */
  readonly boxes: Value;
  /** [1, P, 2]: the places' centres in pixels, a constant. */
  readonly centres: Value;
  /** [1, P, 1]: the places' strides in pixels, a constant. */
  readonly strides: Value;
}

function places(b: Builder, config: NetworkConfig): { centres: Value; strides: Value } {
  const centres: number[] = [];
  const strides: number[] = [];
  for (const stride of proposalStrides)
    for (let y = 0; y < config.height / stride; y++)
      for (let x = 0; x < config.width / stride; x++) {
        centres.push((x + 0.5) * stride, (y + 0.5) * stride);
        strides.push(stride);
      }
  return {
    centres: b.graph.constant({ dtype: "float32", shape: [1, strides.length, 2], data: Float32Array.from(centres) }),
    strides: b.graph.constant({ dtype: "float32", shape: [1, strides.length, 1], data: Float32Array.from(strides) }),
  };
}

/** One class-agnostic proposal a place of the pyramid: a feature and a box. */
export function proposals(b: Builder, levels: readonly Value[], config: NetworkConfig): Proposals {
  const { centres, strides } = places(b, config);
  const towers = levels.map((level, i) => b.convNormRelu(`decoder.region.tower${i}`, filterBank(level, 1), config.embedding));
  const features = concat(towers.map((tower, i) => rowsOfMap(b.conv(`decoder.region.feature${i}`, tower, config.embedding))), 1);
  const distances = concat(towers.map((tower, i) => rowsOfMap(b.conv(`decoder.region.box${i}`, tower, 4))), 1);
  // A place first proposes a box of four strides.
  const reach = mul(exp(clip(distances, -3, 4)), mul(strides, 2));
  return { features, boxes: boxesAround(centres, reach), centres, strides };
}
