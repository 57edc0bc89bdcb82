import type { Graph, Value } from "../graph/graph.js";
import { add, conv, layerNorm, matMul, mul, div, relu, reshape, sqrt, stopGradient, sub, sum, sumSquare, type ConvOptions } from "../graph/ops.js";
import type { Initial, ParameterSource } from "./parameters.js";

const epsilon = 1e-5;

/** The mean and variance of one normalisation layer over the batch that was just seen. */
export interface BatchStatistics {
  readonly name: string;
  readonly mean: Value;
  readonly variance: Value;
}

/** Batch normalisation of several `xs` [N, C, ...] by the statistics of all of them together; `scale`, `bias` and the statistics are [C]. */
export function batchNorm(xs: readonly Value[], scale: Value, bias: Value, epsilon: number): { readonly values: readonly Value[]; readonly statistics: Omit<BatchStatistics, "name"> } {
  const [{ shape, size }] = xs;
  const axes = shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const perChannel = (x: Value): Value => reshape(x, [shape[1], ...shape.slice(2).map(() => 1)]);
  const average = (sumOf: (x: Value) => Value): Value => mul(xs.map(sumOf).reduce((a, x) => add(a, x)), shape[1] / (xs.length * size));
  const mean = average((x) => sum(x, axes));
  // Not the mean of squares less the square of the mean, which rounding makes negative where a channel hardly varies. Where the mean is, its gradient is zero.
  const middle = stopGradient(perChannel(mean));
  const variance = average((x) => sumSquare(sub(x, middle), axes));
  const factor = div(scale, sqrt(add(variance, epsilon)));
  const shift = sub(bias, mul(mean, factor));
  return { values: xs.map((x) => add(mul(x, perChannel(factor)), perChannel(shift))), statistics: { mean, variance } };
}

/** A convolution with its normalisation in it; `factor` [C, 1, 1] is what answers are multiplied by where the kernel is not. */
interface Folded {
  readonly kernel: Value;
  readonly shift: Value;
  readonly factor?: Value;
}

/**
 * Builds layers into a graph. Normalisation is `frozen` (kept statistics, folded into the convolution's weights inside the
 * graph, so that it costs nothing an activation) or `batch` (statistics of the batch, as training from scratch needs).
 */
export class Builder {
  /** Statistics of every layer built in `batch` form. */
  readonly statistics: BatchStatistics[] = [];
  /** By layer, so that all passes share the folded weights: gradients are summed there, and go back through the folding once. */
  readonly #folded = new Map<string, Folded>();

  constructor(
    readonly graph: Graph,
    readonly parameters: ParameterSource,
    readonly normalisation: "frozen" | "batch",
  ) {}

  parameter(name: string, shape: readonly number[], initial: Initial, statistic = false): Value {
    return this.parameters.get(this.graph, { name, shape, initial, statistic });
  }

  /** Convolution without normalisation. `x` [N, C, H, W]. */
  conv(name: string, x: Value, channels: number, kernel = 1, options: ConvOptions = {}): Value {
    const fan = x.shape[1] * kernel * kernel;
    const w = this.parameter(`${name}.weight`, [channels, x.shape[1], kernel, kernel], { deviation: Math.sqrt(1 / fan) });
    return conv(x, w, this.parameter(`${name}.bias`, [channels], { fill: 0 }), options);
  }

  /** Convolution and batch normalisation; `gain` is what the normalisation's scale starts from. */
  convNorm(name: string, x: Value, channels: number, kernel = 1, options: ConvOptions & { gain?: number } = {}): Value {
    const { gain = 1, ...convOptions } = options;
    const fan = x.shape[1] * kernel * kernel;
    const w = this.parameter(`${name}.weight`, [channels, x.shape[1], kernel, kernel], { deviation: Math.sqrt(2 / fan) });
    const scale = this.parameter(`${name}.scale`, [channels], { fill: gain });
    const bias = this.parameter(`${name}.bias`, [channels], { fill: 0 });
    const keptMean = this.parameter(`${name}.mean`, [channels], { fill: 0 }, true);
    const keptVariance = this.parameter(`${name}.variance`, [channels], { fill: 1 }, true);
    if (this.normalisation === "frozen") {
      const folded = this.#folded.get(name) ?? this.#fold(w, scale, bias, keptMean, keptVariance);
      this.#folded.set(name, folded);
      const { kernel, shift, factor } = folded;
      return factor ? add(mul(conv(x, kernel, undefined, convOptions), factor), shift) : conv(x, kernel, shift, convOptions);
    }
    const { values, statistics } = batchNorm([conv(x, w, undefined, convOptions)], scale, bias, epsilon);
    this.statistics.push({ name, ...statistics });
    return values[0];
  }

  #fold(w: Value, scale: Value, bias: Value, keptMean: Value, keptVariance: Value): Folded {
    const factor = div(scale, sqrt(add(keptVariance, epsilon)));
    const shift = sub(bias, mul(keptMean, factor));
    const { constants } = this.graph;
    // Folded, the scale's gradient would be made from the kernel's, which is costly and, of a kernel that does not learn, of no other use.
    if (constants.has(w) && !constants.has(scale)) return { kernel: w, shift: reshape(shift, [scale.size, 1, 1]), factor: reshape(factor, [scale.size, 1, 1]) };
    return { kernel: mul(w, reshape(factor, [scale.size, 1, 1, 1])), shift };
  }

  convNormRelu(name: string, x: Value, channels: number, kernel = 1, options: ConvOptions = {}): Value {
    return relu(this.convNorm(name, x, channels, kernel, options));
  }

  /** `x` [..., in] to [..., width]. */
  linear(name: string, x: Value, width: number, gain = 1): Value {
    const fan = x.shape[x.rank - 1];
    const w = this.parameter(`${name}.weight`, [fan, width], gain === 0 ? { fill: 0 } : { deviation: gain * Math.sqrt(1 / fan) });
    return add(matMul(x, w), this.parameter(`${name}.bias`, [width], { fill: 0 }));
  }

  /** Layer normalisation over the last axis. */
  layerNorm(name: string, x: Value): Value {
    const width = x.shape[x.rank - 1];
    return layerNorm(x, this.parameter(`${name}.scale`, [width], { fill: 1 }), this.parameter(`${name}.bias`, [width], { fill: 0 }));
  }
}
