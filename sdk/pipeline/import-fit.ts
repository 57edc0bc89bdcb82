import type { Graph, Value } from "../graph/graph.js";
import type { Shape } from "../graph/tensor.js";
import { type BoxesFound, channelAxisOf, channelsOf, outputOf, squashedBy, unfit, withLogits, withLogs, withUnifiedBoxes } from "./import-outputs.js";
import type { ImportSpec } from "./import-spec.js";

/** Of one image as the model takes it. */
export const inputShape = ({ input: { layout, size } }: ImportSpec): Shape => (layout === "nchw" ? [1, 3, ...size] : [1, ...size, 3]);

/** A model with its input and its outputs, as the specification says them. */
export interface Fitted {
  readonly graph: Graph;
  /** The constants that the model had itself. */
  readonly own: ReadonlySet<Value>;
  readonly input: Value;
  /** Logits [1, C, h, w], or [1, h, w, C]; or logits and boxes, as `unifiedBoxes` makes them. */
  readonly outputs: readonly [Value, ...Value[]];
  /** Of logits. */
  readonly channelAxis?: 1 | 3;
  /** Whether the model answers shares of classes, out of which logits were made. */
  readonly isSquashed?: boolean;
  /** What the model calls the output that is compared with the bundle's. */
  readonly answered: string;
  readonly boxes?: BoxesFound;
}

function remedyFor(frame: Value, wanted: Shape): string {
  if (frame.dtype !== "float32") return "Export the model with an input of float32; scale, mean and std are applied before it.";
  if (frame.shape.slice(1).join() === wanted.slice(1).join()) return "Export the model for one image, or with a dynamic axis for how many there are.";
  if (!frame.shape.slice(1).includes(3)) return "Export the model for pictures of three channels; frames are in colour.";
  return "Mend size or layout, or pin the model's dynamic axes with --pin.";
}

function remedyForLogits({ dtype, rank, shape }: Value, channels: number): string {
  if (dtype !== "float32") return "Export the model with logits of float32; what says which class a pixel is, is kind: classes.";
  if (rank !== 4 && shape.includes(channels)) return "Export the model with its logits as a picture, with the axis of how many images there are.";
  return "Give a name for each channel that is a class, in their order, and list the others as ignoreChannels.";
}

/**
 * The input and the outputs that the specification means, once they are what it says.
 *
 * @param made names of constants that reading made, which are none of the model's own
 */
export function fitted(graph: Graph, spec: ImportSpec, made: ReadonlySet<string>): Fitted {
  const { input, output } = spec;
  const own = new Set([...graph.constants.keys()].filter(({ name }) => !made.has(name)));
  const inputNamesOf = graph.inputs.map(({ name }) => name).join(", ");
  const frame = input.name === undefined && graph.inputs.length === 1 ? graph.inputs[0] : graph.inputs.find(({ name }) => name === input.name);
  if (!frame || graph.inputs.length !== 1) unfit(`one input${input.name === undefined ? "" : ` named ${input.name}`}`, inputNamesOf, "Name the model's input in the specification; models of several inputs are not supported.");
  const wanted = inputShape(spec);
  if (frame.dtype !== "float32" || frame.shape.join() !== wanted.join())
    unfit(`an input float32 [${wanted.join(", ")}], as the specification says`, String(frame), remedyFor(frame, wanted));
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
      remedyForLogits(value, stated),
    );
  const by = squashedBy(value, axis);
  return { graph, own, input: frame, outputs: [by ? withLogs(graph, value, by) : value], answered, channelAxis: axis, isSquashed: by !== undefined };
}
