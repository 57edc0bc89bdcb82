import type { Recompute } from "../../autodiff/recompute.js";
import { NightshiftError } from "../../errors.js";
import { readSafetensors, writeSafetensors } from "../../graph/safetensors.js";
import { sizeOf, type FloatTensor, type Tensor, type Weights } from "../../graph/tensor.js";
import { patchSize, textWidth, type NetworkConfig } from "../../network/contract.js";
import { initialWeights, parameterSpecs } from "../../network/initial.js";
import { Random } from "../../random.js";
import { type LmcOptions, lmcStep } from "../../network/steps/lmc.js";
import { rankOf, type Trainable, trainsOf } from "../../network/trainable.js";
import type { Feeds, StepGraph } from "../../network/steps/step-graph.js";
import { supervisedStep } from "../../network/steps/supervised.js";

export type StepKind = "lmc" | "supervised";

/** One training step, exactly: what the processes that are compared are both given, as one file. */
export interface Problem {
  readonly step: StepKind;
  readonly trains: Trainable;
  readonly network: NetworkConfig;
  readonly weights: Weights;
  /** Data inputs of the step's graph. */
  readonly batch: Feeds;
  /** Scalar inputs that differ from the step's defaults. */
  readonly scalars: Readonly<Record<string, number>>;
}

/** As adaptation and training run: this many images of each side, the smallest vocabulary. */
const imagesOf: Readonly<Record<StepKind, number>> = { lmc: 2, supervised: 4 };
const names = 16;
const usedNames = 12;
const boxes = 32;
const maskRatio = 0.5;
/** Of the first four seeds' problems the one furthest from a kink, where rounding decides between two gradients: see DECISIONS.md. */
const defaultSeed = 3;

/** The step with weights of its own, on blocks of colour with noise, labelled, with boxes: fast to make, the same everywhere. */
export function stepProblem(
  step: StepKind,
  trains: Trainable,
  network: NetworkConfig,
  { seed = defaultSeed, weights = initialWeights(network, seed), scalars = {} }: { readonly seed?: number; readonly weights?: Weights; readonly scalars?: Problem["scalars"] } = {},
): Problem {
  const random = new Random(seed, "train step");
  const images = imagesOf[step];
  const source = sourceBatch(network, images, random);
  const batch = step === "lmc" ? { ...source, ...targetBatch(network, images, random) } : source;
  // From scratch everything learns.
  return { step, trains: step === "supervised" ? "all" : trains, network, weights, batch, scalars };
}

/** How the problem's step adapts. */
export function lmcOptions({ trains, network }: Problem): LmcOptions {
  const rank = rankOf(trains);
  return { sources: imagesOf.lmc, targets: imagesOf.lmc, names, boxes, views: true, maskRatio, trains: trainsOf(trains, network), rank };
}

/** The problem's step as a graph that ONNX Runtime runs. */
export function problemGraph(problem: Problem, recompute: Recompute = "none"): StepGraph {
  const { step, network, weights } = problem;
  return step === "lmc"
    ? lmcStep(network, weights, { ...lmcOptions(problem), recompute })
    : supervisedStep(network, weights, { batch: imagesOf.supervised, names, boxes, recompute });
}

/** The problem as a safetensors file: `weights/<name>`, `batch/<name>`, and a description in JSON that says all the rest. */
export function writeProblem(problem: Problem): Uint8Array {
  const { step, trains, network, weights, batch, scalars } = problem;
  const tensors = new Map<string, Tensor>();
  for (const [name, tensor] of weights) tensors.set(`weights/${name}`, tensor);
  for (const [name, tensor] of Object.entries(batch)) tensors.set(`batch/${name}`, tensor);
  const learning = parameterSpecs(network).filter((spec) => !spec.statistic && trainsOf(trains, network)(spec));
  const description = { step, kind: trains, trains: learning.map(({ name }) => name), network, maskRatio, scalars: { ...problemGraph(problem).scalars, ...scalars }, changed: scalars };
  return writeSafetensors(tensors, { description: JSON.stringify(description) });
}

/** Reads what `writeProblem` wrote. Throws `E_BUNDLE_FORMAT`. */
export function readProblem(bytes: Uint8Array): Problem {
  const { tensors, metadata } = readSafetensors(bytes);
  const { step, kind, network, changed } = JSON.parse(metadata["description"] ?? "{}") as { step: StepKind; kind: Trainable; network: NetworkConfig; changed: Problem["scalars"] };
  const weights = new Map<string, FloatTensor>();
  const batch: Record<string, Tensor> = {};
  for (const [name, tensor] of tensors) {
    const [role = "", ...rest] = name.split("/");
    const own = rest.join("/");
    if (role === "batch") batch[own] = tensor;
    else if (tensor.dtype === "float32") weights.set(own, { dtype: "float32", shape: tensor.shape, data: tensor.data as Float32Array });
    else throw new NightshiftError("E_BUNDLE_FORMAT", { expected: "float32 weights", received: `${name} in ${tensor.dtype}`, remedy: "Write the problem again." });
  }
  return { step, trains: kind, network, weights, batch, scalars: changed };
}

const uint8 = (shape: readonly number[], value: (at: number) => number): Tensor<"uint8"> => ({
  dtype: "uint8",
  shape,
  data: Uint8Array.from({ length: sizeOf(shape) }, (_, at) => value(at)),
});

const float = (shape: readonly number[], value: (at: number) => number): FloatTensor => ({
  dtype: "float32",
  shape,
  data: Float32Array.from({ length: sizeOf(shape) }, (_, at) => value(at)),
});

/** Which name is at a place: blocks of a quarter of the height, in the order of names. */
const nameAt = (x: number, y: number, { width, height }: NetworkConfig): number => (Math.floor((8 * x) / width) + 3 * Math.floor((4 * y) / height)) % usedNames;

function pictures(network: NetworkConfig, images: number, random: Random): Tensor<"uint8"> {
  const { width, height } = network;
  return uint8([images, height, width, 3], (at) => {
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width) % height];
    return ((nameAt(x, y, network) * (37 + 20 * (at % 3))) % 200) + random.below(56);
  });
}

const texts = (images: number, random: Random): FloatTensor => float([images, names + 2, textWidth], () => random.normal() / Math.sqrt(textWidth));
const used = (images: number): FloatTensor => float([images, names], (at) => (at % names < usedNames ? 1 : 0));

function sourceBatch(network: NetworkConfig, images: number, random: Random): Feeds {
  const { width, height } = network;
  const [w, h] = [width / 4, height / 4];
  const boxCount = 6;
  const boxNumbers = Array.from({ length: images * boxes }, (_, at): number[] => {
    if (at % boxes >= boxCount) return [0, 0, 0, 0];
    const [bw, bh] = [width * (0.05 + 0.3 * random.uniform()), height * (0.1 + 0.5 * random.uniform())];
    const [x, y] = [(width - bw) * random.uniform(), (height - bh) * random.uniform()];
    return [x, y, x + bw, y + bh];
  });
  return {
    frames: pictures(network, images, random),
    labels: uint8([images, h, w], (at) => (random.uniform() < 0.05 ? 255 : nameAt((at % w) * 4, (Math.floor(at / w) % h) * 4, network))),
    text: texts(images, random),
    used: used(images),
    boxes: { dtype: "float32", shape: [images, boxes, 4], data: Float32Array.from(boxNumbers.flat()) },
    boxLabels: { dtype: "int64", shape: [images, boxes], data: BigInt64Array.from({ length: images * boxes }, (_, at) => (at % boxes < boxCount ? BigInt(at % usedNames) : -1n)) },
    hasMask: float([images], () => 1),
    hasBoxes: float([images], () => 1),
  };
}

function targetBatch(network: NetworkConfig, images: number, random: Random): Feeds {
  return {
    targets: pictures(network, images, random),
    targetText: texts(images, random),
    targetUsed: used(images),
    noise: float([images, (network.width * network.height) / patchSize ** 2], () => random.gumbel()),
    views: pictures(network, images, random),
  };
}
