import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { folderDataset } from "../../adapters/datasets/folder.js";
import { sha256Of } from "../bundle/files.js";
import { asStored, type Description, type Embeddings, type Exemplar, vocabularyOf, writeBundle } from "../bundle/index.js";
import { makeGolden, testCard } from "../engine/golden.js";
import { type Graph, isOperator, type Value } from "../graph/graph.js";
import { live } from "../graph/live.js";
import { writeOnnx } from "../graph/onnx/write.js";
import { dequantisedConstants } from "../graph/quantisation.js";
import { rewritten } from "../graph/rewrite.js";
import { float32, type Shape, type Tensor } from "../graph/tensor.js";
import { tasks, textWidth } from "../network/contract.js";
import type { ImportedMasks, ImportedNetwork } from "../network/imported.js";
import { miniLmFolder, weightsFile } from "../network/text/files.js";
import { rowOfClass } from "../network/text/nearest-class.js";
import { isTrainableNetwork } from "../network/trainable.js";
import { asExemplars } from "./exemplars.js";
import { agreementWith, preparedFor } from "./import-agreement.js";
import { fitted, inputShape } from "./import-fit.js";
import { channelsOf, unfit } from "./import-outputs.js";
import { boxesName, type FixedParameter, logitsName, nothing, parametersOf, withParameters } from "./import-parameters.js";
import type { ImportSpec } from "./import-spec.js";
import { normalising } from "./insert-normalisation.js";
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
  readonly fixed: readonly FixedParameter[];
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
  const [halves, madeByReading] = [new Set<string>(), new Set<string>()];
  const read = (): Graph => file.read({ pins, shapeOf, onHalf: (name) => halves.add(name), onMade: (name) => madeByReading.add(name) });
  const raw = read();
  const found = fitted(prepared(raw), spec, madeByReading);
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
  const source = insertNorm ? await normalising(found, labelled, (sample) => preparedFor(stated, frameOf(sample))) : () => prepared(read());
  const fits = insertNorm ? fitted(source(), spec, madeByReading) : found;
  const taken = spec.output.kind !== "classes" ? parametersOf(fits, fitted(source(), spec, madeByReading).graph) : nothing;
  const network: ImportedNetwork = { ...stated, model: writeOnnx(withParameters(fits, taken.names)) };
  const learns = isTrainableNetwork(network);
  const { classes: names } = spec.output;
  const embeddings = classEmbeddings(names);
  const vocabulary = vocabularyOf(embeddings, names);
  const agreement = await agreementWith({ path, spec, found, halves }, { network, weights: asStored(taken.weights), vocabulary }, frames);
  const [first = testCard()] = frames;
  const encoder = await readFile(join(miniLmFolder(), weightsFile));
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

/** Of a model of fixed classes: each name is its class, and tasks mean nothing. */
const classEmbeddings = (names: readonly string[]): Embeddings => ({
  tasks: float32([tasks.length, textWidth], new Float32Array(tasks.length * textWidth)),
  names: new Map(names.map((name, at) => [name, rowOfClass(at, names.length, textWidth)])),
  prompts: new Map(),
});

/** The channels of what the imported graph answers: those of the model, or as `withLogits` makes them. */
function masksOf(spec: ImportSpec): Omit<ImportedMasks, "name"> {
  const { classes } = channelsOf(spec);
  return spec.output.kind === "classes" ? { channels: [...classes.keys()], none: classes.length } : { channels: classes };
}

/** The model as it can learn. */
const prepared = (graph: Graph): Graph => withOwnStatistics(inFloats(graph));

/** The model with statistics for each use of a normalisation layer, where several share theirs: what they see differs, and so will their statistics. */
function withOwnStatistics(graph: Graph): Graph {
  const statistics = graph.nodes.flatMap((node) => (isOperator(node, "BatchNormalization") ? node.inputs.slice(3) : []));
  if (new Set(statistics).size === statistics.length) return graph;
  const taken = new Set<Value>();
  return rewritten(graph, {
    node: (node, became, made) => {
      if (!isOperator(node, "BatchNormalization")) return undefined;
      const [y] = node.outputs;
      const inputs = node.inputs.map((input, at) => {
        const tensor = graph.constants.get(input);
        if (at < 3 || !tensor || !taken.has(input)) {
          if (at >= 3) taken.add(input);
          return became(input);
        }
        return made.constant(tensor, `${y.name}.${at === 3 ? "running_mean" : "running_var"}`);
      });
      return made.node(node.operator, inputs, node.attributes, [y.name]);
    },
  });
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
