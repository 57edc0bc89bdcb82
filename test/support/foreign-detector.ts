import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { Graph, type Value } from "../../sdk/graph/graph.js";
import { add, averagePool, concat, conv, mul, reshape, sigmoid, transpose } from "../../sdk/graph/ops.js";
import { writeOnnx } from "../../sdk/graph/onnx/write.js";
import { float32 } from "../../sdk/graph/tensor.js";
import { Random } from "../../sdk/random.js";

/** Pixels of what the model takes, in cells of 8 x 8, which it judges by their colour. */
const [width, height, side] = [64, 32, 8] as const;
const [columns, rows] = [width / side, height / side];

export const gridSize = { width, height } as const;

/** `detr`: logits and boxes apart. `yolo`: as one, a box a column, each cell answered by two boxes that overlap. */
export type GridForm = "detr" | "yolo";

/** A detector of red cars and blue persons by day, whose scores are next to nothing in the dark. It can move and size its boxes, and learns to tell objects by other colours. */
export function gridDetector(form: GridForm): Uint8Array {
  const graph = new Graph("grid");
  const picture = graph.input("picture", "float32", [1, 3, height, width]);
  const cells = averagePool(picture, side, side, 0);
  const perCell = (name: string, weight: readonly number[], bias: readonly number[]): Value => {
    const channels = bias.length;
    const answer = conv(cells, graph.constant(float32([channels, 3, 1, 1], weight), `${name}.weight`), graph.constant(float32([channels], bias), `${name}.bias`));
    return transpose(reshape(answer, [1, channels, rows * columns]), [0, 2, 1]);
  };
  const logits = perCell("score", [5, -2.5, -2.5, -2.5, -2.5, 5], [-7, -7]);
  const share = (at: number): number[] => [((at % columns) + 0.5) / columns, (Math.floor(at / columns) + 0.5) / rows, 1 / columns, 1 / rows];
  const [wide, high] = form === "yolo" ? [width, height] : [1, 1];
  const places = Array.from({ length: rows * columns }, (_, at) => share(at).map((value, i) => value * (i % 2 ? high : wide)));
  const moved = mul(perCell("place", new Array<number>(12).fill(0), [0, 0, 0, 0]), graph.constant(float32([4], [wide, high, wide, high].map((value) => value / 1000)), "reach"));
  const boxes = add(graph.constant(float32([1, rows * columns, 4], places.flat()), "grid"), moved);
  if (form === "detr") {
    graph.output("logits", logits);
    graph.output("pred_boxes", boxes);
  } else {
    const answers = concat([boxes, sigmoid(logits)], 2);
    const shifted = concat([add(boxes, graph.constant(float32([4], [1, 0, 0, 0]), "aside")), sigmoid(add(logits, graph.constant(float32([2], [-0.5, -0.5]), "doubt")))], 2);
    graph.output("output0", transpose(concat([answers, shifted], 1), [0, 2, 1]));
  }
  return writeOnnx(graph);
}

export const gridSpec = `
task: detection
input: { scale: 0.0039215686, mean: 0.45, std: 0.25, size: [${height}, ${width}] }
output: { kind: boxes, classes: [car, person] }
`;

export type Light = "day" | "night";

/** A grey scene with four cars and four persons, one a cell. */
export function gridScene(random: Random, light: Light) {
  const rgb = Uint8Array.from({ length: width * height * 3 }, () => 100 + random.below(30));
  const boxes = [...random.permutation(rows * columns).subarray(0, 8)].map((cell, at) => {
    const [label, colour] = at < 4 ? (["car", [200, 60, 60]] as const) : (["person", [60, 60, 200]] as const);
    const [left, top] = [(cell % columns) * side, Math.floor(cell / columns) * side];
    for (let y = top; y < top + side; y++) for (let x = left; x < left + side; x++) for (let c = 0; c < 3; c++) rgb[(y * width + x) * 3 + c] = colour[c] + random.below(20);
    return { x1: left, y1: top, x2: left + side, y2: top + side, label };
  });
  return { boxes, rgb: light === "day" ? rgb : rgb.map((value) => 5 + value * 0.25) };
}

/** A dataset of such scenes with their boxes. */
export async function gridFolder(path: string, count: number, light: Light): Promise<void> {
  for (const part of ["images", "boxes"]) await mkdir(join(path, part), { recursive: true });
  await writeFile(join(path, "classes.json"), JSON.stringify({ boxes: ["car", "person"] }));
  const random = new Random(4, light);
  for (let at = 0; at < count; at++) {
    const { rgb, boxes } = gridScene(random, light);
    const objects = boxes.map(({ label, x1, y1, x2, y2 }) => `<object><name>${label}</name><bndbox><xmin>${x1}</xmin><ymin>${y1}</ymin><xmax>${x2}</xmax><ymax>${y2}</ymax></bndbox></object>`);
    await writeFile(join(path, "boxes", `${at}.xml`), `<annotation>${objects.join("")}</annotation>`);
    await sharp(rgb, { raw: { width, height, channels: 3 } }).png().toFile(join(path, "images", `${at}.png`));
  }
}
