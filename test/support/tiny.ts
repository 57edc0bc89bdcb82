import { smallNetwork } from "../../sdk/cli/bench/small-network.js";
import type { NetworkConfig } from "../../sdk/network/contract.js";
import { Random } from "../../sdk/random.js";
import type { Feeds } from "../../sdk/network/steps/step-graph.js";
import { sizeOf, type FloatTensor, type Tensor } from "../../sdk/graph/tensor.js";

/** The default network in everything but size: every part is there, a step takes milliseconds. */
export const tinyNetwork: NetworkConfig = { ...smallNetwork, width: 128 };

export const bytes = (shape: number[], value: (i: number) => number): Tensor<"uint8"> => ({
  dtype: "uint8",
  shape,
  data: Uint8Array.from({ length: sizeOf(shape) }, (_, i) => value(i)),
});

export const floats = (shape: number[], value: (i: number) => number): FloatTensor => ({
  dtype: "float32",
  shape,
  data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => value(i)),
});

/** Data inputs of `supervisedStep` for the tiny network: noise, stripes of labels, two boxes an image. */
export function tinyBatch(n: number, names: number, boxes: number, seed: number): Feeds {
  const random = new Random(seed, "tiny batch");
  const { width, height } = tinyNetwork;
  return {
    frames: bytes([n, height, width, 3], (i) => ((Math.floor(i / 3) % width) >> 4) * 30 + random.below(20)),
    labels: bytes([n, height / 4, width / 4], (i) => (i % (width / 4)) >> 2),
    text: floats([n, names + 2, 384], () => random.normal() * 0.05),
    used: floats([n, names], (i) => (i % names < 8 ? 1 : 0)),
    boxes: floats([n, boxes, 4], (i) => ((i >> 2) % boxes < 2 ? [10, 12, 42, 40][i % 4] + ((i >> 2) % boxes) * 50 : 0)),
    boxLabels: { dtype: "int64", shape: [n, boxes], data: BigInt64Array.from({ length: n * boxes }, (_, i) => (i % boxes < 2 ? BigInt(i % boxes) : -1n)) },
    hasMask: floats([n], () => 1),
    hasBoxes: floats([n], () => 1),
  };
}
