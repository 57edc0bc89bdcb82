import { Command, Option } from "commander";
import type { LearntOptions } from "../pipeline/evaluate-learnt.js";
import type { Gain, Gains } from "../training/frame-scores.js";
import { names, textEncoder, trust, wholeNumber, words } from "./arguments.js";
import { datasetNamed } from "./dataset.js";
import { between, figure, type Io, Progress, result, table } from "./io.js";

interface Options {
  readonly bundle: string;
  readonly dataset: string;
  readonly state?: string;
  readonly over?: string;
  readonly condition: LearntOptions["condition"];
  readonly words?: ReadonlyMap<string, string>;
  readonly also?: readonly string[];
  readonly textEncoder?: string;
  readonly heldOut?: readonly string[];
  readonly intervals: boolean;
  readonly trust?: readonly string[];
  readonly frames?: number;
  readonly threads: number;
  readonly json: boolean;
}

const conditions: readonly LearntOptions["condition"][] = ["latest", "auto", "clear", "dusk", "night", "fog"];

export const evaluateCommand = (io: Io): Command =>
  new Command("evaluate")
    .description("Score a bundle on a labelled dataset. The dataset's class names are what the network is asked for.")
    .requiredOption("--dataset <dataset>", "a folder with images/, labels/ or boxes/, and classes.json; or drive:CONDITION:SEED:COUNT, rendered")
    .option("--bundle <name or path>", "default, rendered, or the folder of a bundle", "default")
    .option("--state <folder>", "score what a vehicle learnt from the bundle: a folder that `nightshift run --state` keeps")
    .option("--over <name or path>", "score another bundle on the same frames too, and tell the gain over it, with 95 % intervals")
    .addOption(
      new Option("--condition <which>", "whose weights: those in use last, those for what each frame looks like, or those for a condition").choices(conditions).default("latest"),
    )
    .option("--words <name=word,...>", "other words to ask for than the dataset's names, for example sidewalk=pavement,tree=foliage", words)
    .option("--also <names>", "names to ask for beside the dataset's, as a vehicle's vocabulary has them; no pixel of the dataset is one", names)
    .option(...textEncoder)
    .option("--held-out <names>", "names that the bundle never learnt, separated by commas: they and the others are averaged apart", names)
    .option("--intervals", "tell 95 % intervals of the scores, by bootstrap over frames", false)
    .option(...trust)
    .option("--frames <count>", "only so many frames, spread over the dataset", wholeNumber(1))
    .option("--threads <count>", "threads of inference", wholeNumber(1), 2)
    .option("--json", "print JSON alone on stdout", false)
    .addHelpText("after", "\nPrints miou, perClass, ap50, perClassAp50 (percent), frames, seconds, condition, and generations: how many frames each answered; for an imported model also classes, for one that tells depth also depth: absRel and within125; with --intervals also intervals, with --over also gain: miou, ap50, perClass and perClassAp50, each points and interval, with --held-out also seen and unseen.")
    .action(async (options: Options) => {
      const { findBundle } = await import("../bundle/index.js");
      const { evaluateLearnt } = await import("../pipeline/evaluate-learnt.js");
      const progress = new Progress(io);
      const { askedBeside, checkHeldOut, inOtherWords } = await import("../training/dataset.js");
      const { seenAndUnseen } = await import("../training/evaluate.js");
      const { bundle, over, dataset: named, words: other, also, heldOut, json, ...others } = options;
      const labelled = await datasetNamed(named);
      const inWords = other ? inOtherWords(labelled, other) : labelled;
      const dataset = also ? askedBeside(inWords, also) : inWords;
      if (heldOut) checkHeldOut(heldOut, [dataset]);
      const evaluation = await evaluateLearnt(
        { ...others, bundle: findBundle(bundle), ...(over !== undefined && { over: findBundle(over) }), onProgress: (done, total) => progress.show(`${done} of ${total} frames`) },
        dataset,
      );
      const { miou, perClass, ap50, perClassAp50, depth, frames, seconds, generations, intervals, gain, classes = {} } = evaluation;
      const apart = heldOut && seenAndUnseen(evaluation, heldOut);
      const asked = Object.entries(classes).filter(([name, meant]) => name !== meant);
      result(io, json, { ...evaluation, ...apart }, [
        `mIoU ${figure(miou)}   AP50 ${figure(ap50)}   ${frames} frames in ${figure(seconds)} s`,
        ...(intervals ? [`95 %: mIoU ${between(intervals.miou)}   AP50 ${between(intervals.ap50)}`] : []),
        ...(apart ? [`learnt: mIoU ${figure(apart.seen.miou)}   AP50 ${figure(apart.seen.ap50)}`, `held out: mIoU ${figure(apart.unseen.miou)}   AP50 ${figure(apart.unseen.ap50)}`] : []),
        ...(depth ? [`depth: error ${figure(depth.absRel)} %, ${figure(depth.within125)} % within a factor of 1.25, up to 80 m`] : []),
        ...table(Object.entries(generations).map(([generation, count]) => [`generation ${generation}`, `${count} frames`])),
        ...table(asked.map(([name, meant]) => [`${name} stands for`, meant ?? "no class of the model"])),
        ...table(Object.entries(perClass).map(([name, iou]) => [name, figure(iou)])),
        ...table(Object.entries(perClassAp50).map(([name, ap]) => [`AP50 ${name}`, figure(ap)])),
        ...(gain ? [`gained over ${over}, 95 % over frames:`, ...table(gainsTold(gain))] : []),
      ]);
    });

/** A row for each score that both have. */
function gainsTold({ miou, ap50, perClass, perClassAp50 }: Gains): [string, string][] {
  const rows: [string, Gain | null][] = [["mIoU", miou], ...Object.entries(perClass), ["AP50", ap50], ...Object.entries(perClassAp50).map(([name, gain]): [string, Gain] => [`AP50 ${name}`, gain])];
  return rows.flatMap(([name, gain]) => (gain ? [[name, `${figure(gain.points)} (${between(gain.interval)})`]] : []));
}
