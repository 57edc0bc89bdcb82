import { NightshiftError } from "../errors.js";
import { type Graph, isOperator, type Value } from "../graph/graph.js";
import { cast, equal, indicator, log, max, mul, reshape, slice, sub, transpose } from "../graph/ops.js";
import { normalAxis } from "../graph/shapes.js";
import { float32 } from "../graph/tensor.js";
import { type BoxesForm, type RawBoxes, unifiedBoxes } from "../network/imported-boxes.js";
import { hidden } from "../network/language.js";
import type { ImportSpec } from "./import-spec.js";

/** What the outputs of an imported model are called that it does not have itself. */
export const madeNames = { logits: "nightshift.logits", boxes: "nightshift.boxes" } as const;

/** Channels that a model answers, and those of them that are classes. */
export function channelsOf({ output: { classes, ignoreChannels } }: ImportSpec): { readonly count: number; readonly classes: readonly number[] } {
  const count = classes.length + ignoreChannels.length;
  return { count, classes: Array.from({ length: count }, (_, at) => at).filter((at) => !ignoreChannels.includes(at)) };
}

/** Throws `E_CONFIG`. */
export function unfit(expected: string, received: string, remedy: string): never {
  throw new NightshiftError("E_CONFIG", { expected, received, remedy });
}

/** Below what counts, and far above what float32 still tells from 0. */
const leastShare = 1e-12;

type Named = Graph["outputs"][number];

const listed = (outputs: readonly Named[]): string => outputs.map(({ name, value }) => `${name} ${value.dtype} [${value.shape.join(", ")}]`).join("; ");

/** The output of this name, or the only one. */
export function outputOf(graph: Graph, name: string | undefined, what: string): Named {
  const found = name === undefined && graph.outputs.length === 1 ? graph.outputs[0] : graph.outputs.find((each) => each.name === name);
  return found ?? unfit(`the output of ${what} by its name`, listed(graph.outputs), "Name one of the model's outputs in the specification.");
}

/**
 * Puts logits behind an argmax: 0 for a pixel's class, far below for the others. So a model that answers classes is read as one that answers logits, and is sure of everything.
 * Answers with the output that it was.
 */
export function withLogits(graph: Graph, spec: ImportSpec): Named {
  const found = outputOf(graph, spec.output.name, "classes");
  const { value } = found;
  const { count } = channelsOf(spec);
  const [height, width] = value.shape.filter((n, axis) => n !== 1 || axis >= value.rank - 2).slice(-2);
  if (!height || !width || value.size !== height * width || value.dtype === "bool") unfit("classes [1, height, width] of one image", `${value}`, "Name the output that says which class a pixel is; logits are kind: logits.");
  const isFirst = spec.input.layout === "nchw";
  const range = graph.constant(float32(isFirst ? [1, count, 1, 1] : [1, 1, 1, count], Float32Array.from({ length: count }, (_, at) => at)));
  const index = reshape(cast(value, "float32"), isFirst ? [1, 1, height, width] : [1, height, width, 1]);
  const logits = mul(sub(1, indicator(equal(index, range))), hidden);
  graph.outputs.splice(0, Infinity);
  graph.output(madeNames.logits, logits);
  return found;
}

/** The axis of a picture's channels: that of the input, unless only the other one has so many. Undefined where neither has. */
export function channelAxisOf({ rank, shape }: Value, { input: { layout } }: ImportSpec, count: number): 1 | 3 | undefined {
  return rank === 4 ? ([layout === "nchw" ? 1 : 3, layout === "nchw" ? 3 : 1] as const).find((axis) => shape[axis] === count) : undefined;
}

/** What a softmax answered, perhaps enlarged since. */
export function areShares(value: Value, axis: number): boolean {
  const node = value.graph.producer(value);
  if (!node) return false;
  if (isOperator(node, "Softmax")) return normalAxis(node.attributes.axis, value.rank) === axis;
  if (isOperator(node, "Transpose")) return areShares(node.inputs[0], node.attributes.perm[axis]);
  return (isOperator(node, "Resize") || isOperator(node, "Identity")) && areShares(node.inputs[0], axis);
}

/** Logs of shares are logits: a softmax answers the shares again. */
export function withLogs(graph: Graph, shares: Value): Value {
  const logits = log(max(shares, leastShare));
  graph.outputs.splice(0, Infinity);
  graph.output(madeNames.logits, logits);
  return logits;
}

/** Where a model keeps its boxes, and how it means them. */
export interface BoxesFound {
  readonly form: BoxesForm;
  /** One output that holds boxes and scores, as YOLO's heads do, or two, scores first, as DETR's do. */
  readonly outputs: readonly Named[];
  /** Of one output: whether a box is a row of it, or a column. */
  readonly isRows: boolean;
  readonly raw: RawBoxes;
}

/**
 * The boxes of a detection model as exporters write them: scores [1, Q, C] and boxes [1, Q, 4] apart, or as one [1, 4 + C, N] or [1, N, 4 + C], or [1, N, 5 + C] with a channel that says whether there is
 * anything at all. Throws `E_CONFIG` where there are none such.
 */
export function findBoxes(graph: Graph, spec: ImportSpec): BoxesFound {
  const { name, boxes, scores, corners = "cxcywh", unit, overlapping, ignoreChannels } = spec.output;
  const { count } = channelsOf(spec);
  const isFloats = ({ value }: Named): boolean => value.dtype.startsWith("float") && value.rank === 3 && value.shape[0] === 1;
  const floats = graph.outputs.filter(isFloats).map(({ name: own, value }) => ({ name: own, value: cast(value, "float32") }));
  const byName = (wanted: string | undefined) => (each: Named): boolean => wanted === undefined || each.name === wanted;

  // Heads that tell objectness apart are older than those that write a box a column.
  const rowsFit = ({ value }: Named): boolean => value.shape[2] === 4 + count || value.shape[2] === 5 + count;
  const one = floats.filter(byName(name)).find((each) => rowsFit(each) || each.value.shape[1] === 4 + count);
  if (one && boxes === undefined) {
    const isLast = rowsFit(one);
    const rows = isLast ? one.value : transpose(one.value, [0, 2, 1]);
    const first = rows.shape[2] - count;
    return {
      form: { scores: scores ?? "probability", corners, unit: unit ?? "pixels", overlapping: overlapping ?? true },
      outputs: [one],
      isRows: isLast,
      raw: { boxes: slice(rows, 2, 0, 4), scores: slice(rows, 2, first, first + count), ...(first === 5 && { objectness: slice(rows, 2, 4, 5) }) },
    };
  }
  const places = floats.filter(({ value }) => value.shape[2] === 4).filter(byName(boxes));
  for (const place of places)
    for (const score of floats.filter(byName(name)))
      if (score !== place && score.value.shape[1] === place.value.shape[1] && score.value.shape[2] === count)
        return {
          form: { scores: scores ?? (ignoreChannels.length > 0 ? "softmax" : "sigmoid"), corners, unit: unit ?? "share", overlapping: overlapping ?? false },
          outputs: [score, place],
          isRows: true,
          raw: { boxes: place.value, scores: score.value },
        };
  return unfit(
    `boxes [1, Q, 4] and scores [1, Q, ${count}], or both as one, [1, ${4 + count}, Q], [1, Q, ${4 + count}] or with objectness [1, Q, ${5 + count}], float32`,
    listed(graph.outputs),
    "Give a name for each channel that is a class, list the others as ignoreChannels, and name the outputs where several would fit.",
  );
}

/** Gives a detection model the outputs that all have here. Answers with those that it had. */
export function withUnifiedBoxes(graph: Graph, spec: ImportSpec): BoxesFound {
  const found = findBoxes(graph, spec);
  const { logits, boxes } = unifiedBoxes(found.raw, found.form, channelsOf(spec).classes, spec.input.size);
  graph.outputs.splice(0, Infinity);
  graph.output(madeNames.logits, logits);
  graph.output(madeNames.boxes, boxes);
  return found;
}

/** A box as a model means it: corners as shares of the sides, the best class and its score. */
export interface MeantBox {
  readonly corners: readonly [number, number, number, number];
  readonly label: number;
  readonly score: number;
}

/** Reads a model's own answers, without its graph. `tensors`: of `found.outputs`, in their order. */
export function meantBoxes(found: BoxesFound, spec: ImportSpec, tensors: readonly { readonly shape: readonly number[]; readonly data: ArrayLike<number | bigint> }[]): MeantBox[] {
  const { count, classes } = channelsOf(spec);
  const [first, second] = tensors;
  if (!first) return [];
  const { form, isRows } = found;
  const [, rows = 0, columns = 0] = first.shape;
  const queries = isRows ? rows : columns;
  const at = (query: number, channel: number): number => Number(first.data[isRows ? query * columns + channel : channel * columns + query]);
  const offset = second ? 0 : found.raw.objectness ? 5 : 4;
  const [height, width] = spec.input.size;
  return Array.from({ length: queries }, (_, query) => {
    const scores = scoresOf(Array.from({ length: count }, (_unused, channel) => at(query, offset + channel)), form.scores);
    const sure = found.raw.objectness ? at(query, 4) : 1;
    const label = classes.reduce((best, channel, index) => ((scores[channel] ?? 0) > (scores[classes[best] ?? 0] ?? 0) ? index : best), 0);
    const box = Array.from({ length: 4 }, (_unused, i) => (second ? Number(second.data[query * 4 + i]) : at(query, i)) / (form.unit === "share" ? 1 : i % 2 ? height : width));
    const [a = 0, b = 0, c = 0, d = 0] = box;
    return { corners: form.corners === "xyxy" ? [a, b, c, d] : [a - c / 2, b - d / 2, a + c / 2, b + d / 2], label, score: (scores[classes[label] ?? 0] ?? 0) * sure };
  });
}

function scoresOf(values: readonly number[], meaning: BoxesForm["scores"]): readonly number[] {
  if (meaning === "probability") return values;
  if (meaning === "sigmoid") return values.map((value) => 1 / (1 + Math.exp(-value)));
  const most = Math.max(...values);
  const exps = values.map((value) => Math.exp(value - most));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((value) => value / sum);
}

