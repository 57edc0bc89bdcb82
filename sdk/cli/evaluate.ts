import { Command } from "commander";
import { wholeNumber } from "./arguments.js";
import { datasetNamed } from "./dataset.js";
import { figure, type Io, Progress, result, table } from "./io.js";

interface Options {
  readonly bundle: string;
  readonly dataset: string;
  readonly frames?: number;
  readonly threads: number;
  readonly json: boolean;
}

export const evaluateCommand = (io: Io): Command =>
  new Command("evaluate")
    .description("Score a bundle on a labelled dataset. The dataset's class names are what the network is asked for.")
    .requiredOption("--dataset <dataset>", "a folder with images/, labels/ or boxes/, and classes.json; or drive:CONDITION:SEED:COUNT, rendered")
    .option("--bundle <name or path>", "default, rendered, or the folder of a bundle", "default")
    .option("--frames <count>", "only so many frames, spread over the dataset", wholeNumber(1))
    .option("--threads <count>", "threads of inference", wholeNumber(1), 2)
    .option("--json", "print JSON alone on stdout", false)
    .addHelpText("after", "\nPrints miou, perClass, ap50, perClassAp50 (percent), frames and seconds.")
    .action(async (options: Options) => {
      const { findBundle } = await import("../bundle/index.js");
      const { evaluateBundle } = await import("../training/evaluate.js");
      const progress = new Progress(io);
      const evaluation = await evaluateBundle(findBundle(options.bundle), await datasetNamed(options.dataset), {
        threads: options.threads,
        ...(options.frames !== undefined && { frames: options.frames }),
        onProgress: (done, total) => progress.show(`${done} of ${total} frames`),
      });
      const { miou, perClass, ap50, perClassAp50, frames, seconds } = evaluation;
      result(io, options.json, evaluation, [
        `mIoU ${figure(miou)}   AP50 ${figure(ap50)}   ${frames} frames in ${figure(seconds)} s`,
        ...table(Object.entries(perClass).map(([name, iou]) => [name, figure(iou)])),
        ...table(Object.entries(perClassAp50).map(([name, ap]) => [`AP50 ${name}`, figure(ap)])),
      ]);
    });
