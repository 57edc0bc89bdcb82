import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { Graph, type Value } from "../../sdk/graph/graph.js";
import { add, argMax, conv, mean, mul, relu, reshape, resize, sigmoid, softmax, transpose } from "../../sdk/graph/ops.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { float32, sizeOf } from "../../sdk/graph/tensor.js";
import { Random } from "../../sdk/random.js";

/** Pixels of what the model takes; 60 is no multiple of 32. */
export const foreignSize = { width: 60, height: 32 } as const;

export const foreignSpec = `
task: segmentation
input: { name: picture, channels: bgr, scale: 0.0039215686, mean: [0.4, 0.45, 0.5], std: 0.25, size: [32, 60] }
output: { kind: logits, classes: [road, sidewalk, sky], ignoreChannels: [0] }
`;

/**
 * A small segmentation model as an exporter might write it: strided convolution, batch normalisation, ReLU, a head of four channels; `classes`: an argmax behind it; `shares`: a softmax, enlarged; `odds`: a sigmoid, enlarged.
 * `answered`: the layout of what it answers.
 */
export function foreignModel(layout: "nchw" | "nhwc" = "nchw", answer: "logits" | "classes" | "shares" | "odds" = "logits", answered = layout): Uint8Array {
  const graph = new Graph("foreign");
  const random = new Random(1, "foreign");
  const parameter = (name: string, shape: readonly number[], middle = 0, spread = 0.4): Value =>
    graph.constant(float32(shape, Float32Array.from({ length: sizeOf(shape) }, () => middle + spread * random.normal())), name);
  const { width, height } = foreignSize;
  const picture = graph.input("picture", "float32", layout === "nchw" ? [1, 3, height, width] : [1, height, width, 3]);
  const planes = layout === "nchw" ? picture : transpose(picture, [0, 3, 1, 2]);
  const x = conv(planes, parameter("stem.weight", [8, 3, 3, 3]), undefined, { stride: 2, padding: 1 });
  const statistics = [parameter("bn.running_mean", [8]), parameter("bn.running_var", [8], 1, 0.1)];
  const [normal] = graph.node("BatchNormalization", [x, parameter("bn.weight", [8], 1), parameter("bn.bias", [8]), ...statistics], { epsilon: 1e-5 });
  if (!normal) throw new Error("no output");
  const logits = conv(relu(normal), parameter("head.weight", [4, 8, 1, 1]), parameter("head.bias", [4]));
  if (answer === "classes") graph.output("classes", argMax(logits, 1));
  else {
    const arranged = answered === "nchw" ? logits : transpose(logits, [0, 2, 3, 1]);
    const sizes = answered === "nchw" ? [1, 4, height, width] : [1, height, width, 4];
    const squashed = answer === "shares" ? softmax(arranged, answered === "nchw" ? 1 : -1) : answer === "odds" ? sigmoid(arranged) : undefined;
    graph.output("logits", squashed ? resize(squashed, sizes, "linear") : arranged);
  }
  return writeOnnx(graph);
}

/** Boxes as shares of the sides, by centre and size, and the probability of each of two classes. The first two are one car, the third a person at the same place, the others are nothing. */
const found = [
  { box: [0.25, 0.5, 0.2, 0.4], scores: [0.9, 0.05] },
  { box: [0.26, 0.5, 0.2, 0.4], scores: [0.8, 0.05] },
  { box: [0.25, 0.51, 0.2, 0.4], scores: [0.1, 0.7] },
  { box: [0.7, 0.3, 0.1, 0.2], scores: [0.02, 0.01] },
  { box: [0.1, 0.1, 0.1, 0.1], scores: [0.01, 0.02] },
] as const;

/**
 * How exporters write detectors: apart with logits of each class (RT-DETR), or of classes and "no object" (DETR); as one, a box a column (YOLOv8), or a row with its objectness (YOLOv5), or with the logits of both (YOLOX); apart with classes of which the first is nothing,
 * and corners in pixels (SSD), as many of the one as of the other; as one, corners in pixels, the best class's score and its number (YOLOv10, end to end).
 */
export type DetectorForm = "rt-detr" | "detr" | "yolov8" | "yolov5" | "yolox" | "ssd" | "end-to-end";

/** A model that answers these boxes to every picture, in one of the forms. `more`: classes that DETR finds nothing of. */
export function foreignDetector(form: DetectorForm, more = 0): Uint8Array {
  const graph = new Graph("detector");
  const { width, height } = foreignSize;
  const picture = graph.input("picture", "float32", [1, 3, height, width]);
  const nothing = mul(reshape(mean(picture, [0, 1, 2, 3]), [1, 1, 1]), 0);
  const answer = (name: string, rows: readonly (readonly number[])[], isColumns = false): void => {
    const values = add(graph.constant(float32([1, rows.length, rows[0]?.length ?? 0], rows.flat())), nothing);
    graph.output(name, isColumns ? transpose(values, [0, 2, 1]) : values);
  };
  const inPixels = found.map(({ box }) => box.map((value, at) => value * (at % 2 ? height : width)));
  const logit = (p: number): number => Math.log(p / (1 - p));
  const corners = inPixels.map(([x = 0, y = 0, w = 0, h = 0]) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2]);
  if (form === "end-to-end") answer("output0", found.map(({ scores: [car, person] }, at) => [...(corners[at] ?? []), Math.max(car, person), car > person ? 0 : 1]));
  else if (form === "yolov8") answer("output0", found.map(({ scores }, at) => [...(inPixels[at] ?? []), ...scores]), true);
  else if (form === "ssd") {
    answer("scores", found.map(({ scores: [car, person] }) => [0.99 - car - person, car, person, 0.01].map((p) => Math.log(Math.max(p, 0.01)))));
    answer("corners", corners);
  }
  // As sure of the object as of its class.
  else if (form === "yolov5" || form === "yolox") {
    const written = form === "yolox" ? logit : (p: number): number => p;
    answer("output0", found.map(({ scores }, at) => [...(inPixels[at] ?? []), ...[Math.sqrt(Math.max(...scores)), ...scores.map((score) => score / Math.sqrt(Math.max(...scores)))].map(written)]));
  }
  else {
    answer("logits", found.map(({ scores }) => (form === "rt-detr" ? scores.map(logit) : [...scores, ...new Array<number>(more).fill(1e-4), 1 - scores[0] - scores[1]].map(Math.log))));
    answer("pred_boxes", found.map(({ box }) => box));
  }
  return writeOnnx(graph);
}

export const detectorSpec = (form: DetectorForm): string => `
task: detection
input: { scale: 0.0039215686, mean: 0, std: 1, size: [32, 60] }
output: { kind: boxes, ${form === "end-to-end" ? "scores: best, " : form === "yolox" ? "scores: sigmoid, " : ""}${form === "ssd" ? ssdOutput : `classes: [car, person]${form === "detr" ? ", ignoreChannels: [2]" : ""}`} }
`;

const ssdOutput = "name: scores, boxes: corners, classes: [car, person, bus], ignoreChannels: [0], corners: xyxy, unit: pixels, overlapping: true";

/** A dataset of frames whose upper half is sky, grey here, and whose lower half is road. */
export async function labelledFolder(path: string, count: number): Promise<void> {
  const [width, height] = [96, 64];
  for (const part of ["images", "labels"]) await mkdir(join(path, part), { recursive: true });
  await writeFile(join(path, "classes.json"), JSON.stringify({ classes: { 0: "sky", 1: "street" }, ignore: [] }));
  const random = new Random(9, path.length);
  for (let at = 0; at < count; at++) {
    const rgb = Uint8Array.from({ length: width * height * 3 }, (_, index) => (index < (width * height * 3) / 2 ? 170 : 60) + at + random.below(40));
    const labels = Uint8Array.from({ length: width * height }, (_, index) => (index < (width * height) / 2 ? 0 : 1));
    await sharp(rgb, { raw: { width, height, channels: 3 } }).png().toFile(join(path, "images", `${at}.png`));
    await sharp(labels, { raw: { width, height, channels: 1 } }).toColourspace("b-w").png().toFile(join(path, "labels", `${at}.png`));
  }
}
