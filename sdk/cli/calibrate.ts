import { Command, Option } from "commander";
import type { Calibrated } from "../../calibration/calibrate.js";
import type { RangeMethod } from "../../calibration/ranges.js";
import { number, wholeNumber } from "./arguments.js";
import { datasetNamed } from "./dataset.js";
import { figure, type Io, Progress, result, table } from "./io.js";

interface Options {
  readonly bundle: string;
  readonly frames: string;
  readonly boxes: string;
  readonly out: string;
  readonly for: keyof typeof forms;
  readonly method: RangeMethod;
  readonly allowedLoss: number;
  readonly threads: number;
  readonly json: boolean;
}

/** What each runtime computes int8 in. */
const forms = { onnxruntime: "asymmetric", tensorrt: "symmetric" } as const;

const methods: readonly RangeMethod[] = ["min-max", "percentile", "entropy", "mse"];

/** Layers that are told to people; JSON has them all. */
const told = 12;

export const calibrateCommand = (io: Io): Command =>
  new Command("calibrate")
    .description("Make a bundle whose network computes in int8. Refused, with nothing written, where that costs more than a point on frames that nothing was chosen on.")
    .requiredOption("--frames <dataset>", "labelled frames as of evaluate: the first half to choose ranges and layers on, the second to judge by")
    .requiredOption("--out <folder>", "where the bundle goes; nothing may be there yet")
    .option("--bundle <name or path>", "default, rendered, or the folder of a bundle in float", "default")
    .option("--boxes <dataset>", "labelled boxes to judge by, where --frames has none", "drive:day:901:48")
    .addOption(new Option("--for <runtime>", "uint8 activations with zero points, fast in ONNX Runtime; or int8 without, as TensorRT takes them").choices(Object.keys(forms)).default("onnxruntime"))
    .addOption(new Option("--method <name>", "how ranges are chosen from what was seen").choices(methods).default("mse"))
    .option("--allowed-loss <points>", "of mIoU and of AP50, before the bundle is refused", number(0), 1)
    .option("--threads <count>", "threads of inference", wholeNumber(1), 2)
    .option("--json", "print JSON alone on stdout", false)
    .addHelpText(
      "after",
      `
Prints scores (miou and ap50 in float and int8), heads (how far int8 is from float: mask, pixels, boxScore, boxSide), methods (the same by each), layers (the same where
only one is int8, the worst first; float: it stays in float), and bytes. Weights stay in the bundle as they were learnt, so it adapts like any other.`,
    )
    .action(async ({ frames, boxes, bundle, for: runtime, json, ...options }: Options) => {
      const { calibrate } = await import("../../calibration/calibrate.js");
      const { findBundle } = await import("../bundle/index.js");
      const progress = new Progress(io);
      const calibrated = await calibrate({
        ...options,
        bundle: findBundle(bundle),
        frames: await datasetNamed(frames),
        boxes: await datasetNamed(boxes),
        form: forms[runtime],
        onProgress: (line) => progress.show(line),
      });
      result(io, json, calibrated, lines(calibrated));
    });

function lines({ scores: { miou, ap50 }, heads, layers, bytes, bundle, methods: compared, method }: Calibrated): string[] {
  const score = (of: typeof miou): string => (of ? `${figure(of.float)} -> ${figure(of.int8)} on ${of.frames} frames of ${of.on}` : "not measured");
  const apart = ({ pixels, mask, boxScore, boxSide }: typeof heads): string =>
    `${figure(pixels, 2)} % of pixels, ${figure(mask, 4)} nats; boxes: scores by ${figure(boxScore, 4)}, sides by ${figure(boxSide, 2)} pixels`;
  const megabytes = (count: number): string => `${(count / 1e6).toFixed(1)} MB`;
  const kept = layers.filter(({ float }) => float);
  return [
    ...table([
      ["mIoU", score(miou)],
      ["AP50", score(ap50)],
      ["from float", apart(heads)],
      ["in int8", `${layers.length - kept.length} of ${layers.length} layers`],
      ["graph", `${megabytes(bytes.model.float)} -> ${megabytes(bytes.model.int8)}`],
      ["bundle", `${megabytes(bytes.bundle.float)} -> ${megabytes(bytes.bundle.int8)} in ${bundle}`],
    ]),
    "from float by each method, all layers in int8",
    ...table(Object.entries(compared).map(([name, divergence]) => [`  ${name}${name === method ? " (chosen)" : ""}`, apart(divergence)])),
    "from float where only one layer is int8, the worst first",
    ...table(layers.slice(0, told).map((layer) => [`  ${layer.layer}${layer.float ? " (stays in float)" : ""}`, apart(layer)])),
  ];
}
