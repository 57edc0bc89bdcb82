import type { Recompute } from "../../autodiff/recompute.js";
import { Graph, type Value } from "../../graph/graph.js";
import { add, concat, conv, gather, gelu, mean, mul, reshape, resize, slice, sub, transpose } from "../../graph/ops.js";
import { float32, int64, sizeOf, type FloatTensor, type Tensor } from "../../graph/tensor.js";
import { attention } from "../../network/attention.js";
import { Builder } from "../../network/builder.js";
import { logProbabilities, oneHotLabels, segmentationLoss } from "../../network/losses/segmentation.js";
import { PackedParameters, packParameters } from "../../network/packing.js";
import { ConstantParameters, initialTensor, InputParameters } from "../../network/parameters.js";
import { optimise, optimiserScalars, optimiserState, prefixes, scalarInputs, writeStep, type Feeds, type StepGraph } from "../../network/steps/step-graph.js";
import { Random } from "../../random.js";

/** A network of a size that others are known by, with random weights, and a training step of it. */
export interface ScaleModel {
  readonly what: string;
  /** What its input is measured in. */
  readonly unit: "pixels a side" | "tokens a text";
  /** Of the input, unless told otherwise. */
  readonly sizes: readonly number[];
  /** Puts the network and a loss into a graph. */
  readonly loss: (b: Builder, size: number) => { readonly loss: Value; readonly batch: Feeds };
}

/** One step of training everything: forward, backward, AdamW, the teacher's average. */
export interface ScaleStep {
  readonly graph: StepGraph;
  readonly batch: Feeds;
  readonly parameters: number;
}

/** Builds the step of a model at a size of its input. */
export function scaleStep({ loss: build }: ScaleModel, size: number, recompute: Recompute = "none"): ScaleStep {
  const parameters = new InputParameters("");
  build(new Builder(new Graph("parameters"), parameters, "frozen"), size);
  const specs = parameters.specs;
  const weights = new Map<string, FloatTensor>(specs.map((spec) => [spec.name, initialTensor(spec, 1)]));
  const packs = packParameters(specs, () => true).filter(({ statistic }) => !statistic);
  const graph = new Graph("scale step");
  const scalars = scalarInputs(graph, optimiserScalars);
  const student = new PackedParameters(graph, prefixes.student, packs, new ConstantParameters(weights));
  const { loss, batch } = build(new Builder(graph, student, "frozen"), size);
  const { norm } = optimise(graph, loss, student, undefined, scalars, { recompute });
  graph.output("loss", loss);
  graph.output("gradientNorm", norm);
  return {
    graph: { model: writeStep(graph), state: optimiserState(packs, weights), packs, scalars: optimiserScalars, results: ["loss", "gradientNorm"] },
    batch,
    parameters: specs.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
  };
}

interface MixTransformer {
  readonly widths: readonly [number, number, number, number];
  readonly depths: readonly [number, number, number, number];
  /** Of the decoder of linear layers. */
  readonly decoder: number;
}

const classes = 19;
const heads = [1, 2, 5, 8] as const;
/** By how much the keys of attention are made fewer, each side. */
const reductions = [8, 4, 2, 1] as const;

const tokensOf = (x: Value): Value => transpose(reshape(x, [x.shape[0], x.shape[1], x.shape[2] * x.shape[3]]), [0, 2, 1]);
const mapOf = (tokens: Value, height: number, width: number): Value => reshape(transpose(tokens, [0, 2, 1]), [tokens.shape[0], tokens.shape[2], height, width]);

/** SegFormer (Xie and others, 2021): the Mix Transformer as encoder, linear layers as decoder; logits [1, 19, H / 4, W / 4]. */
function segformer(b: Builder, image: Value, { widths, depths, decoder }: MixTransformer): Value {
  let x = image;
  const stages = widths.map((width, stage) => {
    const [kernel, stride, padding] = stage === 0 ? [7, 4, 3] : [3, 2, 1];
    x = b.conv(`encoder.stage${stage}.patches`, x, width, kernel, { stride, padding });
    const [, , h, w] = x.shape;
    let tokens = b.layerNorm(`encoder.stage${stage}.norm`, tokensOf(x));
    for (let block = 0; block < depths[stage]; block++) tokens = mixBlock(b, `encoder.stage${stage}.block${block}`, tokens, [h, w], stage);
    x = mapOf(b.layerNorm(`encoder.stage${stage}.last`, tokens), h, w);
    return x;
  });
  const [, , h, w] = stages[0].shape;
  const levels = stages.map((stage, at) => {
    const linear = mapOf(b.linear(`decoder.linear${at}`, tokensOf(stage), decoder), stage.shape[2], stage.shape[3]);
    return at === 0 ? linear : resize(linear, [1, decoder, h, w], "linear");
  });
  return b.conv("decoder.classes", b.convNormRelu("decoder.fuse", concat(levels.toReversed(), 1), decoder), classes);
}

function mixBlock(b: Builder, name: string, tokens: Value, [h, w]: readonly [number, number], stage: number): Value {
  const width = tokens.shape[2];
  const reduction = reductions[stage];
  const normal = b.layerNorm(`${name}.norm1`, tokens);
  const keys = reduction === 1 ? normal : b.layerNorm(`${name}.norm`, tokensOf(b.conv(`${name}.reduce`, mapOf(normal, h, w), width, reduction, { stride: reduction })));
  const attended = add(tokens, attention(b, `${name}.attention`, normal, keys, heads[stage]).output);
  const wide = b.linear(`${name}.wide`, b.layerNorm(`${name}.norm2`, attended), 4 * width);
  const mixed = conv(mapOf(wide, h, w), b.parameter(`${name}.mix.weight`, [4 * width, 1, 3, 3], { deviation: 1 / 3 }), b.parameter(`${name}.mix.bias`, [4 * width], { fill: 0 }), { padding: 1, group: 4 * width });
  return add(attended, b.linear(`${name}.narrow`, gelu(tokensOf(mixed)), width));
}

const mixTransformer = (what: string, config: MixTransformer): ScaleModel => ({
  what,
  unit: "pixels a side",
  sizes: [128, 256, 512],
  loss: (b, size) => {
    const { graph } = b;
    const random = new Random(2, what);
    const image = graph.input("image", "float32", [1, 3, size, size]);
    const labels = graph.input("labels", "uint8", [1, size / 4, size / 4]);
    const logits = segformer(b, image, config);
    const weight = graph.constant(float32([1, 1, 1, 1], [1]));
    const batch = {
      image: float32([1, 3, size, size], Float32Array.from({ length: 3 * size * size }, () => random.normal())),
      labels: { dtype: "uint8", shape: [1, size / 4, size / 4], data: Uint8Array.from({ length: (size * size) / 16 }, () => random.below(classes)) } as Tensor,
    };
    return { loss: segmentationLoss(logits, oneHotLabels(labels, classes), weight).crossEntropy, batch };
  },
});

const words = 49408;
const texts = 8;

/** CLIP's text tower (Radford and others, 2021): causal attention, layer normalisation before it, quick GELU taken for GELU; its loss tells the texts of a batch from each other. */
const textTower = (what: string, width: number, layers: number): ScaleModel => ({
  what,
  unit: "tokens a text",
  sizes: [19, 38, 77],
  loss: (b, size) => {
    const { graph } = b;
    const random = new Random(2, what);
    const ids = graph.input("ids", "int64", [texts, size]);
    const unseen = graph.constant(float32([1, 1, size, size], Float32Array.from({ length: size * size }, (_, at) => (at % size > Math.floor(at / size) ? -1e4 : 0))));
    let x = add(gather(b.parameter("encoder.words", [words, width], { deviation: 0.02 }), ids, 0), b.parameter("encoder.places", [size, width], { deviation: 0.01 }));
    for (let layer = 0; layer < layers; layer++) {
      const name = `encoder.layer${layer}`;
      const normal = b.layerNorm(`${name}.norm1`, x);
      x = add(x, attention(b, `${name}.attention`, normal, normal, width / 64, unseen).output);
      x = add(x, b.linear(`${name}.narrow`, gelu(b.linear(`${name}.wide`, b.layerNorm(`${name}.norm2`, x), 4 * width)), width));
    }
    const last = reshape(slice(b.layerNorm("encoder.norm", x), 1, size - 1, size), [texts, width]);
    const features = b.linear("decoder.project", last, texts);
    const own = graph.constant(float32([texts, texts], Float32Array.from({ length: texts ** 2 }, (_, at) => (at % (texts + 1) === 0 ? 1 : 0))));
    return {
      loss: sub(0, mean(mul(logProbabilities(features, 1), own), [0, 1])),
      batch: { ids: int64([texts, size], Array.from({ length: texts * size }, () => random.below(words))) },
    };
  },
});

const large = { widths: [64, 128, 320, 512] } as const;

/** By name; smaller ones first. */
export const scaleModels: Readonly<Record<string, ScaleModel>> = {
  "mit-b0": mixTransformer("SegFormer on MiT-B0", { widths: [32, 64, 160, 256], depths: [2, 2, 2, 2], decoder: 256 }),
  "mit-b1": mixTransformer("SegFormer on MiT-B1", { ...large, depths: [2, 2, 2, 2], decoder: 256 }),
  "mit-b5": mixTransformer("SegFormer on MiT-B5", { ...large, depths: [3, 6, 40, 3], decoder: 768 }),
  "clip-text-b": textTower("text tower of CLIP ViT-B", 512, 12),
  "clip-text-l": textTower("text tower of CLIP ViT-L", 768, 12),
};
