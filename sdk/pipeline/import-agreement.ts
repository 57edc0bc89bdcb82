import type { Vocabulary } from "../bundle/index.js";
import { vocabularyFeeds } from "../engine/feeds.js";
import type { Tensors } from "../engine/onnxruntime.js";
import { runModel } from "../engine/run.js";
import { floatOf, halfOf } from "../graph/float16.js";
import { Graph } from "../graph/graph.js";
import { writeOnnx } from "../graph/onnx/write.js";
import { resize } from "../graph/ops.js";
import type { Tensor, Weights } from "../graph/tensor.js";
import { inputNames, outputNames, paddedVocabularySize, textWidth } from "../network/contract.js";
import { arrangedFor, type ImportedNetwork, normalisedBytes } from "../network/imported.js";
import { inferenceModel } from "../network/inference.js";
import type { Fitted } from "./import-fit.js";
import { channelsOf, extentsOfClasses, type MeantBox, meantBoxes, unfit } from "./import-outputs.js";
import type { ImportSpec } from "./import-spec.js";

/** A model as its file has it. */
export interface OwnModel {
  readonly path: string;
  readonly spec: ImportSpec;
  readonly found: Fitted;
  /** Names of its inputs and outputs that are float16. */
  readonly halves: ReadonlySet<string>;
}

/** What it is served as. */
export interface ServedModel {
  readonly network: ImportedNetwork;
  readonly weights: Weights;
  readonly vocabulary: Vocabulary;
}

/** Percent of pixels, or of the surest boxes, on which what is served agrees with the model itself, over these frames. Throws `E_CONFIG` where it answers what is no number. */
export async function agreementWith({ path, spec, found, halves }: OwnModel, { network, weights, vocabulary }: ServedModel, frames: readonly Tensor<"uint8">[]): Promise<number> {
  const { boxes, answered, channelAxis, isSquashed } = found;
  const names = paddedVocabularySize(vocabulary.names.length);
  const model = inferenceModel(network, weights, { names });
  let agreement = 0;
  for (const frame of frames) {
    const ours = await runModel(model, { [inputNames.frame]: frame, ...vocabularyFeeds(vocabulary, textWidth) });
    const theirs = await answersOf(path, network.input.name, await preparedFor(network, frame), halves);
    requireNumbers(boxes?.outputs.map(({ name }) => name) ?? [answered], theirs);
    if (spec.output.kind === "logits" && !isSquashed) requireLogits(theirs[answered], channelAxis);
    const agreed = boxes ? boxAgreement(meantBoxes(boxes, spec, boxes.outputs.map(({ name }) => theirs[name])), ours, network) : maskAgreement(answerOf(theirs[answered], spec, channelAxis), ours[outputNames.mask], network);
    agreement += agreed / frames.length;
  }
  return agreement;
}

/** A frame as the model takes it. */
export async function preparedFor(network: Omit<ImportedNetwork, "model">, frame: Tensor<"uint8">): Promise<Tensor> {
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

/** Throws `E_CONFIG` where all channels of each cell are shares of 1: read as logits they would be next to even, which no class's being the most likely shows. */
function requireLogits({ shape, data }: Tensor, axis: Fitted["channelAxis"]): void {
  const values = data as Float32Array;
  const [cells, channels] = axis === 1 ? [shape[2] * shape[3], shape[1]] : [shape[1] * shape[2], shape[3]];
  const [cell, step] = axis === 1 ? [1, cells] : [channels, 1];
  const sumOf = (at: number): number => Array.from({ length: channels }, (_, channel) => values[at * cell + channel * step]).reduce((a, b) => a + b, 0);
  if (values.some((value) => value < 0 || value > 1)) return;
  for (let at = 0; at < cells; at++) if (Math.abs(sumOf(at) - 1) > 1e-2) return;
  unfit("logits", "shares of 1, as of a softmax that is not seen in the graph", "Export the model with its logits, or with one Softmax as its last operator.");
}

/** Which of its classes the model says that each of its cells is; 255 for a channel that is no class. */
function answerOf(answer: Tensor, spec: ImportSpec, axis: Fitted["channelAxis"]): { rows: number; columns: number; mask: Uint8Array } {
  const { classes } = channelsOf(spec);
  if (spec.output.kind === "classes") {
    const [rows, columns] = extentsOfClasses(answer.shape);
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
function maskAgreement({ rows, columns, mask }: ReturnType<typeof answerOf>, ours: Tensor, { width, height }: ImportedNetwork): number {
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
