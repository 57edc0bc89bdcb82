import type { LabelledSet } from "../adaptation/trainer/index.js";
import type { Exemplar } from "../bundle/index.js";
import { OnnxSession } from "../engine/onnxruntime.js";
import { Graph, isOperator, type Value } from "../graph/graph.js";
import { readOnnx } from "../graph/onnx/read.js";
import { live } from "../graph/live.js";
import { writeOnnx } from "../graph/onnx/write.js";
import { mean, mul, sumSquare } from "../graph/ops.js";
import { float32, type Tensor } from "../graph/tensor.js";
import type { Fitted } from "./import-fit.js";
import { unfit } from "./import-outputs.js";
import { emptyFor, rebuild } from "./import-parameters.js";

/** Frames that the statistics of layers that are put in come from. */
const measuredFrames = 16;

/** Makes the model with normalisation layers put in, anew at each call. */
export async function normalising(found: Fitted, labelled: LabelledSet | undefined, prepared: (sample: Exemplar) => Promise<Tensor>): Promise<() => Graph> {
  if (!labelled) unfit("exemplars, for the statistics of the layers that are put in", "none", "Give labelled frames with --exemplars.");
  const images = [];
  for (const sample of labelled.samples.slice(0, measuredFrames)) images.push(await prepared(sample));
  const bytes = writeOnnx(await withNormalisation(found, images));
  return () => readOnnx(bytes);
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
  const graph = emptyFor(model);
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
