import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { folderDataset } from "../../adapters/datasets/folder.js";
import type { LabelledSet } from "../adaptation/trainer/index.js";
import { trainability } from "../autodiff/trainability.js";
import { sha256Of } from "../bundle/files.js";
import { asStored, type Description, type Exemplar, vocabularyOf, writeBundle } from "../bundle/index.js";
import { vocabularyFeeds } from "../engine/feeds.js";
import { makeGolden, testCard } from "../engine/golden.js";
import { OnnxSession, type Tensors } from "../engine/onnxruntime.js";
import { runModel } from "../engine/run.js";
import { floatOf, halfOf } from "../graph/float16.js";
import { Graph, isOperator, type Node, type Value } from "../graph/graph.js";
import { readOnnx } from "../graph/onnx/read.js";
import { live, writeOnnx } from "../graph/onnx/write.js";
import { mean, mul, resize, sumSquare, transpose } from "../graph/ops.js";
import { dequantisedConstants } from "../graph/quantisation.js";
import { rewritten } from "../graph/rewrite.js";
import { float32, type FloatTensor, type Shape, type Tensor, type Weights } from "../graph/tensor.js";
import { inputNames, outputNames, paddedVocabularySize, tasks, textWidth } from "../network/contract.js";
import { arrangedFor, type ImportedMasks, type ImportedNetwork, normalisedBytes, statisticSuffixes } from "../network/imported.js";
import { inferenceModel } from "../network/inference.js";
import { miniLmFolder } from "../network/text/files.js";
import { rowOfClass } from "../network/text/nearest-class.js";
import { isTrainableNetwork } from "../network/trainable.js";
import { asExemplars } from "./exemplars.js";
import { type BoxesFound, channelAxisOf, channelsOf, type MeantBox, meantBoxes, outputOf, squashedBy, unfit, withLogits, withLogs, withUnifiedBoxes } from "./import-outputs.js";
import type { ImportSpec } from "./import-spec.js";
import { openModelFile } from "./model-file.js";

export interface ImportOptions {
  /** An ONNX file; tensors that it keeps outside are looked for beside it. */
  readonly model: string;
  readonly spec: ImportSpec;
  /** Where the bundle goes; nothing is there yet. */
  readonly out: string;
  /** Labelled frames for replay, golden outputs and the judge's bounds. Without them the bundle is served, but learns only where they are given then. */
  readonly exemplars?: string;
  /** Extents of dynamic axes by their names, where the specification does not give them. */
  readonly pins?: Readonly<Record<string, number>>;
  /** Puts a normalisation layer behind each convolution that has none. Needs exemplars. */
  readonly insertNorm?: boolean;
}

export interface ImportedModel {
  readonly task: ImportSpec["task"];
  readonly bundle: string;
  readonly parameters: { readonly tensors: number; readonly count: number };
  /** What stays as it is, and why. */
  readonly fixed: readonly { readonly name: string; readonly count: number; readonly why: string }[];
  /** Normalisation layers whose statistics can be estimated anew. */
  readonly normalisations: number;
  /**
   * Percent of pixels that the bundle, its weights halved in precision, names as the model itself does, over exemplars or a test card; of a detection model percent of the bundle's surest boxes
   * that the model has too.
   */
  readonly agreement: number;
  /** Whether it can be adapted; else it streams and is evaluated as it is. */
  readonly learns: boolean;
  /** What is to be known of how it was read, and of why it does not learn. */
  readonly notes: readonly string[];
  /** Frames that this was measured on. */
  readonly frames: number;
}

/** Frames on which the bundle is compared with the model itself. */
const comparedFrames = 4;

/**
 * Makes a bundle of a model that was made elsewhere. Throws `E_GRAPH_*` where it cannot be read, `E_CONFIG` where the specification does not fit it, `E_WEIGHTS_NOT_FINITE`
 * for weights beyond float16, and as datasets and bundles do.
 */
export async function importModel({ model: path, spec, out, exemplars, pins, insertNorm = false }: ImportOptions): Promise<ImportedModel> {
  const file = await openModelFile(path);
  const { name } = spec.input;
  const shapeOf = (input: string): Shape | undefined => (name === undefined || name === input ? inputShape(spec) : undefined);
  const halves = new Set<string>();
  const read = (): Graph => file.read({ ...(pins && { pins }), shapeOf, onHalf: (name) => halves.add(name) });
  const open = (): Graph => inFloats(read());
  const raw = read();
  const found = fitted(inFloats(raw), spec);
  const { boxes } = found;
  const stated = {
    kind: "imported",
    width: multipleOf32(spec.input.size[1]),
    height: multipleOf32(spec.input.size[0]),
    input: { ...spec.input, name: found.input.name },
    output: boxes ? { kind: "boxes" as const, logits: logitsName, boxes: boxesName } : { name: logitsName, ...masksOf(spec) },
  } as const;
  if (insertNorm && spec.output.kind !== "logits") unfit("logits of a segmentation model, through which layers that are put in are taught", spec.output.kind, "Leave --insert-norm out.");
  const labelled = exemplars === undefined ? undefined : await asExemplars(await folderDataset(exemplars), boxes ? "boxes" : "mask");
  const frames = labelled ? labelled.samples.slice(0, comparedFrames).map(frameOf) : [testCard()];
  const source = insertNorm ? await normalising(found, labelled, (sample) => preparedFor(stated, frameOf(sample))) : open;
  const fits = insertNorm ? fitted(source(), spec) : found;
  const taken = spec.output.kind !== "classes" ? parametersOf(fits, fitted(source(), spec).graph) : nothing;
  const network: ImportedNetwork = { ...stated, model: writeOnnx(withParameters(fits, taken.names)) };
  const learns = isTrainableNetwork(network);
  const { classes: names } = spec.output;
  const embeddings = { tasks: { dtype: "float32", shape: [tasks.length, textWidth], data: new Float32Array(tasks.length * textWidth) }, names: new Map(names.map((name, at) => [name, rowOfClass(at, names.length, textWidth)])), prompts: new Map() } as const;
  const vocabulary = vocabularyOf(embeddings, names);
  const padded = paddedVocabularySize(names.length);
  let agreement = 0;
  for (const frame of frames) {
    const [, frameHeight, frameWidth] = frame.shape;
    const ours = await runModel(inferenceModel(network, asStored(taken.weights), { frameWidth, frameHeight, names: padded }), { [inputNames.frame]: frame, ...vocabularyFeeds(vocabulary, textWidth) });
    const theirs = await answersOf(path, stated.input.name, await preparedFor(network, frame), halves);
    requireNumbers(boxes?.outputs.map(({ name }) => name) ?? [found.answered], theirs);
    const agreed = boxes ? boxAgreement(meantBoxes(boxes, spec, boxes.outputs.map(({ name }) => theirs[name])), ours, network) : agreementOf(answerOf(theirs[found.answered], spec, found.channelAxis), ours[outputNames.mask], network);
    agreement += agreed / frames.length;
  }
  const [first = testCard()] = frames;
  const encoder = await readFile(join(miniLmFolder(), "minilm.safetensors"));
  const origin = basename(path);
  await writeBundle(out, {
    description: {
      name: origin.replace(/\.onnx$/, "").replaceAll(/[^A-Za-z0-9._-]/g, "-").replace(/^[^A-Za-z0-9]+/, "") || "imported",
      generation: 0,
      createdAt: new Date().toISOString(),
      parent: null,
      network: withoutModel(network),
      vocabulary: names,
      training: {
        statement: `Imported from ${origin}; its terms are those of whoever made it.`,
        data: labelled && learns ? [{ name: `exemplars: ${labelled.name}`, terms: "as their owner says" }] : [],
      },
      textEncoder: { id: "nearest class by all-MiniLM-L6-v2 int8", sha256: sha256Of(encoder) },
      condition: "clear",
      metrics: {},
    },
    model: network.model,
    weights: taken.weights,
    embeddings,
    golden: await makeGolden(network, taken.weights, vocabulary, first),
    notice: `Imported from ${origin} (SHA-256 ${sha256Of(file.bytes)}). Its terms are those of whoever made it.\n`,
    ...(labelled && learns && { exemplars: { ...labelled, samples: labelled.samples.map((sample, at) => ({ ...sample, id: String(at).padStart(4, "0") })) } }),
  });
  return {
    task: spec.task,
    bundle: resolve(out),
    parameters: { tensors: taken.weights.size, count: [...taken.weights.values()].reduce((sum, { data }) => sum + data.length, 0) },
    fixed: taken.fixed,
    normalisations: taken.normalisations,
    agreement,
    learns,
    notes: notesOf(raw, halves.size > 0, learns),
    frames: frames.length,
  };
}

/** What the imported graph calls its outputs. */
const [logitsName, boxesName] = ["logits", "boxes"];

/** Frames that the statistics of layers that are put in come from. */
const measuredFrames = 16;

/** Makes the model with normalisation layers put in, anew at each call. */
async function normalising(found: Fitted, labelled: LabelledSet | undefined, prepared: (sample: Exemplar) => Promise<Tensor>): Promise<() => Graph> {
  if (!labelled) unfit("exemplars, for the statistics of the layers that are put in", "none", "Give labelled frames with --exemplars.");
  const images = [];
  for (const sample of labelled.samples.slice(0, measuredFrames)) images.push(await prepared(sample));
  const bytes = writeOnnx(await withNormalisation(found, images));
  return () => readOnnx(bytes);
}

/** The channels of what the imported graph answers: those of the model, or as `withLogits` makes them. */
function masksOf(spec: ImportSpec): Omit<ImportedMasks, "name"> {
  const { classes } = channelsOf(spec);
  return spec.output.kind === "classes" ? { channels: [...classes.keys()], none: classes.length } : { channels: classes };
}

/** The model with floats, which can be learnt, in the place of weights that are kept as integers, where nothing else is. */
function inFloats(graph: Graph): Graph {
  if (computesInIntegers(graph)) return graph;
  const constants = dequantisedConstants(graph);
  return constants.size > 0 ? rewritten(graph, { constants }) : graph;
}

const computesInIntegers = (graph: Graph): boolean => live(graph).nodes.some(({ operator }) => operator === "QuantizeLinear");

function notesOf(graph: Graph, hadHalves: boolean, learns: boolean): string[] {
  const notes = [];
  if (hadHalves) notes.push("float16 is read as float32: the same weights, whose results are rounded no longer");
  if (computesInIntegers(graph)) notes.push(`computes in integers, through which nothing is learnt${learns ? ": what stands before them stays" : ""}; import the float model that it was made of, and make that int8 by nightshift calibrate`);
  else if (graph.nodes.some(({ operator }) => operator === "DequantizeLinear")) notes.push("weights that are kept as integers are read as the floats that they stand for");
  return notes;
}

const multipleOf32 = (extent: number): number => Math.ceil(extent / 32) * 32;

const frameOf = ({ width, height, rgb }: Exemplar): Tensor<"uint8"> => ({ dtype: "uint8", shape: [1, height, width, 3], data: rgb });

function withoutModel({ model: _, ...stated }: ImportedNetwork): Description["network"] {
  return stated;
}

/** Of one image as the model takes it. */
const inputShape = ({ input: { layout, size } }: ImportSpec): Shape => (layout === "nchw" ? [1, 3, ...size] : [1, ...size, 3]);

interface Fitted {
  readonly graph: Graph;
  /** The constants that the model had itself. */
  readonly own: ReadonlySet<Value>;
  readonly input: Value;
  /** Logits [1, C, h, w], or [1, h, w, C]; or logits and boxes, as `unifiedBoxes` makes them. */
  readonly outputs: readonly [Value, ...Value[]];
  /** Of logits. */
  readonly channelAxis?: 1 | 3;
  /** What the model calls the output that is compared with the bundle's. */
  readonly answered: string;
  readonly boxes?: BoxesFound;
}

/** The input and the outputs that the specification means, once they are what it says. */
function fitted(graph: Graph, spec: ImportSpec): Fitted {
  const { input, output } = spec;
  const own = new Set(graph.constants.keys());
  const inputNamesOf = graph.inputs.map(({ name }) => name).join(", ");
  const frame = input.name === undefined && graph.inputs.length === 1 ? graph.inputs[0] : graph.inputs.find(({ name }) => name === input.name);
  if (!frame || graph.inputs.length !== 1) unfit(`one input${input.name === undefined ? "" : ` named ${input.name}`}`, inputNamesOf, "Name the model's input in the specification; models of several inputs are not supported.");
  const wanted = inputShape(spec);
  if (frame.dtype !== "float32" || frame.shape.join() !== wanted.join())
    unfit(`an input float32 [${wanted.join(", ")}], as the specification says`, String(frame), frame.dtype === "float32" ? "Mend size or layout, or pin the model's dynamic axes with --pin." : "Export the model with an input of float32; scale, mean and std are applied before it.");
  const { count: stated, classes } = channelsOf(spec);
  if (output.ignoreChannels.some((at) => at >= stated) || classes.length !== output.classes.length)
    unfit(`${output.ignoreChannels.length} different ignored channels of ${stated}`, output.ignoreChannels.join(", "), "Count channels from 0, each once.");
  if (output.kind === "boxes") {
    const boxes = withUnifiedBoxes(graph, spec);
    const [logits, places] = graph.outputs;
    return { graph, own, input: frame, outputs: [logits.value, places.value], answered: boxes.outputs[0].name, boxes };
  }
  if (classes.length < 2)
    unfit("two classes or more, of which each pixel is one", output.classes.join(", "), "Give what is none of the classes a channel and a name too, such as background; a single channel of yes or no is exported as two.");
  const { name: answered, value: said } = output.kind === "classes" ? withLogits(graph, spec) : outputOf(graph, output.name, "logits");
  const value = output.kind === "classes" ? graph.outputs[0].value : said;
  const axis = channelAxisOf(value, spec, output.kind === "classes" ? classes.length + 1 : stated);
  if (value.dtype !== "float32" || axis === undefined)
    unfit(
      `logits float32 [1, ${stated}, h, w] or [1, h, w, ${stated}], of ${output.classes.length} classes and ${output.ignoreChannels.length} ignored channels`,
      `${value}`,
      "Give a name for each channel that is a class, in their order, and list the others as ignoreChannels.",
    );
  const by = squashedBy(value, axis);
  return { graph, own, input: frame, outputs: [by ? withLogs(graph, value, by) : value], answered, channelAxis: axis };
}

interface TakenParameters {
  /** Of the constants that become parameters, by what they are called then. */
  readonly names: ReadonlyMap<Value, string>;
  readonly weights: Weights;
  readonly fixed: ImportedModel["fixed"];
  readonly normalisations: number;
}

/** Of a model that cannot be taught: all stays as it is. */
const nothing: TakenParameters = { names: new Map(), weights: new Map(), fixed: [], normalisations: 0 };

/** Parameters are the float constants of the model that its outputs can teach, and the statistics of normalisation layers. `twin` is read anew, as asking adds nodes. */
function parametersOf({ graph, own, outputs }: Fitted, twin: Graph): TakenParameters {
  const { used, nodes } = live(graph);
  const taught = new Set(outputs.map(({ name }) => name));
  twin.outputs.splice(0, twin.outputs.length, ...twin.outputs.filter(({ value }) => taught.has(value.name)));
  const teachable = new Map([...trainability(twin)].map(([{ name }, can]) => [name, can]));
  const names = new Map<Value, string>();
  const taken = new Set([...graph.inputs, ...graph.constants.keys()].map(({ name }) => name));
  let normalisations = 0;
  for (const node of graph.nodes) {
    if (!isOperator(node, "BatchNormalization") || !node.outputs.some((value) => used.has(value))) continue;
    const [, , , mean, variance] = node.inputs;
    if (!graph.constants.has(mean) || !graph.constants.has(variance) || names.has(mean) || names.has(variance)) continue;
    const plain = mean.name.replace(/[._]?(running|moving)?[._]?mean$/i, "");
    const stem = [plain, node.outputs[0].name].find((name) => name !== "" && !Object.values(statisticSuffixes).some((suffix) => taken.has(name + suffix)));
    if (stem === undefined) continue;
    names.set(mean, stem + statisticSuffixes.mean).set(variance, stem + statisticSuffixes.variance);
    taken.add(stem + statisticSuffixes.mean).add(stem + statisticSuffixes.variance);
    normalisations++;
  }
  const fixed: ImportedModel["fixed"][number][] = [];
  const quantisers = nodes.filter(({ operator }) => operator === "QuantizeLinear" || operator === "DequantizeLinear");
  const scales = new Set(quantisers.map(({ inputs }) => inputs[1]));
  const integers = new Set(quantisers.flatMap(({ operator, inputs }) => (operator === "DequantizeLinear" ? inputs.slice(0, 1) : [])));
  for (const [value, tensor] of graph.constants) {
    if (integers.has(value)) fixed.push({ name: value.name, count: value.size, why: `is kept in ${value.dtype}` });
    // Single numbers are an exporter's way of writing arithmetic, such as an epsilon.
    if (tensor.dtype !== "float32" || value.size === 1 || !used.has(value) || names.has(value) || scales.has(value) || !own.has(value)) continue;
    const can = teachable.get(value.name) ?? "zero";
    if (can === "yes") names.set(value, parameterName(value.name));
    else fixed.push({ name: value.name, count: value.size, why: can === "zero" ? "nothing that it does reaches the output with a slope" : can.blockedBy });
  }
  // Statistics alone are no more than constants.
  if (names.size === 2 * normalisations) return { ...nothing, fixed };
  const weights = new Map([...names].map(([value, name]) => [name, graph.constants.get(value) as FloatTensor]));
  return { names, weights, fixed, normalisations };
}

/** Graphs call values `constant_4` that nobody names: a parameter that is called so would meet another of its name. */
const parameterName = (name: string): string => (/^\w+_\d+$/.test(name) ? `model.${name}` : name);

/** The model with its parameters as inputs, and an output [1, C, h, w], or those of `unifiedBoxes`. */
function withParameters({ graph: model, input, outputs, channelAxis }: Fitted, names: ReadonlyMap<Value, string>): Graph {
  const graph = new Graph(model.name);
  const made = new Map<Value, Value>([[input, graph.input(input.name, input.dtype, input.shape)]]);
  for (const [value, name] of names) made.set(value, graph.input(name, value.dtype, value.shape));
  const [answer, boxes] = rebuild(model, graph, made, outputs);
  graph.output(logitsName, channelAxis === 3 ? transpose(answer, [0, 3, 1, 2]) : answer);
  if (boxes) graph.output(boxesName, boxes);
  return graph;
}

/** Puts a model's nodes into a graph, in which `made` stands for some of its values, and answers with what `wanted` became. `after` may put something behind a node's output. */
function rebuild(model: Graph, graph: Graph, made: Map<Value, Value>, wanted: readonly Value[], after: (node: Node, y: Value) => Value = (_, y) => y): Value[] {
  const moved = (value: Value): Value => {
    const known = made.get(value);
    const tensor = model.constants.get(value);
    const found = known ?? (tensor && graph.constant(tensor, value.name));
    if (!found) throw new Error(`${value} is used before it is computed`);
    made.set(value, found);
    return found;
  };
  for (const node of model.nodes)
    graph.node(node.operator, node.inputs.map(moved), node.attributes).forEach((value, at) => made.set(node.outputs[at], at === 0 ? after(node, value) : value));
  return wanted.map(moved);
}

/** The epsilon of normalisation layers that are put in. */
const epsilon = 1e-5;

/**
 * The model with a normalisation layer behind each convolution that has none, for models whose layers were folded into the convolutions before. Its statistics are those of the frames, its scale and offset
 * undo them: the model answers what it answered, and can be taught by these alone.
 */
async function withNormalisation({ graph: model, input, outputs: [output], answered }: Fitted, images: readonly Tensor[]): Promise<Graph> {
  const { used } = live(model);
  const followed = new Set(model.nodes.flatMap((node) => (isOperator(node, "BatchNormalization") ? [node.inputs[0]] : [])));
  const bare = model.nodes.filter((node) => isOperator(node, "Conv") && used.has(node.outputs[0]) && !followed.has(node.outputs[0]));
  const measuring = new Graph("statistics");
  const behind = rebuild(model, measuring, new Map([[input, measuring.input(input.name, input.dtype, input.shape)]]), bare.map(({ outputs }) => outputs[0]));
  behind.forEach((y, at) => {
    measuring.output(`mean${at}`, mean(y, [0, 2, 3]));
    measuring.output(`square${at}`, mul(sumSquare(y, [0, 2, 3]), y.shape[1] / y.size));
  });
  const session = await OnnxSession.create(writeOnnx(measuring));
  const sums = bare.map(({ outputs: [y] }) => ({ mean: new Float64Array(y.shape[1]), square: new Float64Array(y.shape[1]) }));
  try {
    for (const image of images) {
      const answers = await session.run({ [input.name]: image });
      sums.forEach((sum, at) => {
        for (const part of ["mean", "square"] as const) sum[part].forEach((value, channel) => (sum[part][channel] = value + Number(answers[`${part}${at}`].data[channel]) / images.length));
      });
    }
  } finally {
    await session.close();
  }
  const graph = new Graph(model.name);
  const stems = new Set<string>();
  const layers = new Map(bare.map((node, at) => [node, sums[at]]));
  const [answer] = rebuild(model, graph, new Map([[input, graph.input(input.name, input.dtype, input.shape)]]), [output], (node, y) => {
    const sum = layers.get(node);
    if (!sum) return y;
    const variance = sum.mean.map((m, channel) => Math.max(0, sum.square[channel] - m * m));
    // A kernel may serve several convolutions, each with statistics of its own.
    const stem = [`${node.inputs[1].name}.norm`, `${node.outputs[0].name}.norm`].find((name) => !stems.has(name)) ?? `norm${stems.size}`;
    stems.add(stem);
    const constant = (name: string, values: Float64Array): Value => graph.constant(float32([values.length], values), `${stem}.${name}`);
    const parameters = [constant("scale", variance.map((v) => Math.sqrt(v + epsilon))), constant("bias", sum.mean), constant("running_mean", sum.mean), constant("running_var", variance)];
    return graph.node("BatchNormalization", [y, ...parameters], { epsilon })[0];
  });
  graph.output(answered, answer);
  return graph;
}

/** A frame as the model takes it. */
async function preparedFor(network: Omit<ImportedNetwork, "model">, frame: Tensor<"uint8">): Promise<Tensor> {
  const { width, height, input } = network;
  const graph = new Graph("preparation");
  const seen = graph.input("frame", "uint8", frame.shape);
  const image = normalisedBytes(input, frame.shape[1] === height && frame.shape[2] === width ? seen : resize(seen, [1, height, width, 3], "linear", true));
  graph.output("image", arrangedFor(network, image));
  return (await runModel(writeOnnx(graph), { frame })).image;
}

/** What the model itself answers, as ONNX Runtime runs it unless told otherwise, in float32 where that is float16. */
async function answersOf(path: string, input: string, image: Tensor, halves: ReadonlySet<string>): Promise<Tensors> {
  const given = halves.has(input) ? halfOf(image) : image;
  const answers = await runModel(path, { [input]: given }, { saturating: true });
  return Object.fromEntries(Object.entries(answers).map(([output, tensor]) => [output, tensor.dtype === "float16" ? floatOf(tensor) : tensor]));
}

/** Throws `E_CONFIG` where the model answers what is no number: no class is the most likely then, though one would be named. */
function requireNumbers(outputs: readonly string[], answers: Tensors): void {
  for (const output of outputs) {
    const values = Array.from<number | bigint, number>(answers[output].data, Number);
    const strange = values.filter(Number.isNaN).length;
    if (strange > 0) unfit("a model that answers numbers", `${output}, of which ${strange} of ${values.length} are NaN`, "Compare scale, mean and std with what the model was trained on, and run the model by itself on an image.");
  }
}

/** Which of its classes the model says that each of its cells is; 255 for a channel that is no class. */
function answerOf(answer: Tensor, spec: ImportSpec, axis: Fitted["channelAxis"]): { rows: number; columns: number; mask: Uint8Array } {
  const { classes } = channelsOf(spec);
  if (spec.output.kind === "classes") {
    const [rows, columns] = answer.shape.filter((n, axis) => n !== 1 || axis >= answer.shape.length - 2).slice(-2);
    return { rows, columns, mask: Uint8Array.from(Array.from<number | bigint, number>(answer.data, (value) => classes.indexOf(Number(value)))) };
  }
  const logits = answer.data as Float32Array;
  const [rows, columns, cell, step] = axis === 1 ? [answer.shape[2], answer.shape[3], 1, answer.shape[2] * answer.shape[3]] : [answer.shape[1], answer.shape[2], answer.shape[3], 1];
  const mask = new Uint8Array(rows * columns);
  for (let at = 0; at < mask.length; at++) {
    let best = 0;
    classes.forEach((channel, index) => {
      if (logits[at * cell + channel * step] > logits[at * cell + classes[best] * step]) best = index;
    });
    mask[at] = best;
  }
  return { rows, columns, mask };
}

/** Percent of the model's cells whose middle has the same class in the bundle's mask. */
function agreementOf({ rows, columns, mask }: ReturnType<typeof answerOf>, ours: Tensor, { width, height }: ImportedNetwork): number {
  let same = 0;
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      const at = Math.floor(((y + 0.5) * height) / rows) * width + Math.floor(((x + 0.5) * width) / columns);
      same += Number(ours.data[at] === mask[y * columns + x]);
    }
  return (100 * same) / mask.length;
}

/** The surest boxes are compared, so many of them, if they stay at all. */
const comparedBoxes = 20;
const leastScore = 1e-3;

/** Percent of the bundle's surest boxes that are among the model's own: of the same class, nearly the same score, at the same place. */
function boxAgreement(theirs: readonly MeantBox[], ours: Tensors, { width, height }: ImportedNetwork): number {
  const [scores, labels, corners] = [outputNames.boxScore, outputNames.boxLabel, outputNames.boxes].map((name) => Array.from<number | bigint, number>(ours[name].data, Number));
  const surest = scores.map((_, at) => at).filter((at) => scores[at] >= leastScore).sort((a, b) => scores[b] - scores[a]).slice(0, comparedBoxes);
  const isSame = (at: number, box: MeantBox): boolean =>
    box.label === labels[at] &&
    Math.abs(box.score - scores[at]) < 0.01 &&
    // The bundle's boxes do not go far beyond the border.
    box.corners.every((corner, i) => Math.abs(Math.min(Math.max(width, height), Math.max(0, corner * (i % 2 ? height : width))) - corners[at * 4 + i]) < 1);
  if (surest.length === 0) return theirs.some(({ score }) => score >= 2 * leastScore) ? 0 : 100;
  return (100 * surest.filter((at) => theirs.some((box) => isSame(at, box))).length) / surest.length;
}
