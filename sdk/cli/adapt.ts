import { Command, Option } from "commander";
import { methodNames } from "../adaptation/trainer/methods.js";
import type { AdaptOptions } from "../pipeline/adapt-offline.js";
import { names, share, textEncoder, trains, trust, wholeNumber } from "./arguments.js";
import { figure, type Io, Progress, result, table } from "./io.js";

type Options = Omit<AdaptOptions, "onProgress"> & { readonly json: boolean };

export const adaptCommand = (io: Io): Command =>
  new Command("adapt")
    .description("Adapt a bundle to unlabelled frames, offline, and let the judge decide. Labels of the frames, if any, are not read.")
    .requiredOption("--frames <folder>", "a folder of images, or one with images/")
    .requiredOption("--out <folder>", "where the adapted bundle goes; nothing may be there yet")
    .option("--bundle <name or path>", "default, rendered, or the folder of a bundle", "default")
    .option("--exemplars <folder>", "labelled frames to replay besides the bundle's own")
    .addOption(new Option("--condition <name>", "what the frames show; judged from them by default").choices(["clear", "dusk", "night", "fog"]))
    .option("--vocabulary <names>", "names to learn by, separated by commas; the bundle's own by default", names)
    .option(...textEncoder)
    .option(...trust)
    .addOption(new Option("--method <name>", "how it learns: whole (the default), entropy (of its answers, on normalisation alone), self-training, or statistics (of normalisation alone)").choices(methodNames))
    .option("--steps <count>", "learning steps", wholeNumber(1))
    .option("--trains <what>", "default, all, norm (of normalisation), decoder, prompts (of the text encoder), last:n (matrices), lora:r (of rank r), or /a pattern of names/", trains)
    .option("--statistics-mix <share>", "of the frames in the statistics of normalisation, 0 to 1, taken before the first step; by condition by default", share)
    .addOption(new Option("--recompute <what>", "blocks computes activations again in the backward pass: more time, less memory").choices(["none", "blocks"]))
    .option("--seed <number>", "of learning", wholeNumber(0), 1)
    .option("--threads <count>", "threads of learning", wholeNumber(1), 2)
    .addOption(new Option("--engine <which>", "who computes the steps: onnxruntime (the default), or native (the same from the native module, the state staying on the device)").choices(["onnxruntime", "native"]))
    .option("--provider <name>", "execution provider of the steps: cpu (the default), cuda or tensorrt; one that is not there is an error")
    .option("--json", "print JSON alone on stdout", false)
    .addHelpText("after", "\nPrints accepted, verdicts, share, steps, seconds, losses, before and after. The bundle is written whatever the verdict.")
    .action(async (options: Options) => {
      const { adaptOffline } = await import("../pipeline/adapt-offline.js");
      const { findBundle } = await import("../bundle/index.js");
      const progress = new Progress(io);
      const { bundle, json, ...rest } = options;
      const adapted = await adaptOffline({
        ...rest,
        bundle: findBundle(bundle),
        onProgress: ({ phase, step, steps, losses }) => progress.show(`${phase}, ${step} of ${steps} steps${losses ? `, loss ${losses.total.toFixed(3)}` : ""}`),
      });
      const {
        accepted,
        verdicts: [verdict],
        before,
        after,
      } = adapted;
      result(io, json, adapted, [
        accepted ? "Accepted." : `Rejected: ${verdict.reasons.join("; ")}`,
        ...table([
          ["steps", adapted.steps],
          ["share of what was learnt", adapted.share],
          ["seconds", figure(adapted.seconds)],
          ["mIoU on exemplars", `${figure(before.exemplars.miou)} -> ${figure(after.exemplars.miou)}`],
          ["the same in the frames' colours", `${figure(before.restyled.miou)} -> ${figure(after.restyled.miou)}`],
          ["AP50 on exemplars", `${figure(before.exemplars.boxes?.ap50)} -> ${figure(after.exemplars.boxes?.ap50)}`],
          ["the same in the frames' colours", `${figure(before.restyled.boxes?.ap50)} -> ${figure(after.restyled.boxes?.ap50)}`],
          ["target score", `${figure(verdict.numbers.targetScore.before)} -> ${figure(verdict.numbers.targetScore.after)}`],
          ["bundle", options.out],
        ]),
      ]);
    });
