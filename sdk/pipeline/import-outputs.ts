import { NightshiftError } from "../errors.js";
import { type Graph, isOperator, type Value } from "../graph/graph.js";
import { cast, concat, equal, indicator, log, max, mul, reshape, slice, sub, sum, transpose } from "../graph/ops.js";
import { normalAxis } from "../graph/shapes.js";
import { float32, type Shape, sizeOf } from "../graph/tensor.js";
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
  return found ?? unfit(name === undefined ? `the output of ${what} by its name` : `an output ${name}, of ${what}`, listed(graph.outputs), "Name one of the model's outputs in the specification.");
}

/** The height and the width of a picture of classes, whose other axes are 1. */
export function extentsOfClasses(shape: Shape): Shape {
  const wide = shape.filter((n) => n !== 1);
  return wide.length === 2 ? wide : shape.slice(-2);
}

/**
 * Puts logits behind an argmax: 0 for a pixel's class, far below for the others; of the classes in their order, then of what is none of them. So a model that answers classes is read as one that
 * answers logits, and is sure of everything. Answers with the output that it was.
 */
export function withLogits(graph: Graph, spec: ImportSpec): Named {
  const found = outputOf(graph, spec.output.name, "classes");
  const { value } = found;
  const { classes } = channelsOf(spec);
  const [height, width] = extentsOfClasses(value.shape);
  if (!height || !width || value.size !== height * width || value.dtype === "bool") unfit("classes [1, height, width], or with an axis of one channel, of one image", `${value}`, "Name the output that says which class a pixel is; logits are kind: logits.");
  const isFirst = spec.input.layout === "nchw";
  const axis = isFirst ? 1 : 3;
  const range = graph.constant(float32(isFirst ? [1, classes.length, 1, 1] : [1, 1, 1, classes.length], Float32Array.from(classes)));
  const index = reshape(cast(value, "float32"), isFirst ? [1, 1, height, width] : [1, height, width, 1]);
  const isClass = indicator(equal(index, range));
  const isNone = sub(1, sum(isClass, [axis], true));
  const logits = mul(sub(1, concat([isClass, isNone], axis)), hidden);
  graph.outputs.splice(0, Infinity);
  graph.output(madeNames.logits, logits);
  return found;
}

/** The axis of a picture's channels: that of the input, unless only the other one has so many. Undefined where neither has. */
export function channelAxisOf({ rank, shape }: Value, { input: { layout } }: ImportSpec, count: number): 1 | 3 | undefined {
  return rank === 4 ? ([layout === "nchw" ? 1 : 3, layout === "nchw" ? 3 : 1] as const).find((axis) => shape[axis] === count) : undefined;
}

/** What made a value, perhaps enlarged or in another shape since, out of logits: a softmax over this axis, or a sigmoid. Undefined where neither did. */
export function squashedBy(value: Value, axis: number): "softmax" | "sigmoid" | undefined {
  const node = value.graph.producer(value);
  if (!node) return undefined;
  if (isOperator(node, "Sigmoid")) return "sigmoid";
  if (isOperator(node, "Softmax")) return normalAxis(node.attributes.axis, value.rank) === axis ? "softmax" : undefined;
  if (isOperator(node, "Transpose")) return squashedBy(node.inputs[0], node.attributes.perm[axis]);
  if (isOperator(node, "Reshape")) {
    const [{ shape }] = node.inputs;
    // The axis on which the same numbers lie as far apart.
    const before = shape.findIndex((n, at) => n === value.shape[axis] && sizeOf(shape.slice(at + 1)) === sizeOf(value.shape.slice(axis + 1)));
    return before < 0 ? undefined : squashedBy(node.inputs[0], before);
  }
  return isOperator(node, "Resize") || isOperator(node, "Identity") ? squashedBy(node.inputs[0], axis) : undefined;
}

/** Logits of which a softmax, or a sigmoid, answers these numbers again: their logs, or those of their odds. */
export function withLogs(graph: Graph, squashed: Value, by: "softmax" | "sigmoid"): Value {
  const logOf = (shares: Value): Value => log(max(shares, leastShare));
  const logits = by === "softmax" ? logOf(squashed) : sub(logOf(squashed), logOf(sub(1, squashed)));
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
  /** Of one output: whether it holds the surest class of each box and its score, in the place of the scores of all. */
  readonly isBest: boolean;
  readonly raw: RawBoxes;
}

/**
 * The boxes of a detection model as exporters write them: scores [1, Q, C] and boxes [1, Q, 4] apart, or as one [1, 4 + C, N] or [1, N, 4 + C], or [1, N, 5 + C] with a channel that says whether there is
 * anything at all, or [1, N, 6] of corners, score and class. Throws `E_CONFIG` where there are none such.
 */
export function findBoxes(graph: Graph, spec: ImportSpec): BoxesFound {
  const { name, boxes, scores, corners, unit, overlapping, ignoreChannels } = spec.output;
  const { count } = channelsOf(spec);
  const allScores = scores === "best" ? undefined : scores;
  if (name !== undefined) outputOf(graph, name, "scores, or of boxes with them");
  if (boxes !== undefined) outputOf(graph, boxes, "boxes");
  const isFloats = ({ value }: Named): boolean => value.dtype.startsWith("float") && value.rank === 3 && value.shape[0] === 1;
  const floats = graph.outputs.filter(isFloats).map(({ name: own, value }) => ({ name: own, value: cast(value, "float32") }));
  const byName = (wanted: string | undefined) => (each: Named): boolean => wanted === undefined || each.name === wanted;

  // Heads that tell objectness apart are older than those that write a box a column.
  const rowsFit = ({ value }: Named): boolean => value.shape[2] === 4 + count || value.shape[2] === 5 + count;
  const joined = floats.filter((each) => boxes === undefined && byName(name)(each));
  const asOne = joined
    .filter((each) => rowsFit(each) || each.value.shape[1] === 4 + count)
    .map((each) => (): BoxesFound => {
      const isRows = rowsFit(each);
      const rows = isRows ? each.value : transpose(each.value, [0, 2, 1]);
      const first = rows.shape[2] - count;
      return {
        form: { scores: allScores ?? "probability", corners: corners ?? "cxcywh", unit: unit ?? "pixels", overlapping: overlapping ?? true },
        outputs: [each],
        isRows,
        isBest: false,
        raw: { boxes: slice(rows, 2, 0, 4), scores: slice(rows, 2, first, first + count), ...(first === 5 && { objectness: slice(rows, 2, 4, 5) }) },
      };
    });
  const ofBest = joined
    .filter((each) => each.value.shape[2] === 6)
    .map((each) => (): BoxesFound => ({
      form: { scores: "probability", corners: corners ?? "xyxy", unit: unit ?? "pixels", overlapping: overlapping ?? false },
      outputs: [each],
      isRows: true,
      isBest: true,
      raw: { boxes: slice(each.value, 2, 0, 4), scores: scoresOfBest(slice(each.value, 2, 4, 5), slice(each.value, 2, 5, 6), count) },
    }));
  const fours = floats.filter(({ value }) => value.shape[2] === 4).filter(byName(boxes));
  // Scores of four channels look like boxes, but are not called so.
  const called = fours.filter((each) => /box/i.test(each.name));
  const places = called.length > 0 ? called : fours;
  const apart = places.flatMap((place) =>
    floats
      .filter((score) => score !== place && byName(name)(score) && score.value.shape[1] === place.value.shape[1] && score.value.shape[2] === count)
      .map((score) => (): BoxesFound => ({
        form: { scores: allScores ?? (ignoreChannels.length > 0 ? "softmax" : "sigmoid"), corners: corners ?? "cxcywh", unit: unit ?? "share", overlapping: overlapping ?? false },
        outputs: [score, place],
        isRows: true,
        isBest: false,
        raw: { boxes: place.value, scores: score.value },
      })),
  );
  const ofAll = scores === "best" ? [] : [...asOne, ...apart];
  // Six numbers are also those of rows with the scores of one class or two: `checkClasses` sees the difference.
  const choices = ofAll.length > 0 || allScores !== undefined ? ofAll : ofBest;
  if (choices.length === 1) return choices[0]();
  const isUnclear = choices.length > 1;
  return unfit(
    `${isUnclear ? "one choice of " : ""}boxes [1, Q, 4] and scores [1, Q, ${count}], or both as one, [1, ${4 + count}, Q], [1, Q, ${4 + count}], with objectness [1, Q, ${5 + count}], or of the surest class [1, Q, 6], float32`,
    listed(graph.outputs),
    isUnclear ? "Several outputs would fit: name those of scores (name) and of boxes (boxes)." : "Give a name for each channel that is a class, list the others as ignoreChannels, and name the outputs where several would fit.",
  );
}

/** [1, Q, count]: the score [1, Q, 1] at the class [1, Q, 1], 0 elsewhere. */
function scoresOfBest(score: Value, label: Value, count: number): Value {
  const range = score.graph.constant(float32([1, 1, count], Float32Array.from({ length: count }, (_, at) => at)));
  return mul(score, indicator(equal(label, range)));
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

/** A box as it stands in what a model answers. `scores`: of each channel. */
interface WrittenBox {
  readonly place: readonly [number, number, number, number];
  readonly scores: readonly number[];
  readonly objectness?: number;
  /** The last two of six numbers, which may be a score and its class. */
  readonly last?: readonly [score: number, label: number];
}

type Answers = readonly { readonly shape: readonly number[]; readonly data: ArrayLike<number | bigint> }[];

function writtenBoxes({ isRows, isBest, raw }: BoxesFound, spec: ImportSpec, [first, second]: Answers): WrittenBox[] {
  const { count } = channelsOf(spec);
  const [, rows, columns] = first.shape;
  const at = (query: number, channel: number): number => Number(first.data[isRows ? query * columns + channel : channel * columns + query]);
  const place = (query: number, i: number): number => (second ? Number(second.data[query * 4 + i]) : at(query, i));
  const offset = second ? 0 : raw.objectness ? 5 : 4;
  return Array.from({ length: isRows ? rows : columns }, (_, query) => ({
    place: [place(query, 0), place(query, 1), place(query, 2), place(query, 3)],
    scores: Array.from({ length: count }, (_unused, channel) => (!isBest ? at(query, offset + channel) : channel === at(query, 5) ? at(query, 4) : 0)),
    ...(raw.objectness && { objectness: at(query, 4) }),
    ...(!second && isRows && columns === 6 ? { last: [at(query, 4), at(query, 5)] as const } : {}),
  }));
}

/** Reads a model's own answers, without its graph. `answers`: of `found.outputs`, in their order. Throws `E_CONFIG` where their numbers cannot be what the specification says. */
export function meantBoxes(found: BoxesFound, spec: ImportSpec, answers: Answers): MeantBox[] {
  const { classes } = channelsOf(spec);
  const { form } = found;
  const [height, width] = spec.input.size;
  const written = writtenBoxes(found, spec, answers);
  checkClasses(written, found, channelsOf(spec).count);
  checkNumbers(written, form);
  return written.map(({ place, scores: raw, objectness: said }) => {
    const objectness = said === undefined ? 1 : form.scores === "sigmoid" ? logistic(said) : said;
    const scores = scoresOf(raw, form.scores);
    const label = classes.reduce((best, channel, index) => ((scores[channel] ?? 0) > (scores[classes[best] ?? 0] ?? 0) ? index : best), 0);
    const [a, b, c, d] = place.map((value, i) => value / (form.unit === "share" ? 1 : i % 2 ? height : width));
    return { corners: form.corners === "xyxy" ? [a, b, c, d] : [a - c / 2, b - d / 2, a + c / 2, b + d / 2], label, score: (scores[classes[label] ?? 0] ?? 0) * objectness };
  });
}

/** So far beyond 0 and 1 a probability may stand. */
const slack = 0.01;

/** Shapes do not tell what numbers mean, the numbers themselves often do: whatever is read in another sense is wrong everywhere, and looks as if it were right. */
function checkNumbers(boxes: readonly WrittenBox[], { scores, corners, unit }: BoxesForm): void {
  const range = (values: readonly number[]): [number, number] => values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  const said = "Say in the specification what they are:";
  const [least, most] = range(boxes.flatMap((box) => [...box.scores, ...(box.objectness === undefined ? [] : [box.objectness])]));
  if (scores === "softmax" && boxes.some(({ objectness = 0 }) => objectness < -slack || objectness > 1 + slack)) unfit("whether there is anything at all, 0 to 1, beside scores that are softmax", "numbers beyond", "Export the model with probabilities, and say scores: probability.");
  if (scores === "probability" && (least < -slack || most > 1 + slack)) unfit("scores that are probabilities", `scores from ${least} to ${most}`, `${said} scores: sigmoid, or scores: softmax.`);
  if (scores !== "probability" && least >= 0 && most <= 1 && least < most) unfit("scores that are logits", `scores from ${least} to ${most}`, `${said} scores: probability.`);
  const shareOf = (is: (place: WrittenBox["place"]) => boolean): number => boxes.filter(({ place }) => is(place)).length / boxes.length;
  const areInside = shareOf((place) => place.every((value) => Math.abs(value - 0.5) <= 1));
  const places = (): string => `numbers from ${range(boxes.flatMap(({ place }) => place)).join(" to ")}`;
  if (unit === "share" && areInside < 0.5) unfit("boxes in shares of the input's sides", places(), `${said} unit: pixels.`);
  if (unit === "pixels" && areInside === 1) unfit("boxes in pixels of the input", places(), `${said} unit: share.`);
  if (corners === "xyxy" && shareOf(([a, b, c, d]) => c >= a && d >= b) < 0.5) unfit("boxes by two corners", "boxes of which most end before they begin", `${said} corners: cxcywh.`);
}

/** Six numbers a box may be scores of one class or two, or the surest class and its score: the numbers of classes are whole. */
function checkClasses(boxes: readonly WrittenBox[], { isBest }: BoxesFound, count: number): void {
  const last = boxes.flatMap((box) => (box.last ? [box.last] : []));
  const heard = (pairs: typeof last): string => [...new Set(pairs.map(([, label]) => label))].slice(0, 5).join(", ");
  if (!isBest && last.length > 0 && last.every(([, label]) => Number.isInteger(label)))
    unfit("a score for each class", `whole numbers last, as of classes: ${heard(last)}`, "Say in the specification that a box has the surest class alone, and its score: scores: best.");
  const strange = isBest ? last.filter(([score, label]) => score > 0 && !(Number.isInteger(label) && label >= 0 && label < count)) : [];
  if (strange.length > 0)
    unfit(`a score and the number of its class, 0 to ${count - 1}`, heard(strange), "Give a name for each class or list it as ignoreChannels; where each class has a score, say scores: probability.");
}

const logistic = (value: number): number => 1 / (1 + Math.exp(-value));

function scoresOf(values: readonly number[], meaning: BoxesForm["scores"]): readonly number[] {
  if (meaning === "probability") return values;
  if (meaning === "sigmoid") return values.map(logistic);
  const most = Math.max(...values);
  const exps = values.map((value) => Math.exp(value - most));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((value) => value / sum);
}

