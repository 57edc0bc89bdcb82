import { Graph } from "../../graph/graph.js";
import { writeOnnx } from "../../graph/onnx/write.js";
import type { Weights } from "../../graph/tensor.js";
import { architectureOf, textWidthOf, type Network } from "../architecture.js";
import { Builder } from "../builder.js";
import { ConstantParameters } from "../parameters.js";

/** Prefix of the outputs; the kept statistics have the plain names. */
const measured = "measured/";

/**
 * A graph that answers with the mean and variance of every normalisation layer over a batch of unmasked frames, as outputs
 * `measured/NAME.mean` and `measured/NAME.variance`: for kept statistics that are re-estimated over many frames.
 *
 * Inputs: frames uint8 [N, H, W, 3], text float32 [N, K + 2, d], used float32 [N, K].
 */
export function statisticsModel(network: Network, weights: Weights, options: { readonly batch: number; readonly names: number }): Uint8Array {
  const graph = new Graph("statistics");
  const frames = graph.input("frames", "uint8", [options.batch, network.height, network.width, 3]);
  const text = graph.input("text", "float32", [options.batch, options.names + 2, textWidthOf(network)]);
  const used = graph.input("used", "float32", [options.batch, options.names]);
  const b = new Builder(graph, new ConstantParameters(weights), "batch");
  const { normalise, onImage } = architectureOf(network);
  onImage(b, normalise(frames), text, used);
  for (const { name, mean, variance } of b.statistics) {
    graph.output(`${measured}${name}.mean`, mean);
    graph.output(`${measured}${name}.variance`, variance);
  }
  return writeOnnx(graph);
}

/** Averages statistics over batches: the variance of all frames together is the mean of squares less the square of the mean. */
export class StatisticsAverage {
  readonly #sums = new Map<string, { mean: Float64Array; square: Float64Array }>();
  #count = 0;

  add(answer: Readonly<Record<string, { readonly data: ArrayLike<number | bigint> }>>): void {
    this.#count++;
    for (const key of Object.keys(answer).filter((name) => name.endsWith(".mean"))) {
      const name = key.slice(measured.length, -".mean".length);
      const mean = answer[key].data;
      const variance = answer[`${measured}${name}.variance`].data;
      const sum = this.#sums.get(name) ?? { mean: new Float64Array(mean.length), square: new Float64Array(mean.length) };
      for (let i = 0; i < mean.length; i++) {
        const m = Number(mean[i]);
        sum.mean[i] += m;
        sum.square[i] += Number(variance[i]) + m * m;
      }
      this.#sums.set(name, sum);
    }
  }

  /**
   * Weights with these statistics in the place of theirs, or between these and those that are `kept`, theirs unless told otherwise: `share` 1 takes all that was measured, 0 none.
   */
  into(weights: Weights, share = 1, kept = weights): Weights {
    const mixed = new Map(weights);
    for (const [name, { mean, square }] of this.#sums) {
      const blend = (part: "mean" | "variance", measured: (i: number) => number): void => {
        const statistic = kept.get(`${name}.${part}`);
        if (!statistic) throw new Error(`${name}.${part} is not among the weights`);
        mixed.set(`${name}.${part}`, { ...statistic, data: statistic.data.map((old, i) => old + share * (measured(i) - old)) });
      };
      const average = (i: number): number => mean[i] / this.#count;
      blend("mean", average);
      blend("variance", (i) => Math.max(1e-6, square[i] / this.#count - average(i) ** 2));
    }
    return mixed;
  }
}
