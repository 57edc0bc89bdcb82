import type { Value } from "../graph/graph.js";
import { add, cast, mul, sub, transpose } from "../graph/ops.js";
import type { Builder } from "./builder.js";
import type { NetworkConfig } from "./contract.js";
import { filterBank } from "./filter-bank.js";

/** The mean and standard deviation of road scenes' bytes; any fixed choice does, training absorbs the rest. */
const byteMean = 110;
const byteDeviation = 62;

/** uint8 [N, H, W, 3] to normalised float32 [N, 3, H, W]. */
export const normalise = (frames: Value): Value =>
  transpose(mul(sub(cast(frames, "float32"), byteMean), 1 / byteDeviation), [0, 3, 1, 2]);

/** A residual block whose cost lies in its two 1x1 convolutions, which are matrix products. */
function block(b: Builder, name: string, x: Value, expansion: number, dilation: number): Value {
  const channels = x.shape[1];
  const hidden = b.convNormRelu(`${name}.expand`, filterBank(x, dilation), channels * expansion);
  return add(x, b.convNorm(`${name}.reduce`, hidden, channels, 1, { gain: 0.3 }));
}

/**
 * The image encoder: hierarchical, four stages at strides 4, 8, 16 and 32.
 *
 * @param image float32 [N, 3, H, W], normalised
 * @returns the stages' features [N, channels[i], H / stride, W / stride]
 */
export function imageEncoder(b: Builder, image: Value, config: NetworkConfig): readonly Value[] {
  let x = b.convNormRelu("encoder.stem", image, config.stem, 3, { stride: 2, padding: 1 });
  return config.channels.map((channels, stage) => {
    x = b.convNorm(`encoder.stage${stage}.down`, x, channels, 3, { stride: 2, padding: 1 });
    // Every other block looks twice as far.
    for (let i = 0; i < config.depths[stage]; i++) x = block(b, `encoder.stage${stage}.block${i}`, x, config.expansion, 1 + (i % 2));
    return x;
  });
}
