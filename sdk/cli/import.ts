import { Command } from "commander";
import { pins } from "./arguments.js";
import { figure, type Io, result, table } from "./io.js";

interface Options {
  readonly spec: string;
  readonly out: string;
  readonly exemplars?: string;
  readonly pin?: Readonly<Record<string, number>>;
  readonly insertNorm: boolean;
  readonly json: boolean;
}

export const importCommand = (io: Io): Command =>
  new Command("import")
    .description("Make a bundle of a segmentation or detection model that was made elsewhere, so that it is streamed, adapted, judged and swapped like Nightshift's own. Models that answer classes in the place of logits are streamed and evaluated, not adapted.")
    .argument("<model>", "an ONNX file; tensors that it keeps outside are looked for beside it")
    .requiredOption("--spec <file>", "a YAML file that says what goes in and comes out; - asks for it")
    .requiredOption("--out <folder>", "where the bundle goes; nothing may be there yet")
    .option("--exemplars <folder>", "labelled frames, for replay, golden outputs and the judge's bounds")
    .option("--insert-norm", "put a normalisation layer behind each convolution that has none, which can be taught alone; the answers stay the same", false)
    .option("--pin <axis=extent,...>", "extents of dynamic axes by their names, where the specification does not give them", pins)
    .option("--json", "print JSON alone on stdout", false)
    .addHelpText(
      "after",
      `
The specification:
  task: segmentation
  input: { name: x, layout: nchw, channels: rgb, scale: 0.00392157, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], size: [512, 1024] }
  output: { name: y, kind: logits, classes: [road, sidewalk], ignoreChannels: [0] }
where x = (byte * scale - mean) / std, by channel in the model's order. An argmax is kind: classes. Of a detection model:
  task: detection
  output: { kind: boxes, classes: [car, person], ignoreChannels: [2] }
which finds boxes [1, Q, 4] beside scores [1, Q, C], as DETR answers them, or both as one, as YOLO does; name and boxes name the outputs where several would fit, and
scores (sigmoid, softmax, probability; best where a box has its surest class alone: [1, N, 6] of corners, score, class), corners (cxcywh, xyxy), unit (share, pixels) and overlapping (true, false) say what is unusual about them. Names other than the classes mean the class nearest in meaning.`,
    )
    .action(async (model: string, { spec, json, pin, ...options }: Options) => {
      const { importModel } = await import("../pipeline/import-model.js");
      const { askSpec, readSpec } = await import("../pipeline/import-spec.js");
      const imported = await importModel({ model, spec: spec === "-" ? await asked(askSpec) : await readSpec(spec), ...options, pins: pin });
      const { bundle, parameters, fixed, normalisations, agreement, learns, notes, frames } = imported;
      const isDetection = imported.task === "detection";
      result(io, json, imported, [
        ...table([
          ["bundle", bundle],
          ["adapts", learns ? "yes" : "no: it streams and is evaluated, and answers nothing that it could be taught through"],
          ...notes.map((note) => ["note", note] as const),
          ["can be trained", `${parameters.count.toLocaleString("en")} numbers in ${parameters.tensors} tensors`],
          ["normalisation", `${normalisations} layers whose statistics can be estimated anew`],
          ["agreement", `${figure(agreement, 2)} % of ${isDetection ? "the surest boxes" : "pixels"} as the model itself, on ${frames} ${frames === 1 ? "frame" : "frames"}`],
          ...(learns ? [["exemplars", options.exemplars ?? "none: give them with --exemplars to learn"] as const] : []),
        ]),
        ...table(fixed.map(({ name, why }) => [`  stays as it is: ${name}`, why])),
      ]);
    });

/** Asks on the terminal; answers may also be piped in, a line each. */
async function asked<T>(questions: (ask: (question: string) => Promise<string>) => Promise<T>): Promise<T> {
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answers: AsyncIterator<string, undefined> = lines[Symbol.asyncIterator]();
  try {
    return await questions(async (question) => {
      process.stderr.write(question);
      return (await answers.next()).value ?? "";
    });
  } finally {
    lines.close();
  }
}
