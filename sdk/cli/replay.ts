import { Command } from "commander";
import type { ReplayOptions } from "../pipeline/replay.js";
import { textEncoder, wholeNumber } from "./arguments.js";
import { type Io, Progress, result, table } from "./io.js";

type Options = Omit<ReplayOptions, "onProgress"> & { readonly json: boolean };

export const replayCommand = (io: Io): Command =>
  new Command("replay")
    .description("Feed a recording back through the whole pipeline, frame by frame and from an empty state, and digest what comes of it: two replays give the same bit by bit.")
    .argument("<file>", "a .mcap file of `nightshift record`")
    .option("--bundle <name or path>", "default, rendered, or the folder of a bundle; the one that was recorded with by default")
    .option(...textEncoder)
    .option("--camera <name>", "which camera, where several were recorded")
    .option("--frames <count>", "end after so many frames", wholeNumber(1))
    .option("--threads <count>", "threads of inference; other counts may round otherwise", wholeNumber(1))
    .option("--seed <number>", "of learning; the recorded one by default", wholeNumber(0))
    .option("--steps <count>", "of a training; as recorded by default", wholeNumber(1))
    .option("--adaptation", "learn, also where the recording run did not")
    .option("--no-adaptation", "watch the weather, but never learn")
    .option("--json", "print JSON alone on stdout", false)
    .addHelpText(
      "after",
      "\nA training takes no time of the stream here, latencies are not judged, and time is as recorded.\nPrints frames, fps, triggers, verdicts, generations, sha256 (of masks, boxes, answers, events, generations), sameBundle (as was recorded with), torn (null, or where the recording ends).",
    )
    .action(async (file: string, options: Options) => {
      const { replay } = await import("../pipeline/replay.js");
      const progress = new Progress(io);
      const replayed = await replay(file, { ...options, onProgress: (line) => progress.show(line) });
      const { frames, fps, triggers, verdicts, generations, sha256, torn } = replayed;
      result(
        io,
        options.json,
        replayed,
        table([
          ["frames", `${frames}, ${fps.toFixed(1)} a second`],
          ["triggers", triggers],
          ["verdicts", `${verdicts.accepted} accepted, ${verdicts.rejected} rejected`],
          ["generations", generations.map(({ generation, condition }) => `${generation} (${condition})`).join(", ") || "none"],
          ...Object.entries({ ...sha256 }).map(([what, hash]): [string, string] => [what, hash]),
          ...(torn === null ? [] : [["torn", torn] as [string, string]]),
        ]),
      );
    });
