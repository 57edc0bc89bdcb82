import { Command, Option } from "commander";
import type { Calibrated, Into } from "../../calibration/calibrate.js";
import type { RangeMethod } from "../../calibration/ranges.js";
import { NightshiftError } from "../errors.js";
import { number, textEncoder, wholeNumber } from "./arguments.js";
import { datasetNamed } from "./dataset.js";
import { between, figure, type Io, Progress, result, table } from "./io.js";

interface Options {
  readonly bundle: string;
  readonly frames: string;
  readonly boxes: string;
  readonly out: string;
  readonly precision: "int8" | "fp16";
  readonly for?: keyof typeof forms;
  readonly method?: RangeMethod;
  readonly allowedLoss: number;
  readonly textEncoder?: string;
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
    .description("Make a bundle whose network computes in int8 or float16. Refused, with nothing written, where that costs more than a point on frames that nothing was chosen on.")
    .requiredOption("--frames <dataset>", "labelled frames as of evaluate: the first half to choose ranges and layers on, the second to judge by")
    .requiredOption("--out <folder>", "where the bundle goes; nothing may be there yet")
    .option("--bundle <name or path>", "default, rendered, or the folder of a bundle in float", "default")
    .option("--boxes <dataset>", "labelled boxes to judge by, where --frames has none; an imported model is judged by --frames alone", "drive:day:901:192")
    .addOption(new Option("--precision <which>", "int8, for ONNX Runtime on a CPU or TensorRT; or fp16, for TensorRT: on a CPU it only shows what that costs").choices(["int8", "fp16"]).default("int8"))
    .addOption(new Option("--for <runtime>", "of int8: uint8 activations with zero points, fast in ONNX Runtime (the default); or int8 without, as TensorRT takes them").choices(Object.keys(forms)))
    .addOption(new Option("--method <name>", "of int8: how ranges are chosen from what was seen; mse unless told otherwise").choices(methods))
    .option("--allowed-loss <points>", "of mIoU and of AP50, before the bundle is refused", number(0), 1)
    .option(...textEncoder)
    .option("--threads <count>", "threads of inference", wholeNumber(1), 2)
    .option("--json", "print JSON alone on stdout", false)
    .addHelpText(
      "after",
      `
Prints scores (miou and ap50: float, reduced to int8 or float16, and lost, with its 95 % interval over frames), heads (how far that is from float: mask, pixels, boxScore, boxSide, depth), layers (the same where only one
is reduced, the worst first; float: it stays in float), and bytes; of int8 methods (the same by each); of fp16 inFloat (what stays in float32 by rule, and why). Weights stay
in the bundle as they were learnt, so it adapts like any other.`,
    )
    .action(async ({ frames, boxes, bundle, precision, for: runtime, method, json, ...options }: Options) => {
      const into = intoOf(precision, runtime, method);
      const { calibrate } = await import("../../calibration/calibrate.js");
      const { findBundle } = await import("../bundle/index.js");
      const progress = new Progress(io);
      const calibrated = await calibrate({
        ...options,
        bundle: findBundle(bundle),
        frames: await datasetNamed(frames),
        boxes: await datasetNamed(boxes),
        into,
        onProgress: (line) => progress.show(line),
      });
      result(io, json, calibrated, lines(calibrated));
    });

function intoOf(precision: Options["precision"], runtime: Options["for"], method: Options["method"]): Into {
  if (precision === "int8") return { precision, method: method ?? "mse", form: forms[runtime ?? "onnxruntime"] };
  if (runtime === undefined && method === undefined) return { precision: "float16" };
  throw new NightshiftError("E_CONFIG", { expected: "neither --for nor --method with --precision fp16, which has one form and no ranges", received: runtime === undefined ? "--method" : "--for", remedy: "Leave it out." });
}

function lines({ scores: { miou, ap50 }, heads, layers, bytes, bundle, into, methods: compared, inFloat }: Calibrated): string[] {
  const { precision } = into;
  const score = (of: typeof miou): string => (of ? `${figure(of.float)} -> ${figure(of.reduced)} (${between(of.interval)} lost) on ${of.frames} frames of ${of.on}` : "not measured");
  const apart = ({ pixels, mask, boxScore, boxSide, depth }: typeof heads): string =>
    `${figure(pixels, 2)} % of pixels, ${figure(mask, 4)} nats; boxes: scores by ${figure(boxScore, 4)}, sides by ${figure(boxSide, 2)} pixels${depth === null ? "" : `; distances by ${figure(depth, 2)} %`}`;
  const size = ({ float, reduced }: typeof bytes.model): string => `${(float / 1e6).toFixed(1)} MB -> ${(reduced / 1e6).toFixed(1)} MB`;
  const kept = layers.filter(({ float }) => float);
  const by = (reason: string): number => inFloat?.filter((node) => node.reason === reason).length ?? 0;
  return [
    ...table([
      ["mIoU", score(miou)],
      ["AP50", score(ap50)],
      ["from float", apart(heads)],
      [`in ${precision}`, `${layers.length - kept.length} of ${layers.length} layers`],
      ...(inFloat ? [["in float32", `nodes by rule: ${by("sum")} that add up, ${by("range")} near the largest number, ${by("constant")} with such a constant`] as const] : []),
      ["graph", size(bytes.model)],
      ["bundle", `${size(bytes.bundle)} in ${bundle}`],
    ]),
    ...(compared && into.precision === "int8"
      ? ["from float by each method, all layers in int8", ...table(Object.entries(compared).map(([name, divergence]) => [`  ${name}${name === into.method ? " (chosen)" : ""}`, apart(divergence)]))]
      : []),
    `from float where only one layer is in ${precision}, the worst first`,
    ...table(layers.slice(0, told).map((layer) => [`  ${layer.layer}${layer.float ? " (stays in float)" : ""}`, apart(layer)])),
  ];
}
