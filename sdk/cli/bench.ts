import { Command, Option } from "commander";
import { names, number, trains, wholeNumber } from "./arguments.js";
import { benches, type BenchOptions } from "./benches.js";
import { type Io, Progress, result, table } from "./io.js";

type Options = Omit<BenchOptions, "onProgress"> & { readonly json: boolean };

export const benchCommand = (io: Io): Command => {
  const command = new Command("bench").description("Measure. Interleaved with what is compared with, spread and memory printed.");
  for (const [name, { what, load }] of Object.entries(benches))
    command.addCommand(
      new Command(name)
        .description(what)
        .option("--seconds <count>", "how long to measure", number(0))
        .option("--minutes <count>", "how long all rounds take together, where a bench has rounds", number(0.1))
        .option("--cameras <count>", "how many cameras there are", wholeNumber(1))
        .option("--count <count>", "how many frames, steps, swaps or harmful updates to measure", wholeNumber(1))
        .option("--threads <count>", "threads of inference or learning", wholeNumber(1))
        .option("--bundle <name or path>", "default, rendered, or the folder of a bundle")
        .option("--peer <program>", "compare with this program, where the bench has a peer")
        .option("--native", "measure what the native module does too, where the bench can")
        .addOption(new Option("--step <kind>", "which training step").choices(["lmc", "supervised"]))
        .option("--trains <which>", "which parameters learn in the lmc step: as of adapt", trains)
        .addOption(new Option("--recompute <what>", "in training steps: keep all activations for the backward pass, or compute those inside of blocks again").choices(["none", "blocks"]))
        .option("--models <names>", "only these, separated by commas, where the bench has several", names)
        .option("--plot <file>", "write a plot as SVG, where the bench has one")
        .option("--out <folder>", "where to keep data and a plot, where a bench has them")
        .option("--json", "print JSON alone on stdout", false)
        .action(async ({ json, ...options }: Options) => {
          const progress = new Progress(io);
          const figures = await (await load())({ ...options, onProgress: (line) => progress.show(line) });
          result(io, json, figures, table(Object.entries(figures).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)] as const)));
        }),
    );
  return command;
};
