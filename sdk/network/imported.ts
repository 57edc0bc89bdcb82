import type { Graph, Node, Value } from "../graph/graph.js";
import { isOperator } from "../graph/graph.js";
import { add, argMax, cast, concat, div, gather, gatherElements, greater, indicator, less, logSoftmax, matMul, mul, reduceMax, reshape, resize, slice, sub, sum, transpose, where } from "../graph/ops.js";
import { readOnnx } from "../graph/onnx/read.js";
import { quantisers } from "../graph/quantisation.js";
import { int64 } from "../graph/tensor.js";
import type { Architecture } from "./architecture.js";
import { batchNorm, type Builder } from "./builder.js";
import { noName, patchSize, tasks } from "./contract.js";
import { normParametersOf } from "./imported-norms.js";
import { evenAttention, hideUnused } from "./language.js";
import type { NetworkValues } from "./network.js";
import { unnamed } from "./unnamed.js";

/** A model that was made elsewhere. `width` and `height` are what the rest of Nightshift sees of it. */
export interface ImportedNetwork {
  readonly kind: "imported";
  /** Pixels of frames as they are remembered, masked and answered: the model's input, rounded up to multiples of 32. */
  readonly width: number;
  readonly height: number;
  readonly input: {
    readonly name: string;
    readonly layout: "nchw" | "nhwc";
    readonly channels: "rgb" | "bgr";
    /** x = (byte * scale - mean) / std, by channel in the model's order. */
    readonly scale: number;
    readonly mean: readonly [number, number, number];
    readonly std: readonly [number, number, number];
    /** Height and width of what the model takes, pixels. */
    readonly size: readonly [number, number];
  };
  readonly output: ImportedMasks | ImportedBoxes;
  /** The model for one image as ONNX, its parameters being inputs. */
  readonly model: Uint8Array;
}

/** A model that names pixels. */
export interface ImportedMasks {
  /** Of the model's output: logits [1, C, h, w]. */
  readonly name: string;
  /** The channels that are classes, in the order of the bundle's vocabulary. */
  readonly channels: readonly number[];
  /** Of a model that is sure of every pixel, as it answers classes: the last channel, what is none of them. Its pixels have no name, nor have those of classes that no name means. */
  readonly none?: number;
}

/** A model that detects: its outputs are those of `unifiedBoxes`, classes in the order of the bundle's vocabulary. */
export interface ImportedBoxes {
  readonly kind: "boxes";
  readonly logits: string;
  readonly boxes: string;
}

/** Suffixes of the names of a normalisation's kept statistics, as everywhere in this folder. */
export const statisticSuffixes = { mean: ".mean", variance: ".variance" } as const;

/** The scale and the offset of each normalisation layer of an imported model. */
export function normParameters(network: ImportedNetwork): ReadonlySet<string> {
  const graph = graphOf(network);
  return normParametersOf(graph, new Set(graph.inputs.flatMap(({ name }) => (name === network.input.name ? [] : [name]))));
}

const read = new WeakMap<Uint8Array, Graph>();

function graphOf({ model }: ImportedNetwork): Graph {
  const known = read.get(model);
  if (known) return known;
  const graph = readOnnx(model);
  read.set(model, graph);
  return graph;
}

/** uint8 [N, H, W, 3] to float32 [N, 3, H, W], channels in the model's order. */
export function normalisedBytes({ channels, scale, mean: means, std }: ImportedNetwork["input"], frames: Value): Value {
  const { graph } = frames;
  const bytes = cast(frames, "float32");
  const ordered = channels === "rgb" ? bytes : gather(bytes, graph.constant(int64([3], [2, 1, 0])), 3);
  const perChannel = (values: readonly number[]): Value => graph.constant({ dtype: "float32", shape: [3], data: Float32Array.from(values) });
  return transpose(div(sub(mul(ordered, scale), perChannel(means)), perChannel(std)), [0, 3, 1, 2]);
}

/** Normalised images [N, 3, H, W] of the network's size as the model takes them: of its own size and layout. */
export function arrangedFor({ input, width, height }: Omit<ImportedNetwork, "model">, image: Value): Value {
  const [modelHeight, modelWidth] = input.size;
  const sized = modelHeight === height && modelWidth === width ? image : resize(image, [image.shape[0], 3, modelHeight, modelWidth], "linear");
  return input.layout === "nchw" ? sized : transpose(sized, [0, 2, 3, 1]);
}

/**
 * An imported model in the place of the network. Its classes have words as the network's have: row k of `text` says which class a name means, 1 at the class and 0
 * elsewhere. It answers masks only, or boxes only, has no attention of words to patches (masks are drawn at random), and its proposals cannot be aligned.
 */
export function imported(network: ImportedNetwork): Architecture {
  const { input, output, width, height } = network;
  return {
    normalise: (frames) => normalisedBytes(input, frames),
    onImage(b, image, text, used) {
      const { graph } = b;
      const [n] = image.shape;
      const arranged = arrangedFor(network, image);
      const images = Array.from({ length: n }, (_, at) => (n === 1 ? arranged : slice(arranged, 0, at, at + 1)));
      const answers = (names: readonly string[]): readonly Value[] => onImages(b, graphOf(network), input.name, names, images).map((each) => concat(each, 0));
      if ("kind" in output) {
        const [logits, boxes] = answers([output.logits, output.boxes]);
        return boxesOnly(network, { logits, boxes }, text, used);
      }
      const [answer] = answers([output.name]);
      const logits = gather(answer, graph.constant(int64([output.channels.length], output.channels)), 1);

      const [, classes, h, w] = logits.shape;
      const k = used.shape[1];
      const meaning = slice(slice(text, 1, tasks.length, k + tasks.length), 2, 0, classes);
      const named = (x: Value): Value => {
        const [, , rows, columns] = x.shape;
        const perName = matMul(meaning, reshape(logSoftmax(x, 1), [n, classes, rows * columns]));
        return add(reshape(perName, [n, k, rows, columns]), reshape(hideUnused(used), [n, k, 1, 1]));
      };
      const at = (stride: number, x = logits): Value =>
        h * stride === height && w * stride === width ? x : resize(x, [n, x.shape[1], height / stride, width / stride], "linear");
      const fine = h * 2 > height ? 1 : 2;
      return {
        maskLogits: named(at(4)),
        ...(output.none !== undefined ? { fineMask: namesOfSureClasses(at(fine, answer), meaning, used) } : h * 4 > height && { fineMask: namesOfClasses(at(fine), meaning, used) }),
        attention: evenAttention(graph, n, (height * width) / patchSize ** 2),
      };
    },
  };
}

/** Boxes under the names that their classes go by. Of pixels nothing is known: every name is as likely as the others, and none is given. */
function boxesOnly(network: ImportedNetwork, { logits, boxes }: { readonly logits: Value; readonly boxes: Value }, text: Value, used: Value): NetworkValues {
  const { graph } = logits;
  const { height, width } = network;
  const [n, k] = used.shape;
  const classes = logits.shape[2];
  const meaning = slice(slice(text, 1, tasks.length, k + tasks.length), 2, 0, classes);
  // More than one class is none.
  const means = reshape(indicator(less(sum(meaning, [2]), 1.5)), [n, k]);
  const named = matMul(logits, transpose(meaning, [0, 2, 1]));
  return {
    ...unnamed(used, network),
    attention: evenAttention(graph, n, (height * width) / patchSize ** 2),
    detection: {
      regionLogits: add(named, reshape(hideUnused(mul(used, means)), [n, 1, k])),
      regionBoxes: mul(boxes, graph.constant({ dtype: "float32", shape: [4], data: Float32Array.of(width, height, width, height) })),
    },
  };
}

/**
 * Which name each pixel's class goes by, where an argmax over names would need logits of each name for each pixel: the argmax over the classes that a name means, then a table.
 *
 * @param logits [N, C, h, w]
 * @param meaning [N, K, C]
 * @returns int64 [N, 1, h, w]
 */
function namesOfClasses(logits: Value, meaning: Value, used: Value): Value {
  const [n, classes] = logits.shape;
  const meant = meantBy(meaning, used);
  const isNamed = reduceMax(meant, [1]);
  return looked(argMax(meant, 1), argMax(add(logits, reshape(hideUnused(isNamed), [n, classes, 1, 1])), 1));
}

/**
 * The same of a model that is sure of every pixel: one of a class that no name means, or of none, has no name.
 *
 * @param logits [N, C + 1, h, w], the last of what is no class
 */
function namesOfSureClasses(logits: Value, meaning: Value, used: Value): Value {
  const { graph, shape: [n] } = logits;
  const meant = meantBy(meaning, used);
  const none = graph.constant(int64([n, 1], Array.from({ length: n }, () => noName)));
  return looked(concat([where(greater(reduceMax(meant, [1]), 0.5), argMax(meant, 1), none), none], 1), argMax(logits, 1));
}

/** 1 where a name that is used means a class: [N, K, C]. A row of more than one class means none. */
const meantBy = (meaning: Value, used: Value): Value => mul(mul(meaning, indicator(less(sum(meaning, [2], true), 1.5))), reshape(used, [...used.shape, 1]));

/** What a table [N, C] says of each pixel's class [N, h, w]: [N, 1, h, w]. */
function looked(table: Value, classes: Value): Value {
  const [n, h, w] = classes.shape;
  return reshape(gatherElements(table, reshape(classes, [n, h * w]), 1), [n, 1, h, w]);
}

/**
 * Applies a model that takes one image to several, which share its parameters; in `batch` form normalisation sees all of them at once. Answers with each of the named outputs for
 * every image.
 */
function onImages(b: Builder, model: Graph, input: string, outputs: readonly string[], images: readonly Value[]): readonly (readonly Value[])[] {
  const statistics = new Set(
    model.nodes.flatMap((node) => (isOperator(node, "BatchNormalization") ? node.inputs.slice(3) : [])),
  );
  /** What each value of the model has become: one for all images, or one an image. */
  const made = new Map<Value, readonly Value[]>();
  for (const value of model.inputs)
    made.set(value, value.name === input ? images : [b.parameter(value.name, value.shape, { fill: 0 }, statistics.has(value))]);
  for (const [value, tensor] of model.constants) made.set(value, [b.graph.constant(tensor)]);
  for (const node of model.nodes) {
    const inputs = node.inputs.map((value) => {
      const own = weightsOfIntegers(b.graph, model, value);
      return own ? [own] : (made.get(value) ?? []);
    });
    const lanes = Math.max(...inputs.map((each) => each.length));
    const ofLane = (lane: number): Value[] => inputs.map((each) => each[each.length === 1 ? 0 : lane]);
    const answers = isOperator(node, "BatchNormalization") && b.normalisation === "batch" && lanes === images.length
      ? normalised(b, node, inputs)
      : Array.from({ length: lanes }, (_, lane) => b.graph.node(node.operator, ofLane(lane), node.attributes));
    node.outputs.forEach((value, at) => made.set(value, answers.map((each) => each[at])));
  }
  return outputs.map((output) => {
    const answered = model.outputs.find(({ name }) => name === output);
    return (answered && made.get(answered.value)) ?? [];
  });
}

/**
 * A value that DequantizeLinear makes of constants, made again for each node that uses it. ONNX Runtime, told to multiply exactly, replaces signed weights and zero points by unsigned ones under names that it derives from
 * theirs, and so refuses a model in which several layers share them. Undefined for other values.
 */
function weightsOfIntegers(graph: Graph, model: Graph, value: Value): Value | undefined {
  const node = model.producer(value);
  if (!node || !quantisers.has(node.operator)) return undefined;
  const inputs: Value[] = [];
  for (const input of node.inputs) {
    const tensor = model.constants.get(input);
    const made = tensor ? graph.constant(tensor) : weightsOfIntegers(graph, model, input);
    if (!made) return undefined;
    inputs.push(made);
  }
  return graph.node(node.operator, inputs, node.attributes)[0];
}

/** Batch normalisation over all images, whose statistics are told to the builder. */
function normalised(b: Builder, { attributes: { epsilon }, inputs: values }: Node<"BatchNormalization">, [xs, [scale], [bias]]: readonly (readonly Value[])[]): Value[][] {
  const normal = batchNorm(xs, scale, bias, epsilon);
  const { name } = values[3];
  if (name.endsWith(statisticSuffixes.mean)) b.statistics.push({ name: name.slice(0, -statisticSuffixes.mean.length), ...normal.statistics });
  return normal.values.map((value) => [value]);
}
