import { Command, Option } from "commander";
import { names, number, trains, wholeNumber } from "./arguments.js";
import { benches, type BenchOption, type BenchOptions } from "./benches.js";
import { type Io, Progress, result, table } from "./io.js";

type Options = Omit<BenchOptions, "onProgress"> & { readonly json: boolean };

const forms: Readonly<Record<BenchOption, () => Option>> = {
  minutes: () => new Option("--minutes <count>", "how long all rounds take together").argParser(number(0.1)),
  cameras: () => new Option("--cameras <count>", "how many cameras there are").argParser(wholeNumber(1)),
  count: () => new Option("--count <count>", "how many frames, steps, swaps or harmful updates to measure").argParser(wholeNumber(1)),
  threads: () => new Option("--threads <count>", "threads of inference or learning").argParser(wholeNumber(1)),
  bundle: () => new Option("--bundle <name or path>", "default, rendered, or the folder of a bundle"),
  peer: () => new Option("--peer <program>", "compare with PyTorch in this Python"),
  native: () => new Option("--native", "measure the same from the native module too"),
  step: () => new Option("--step <kind>", "which training step").choices(["lmc", "supervised"]),
  trains: () => new Option("--trains <which>", "which parameters learn in the lmc step: as of adapt").argParser(trains),
  recompute: () => new Option("--recompute <what>", "keep all activations for the backward pass, or compute those inside of blocks again").choices(["none", "blocks"]),
  models: () => new Option("--models <names>", "only these, separated by commas").argParser(names),
  plot: () => new Option("--plot <file>", "write a plot as SVG"),
  out: () => new Option("--out <folder>", "where to keep data and a plot"),
};

export const benchCommand = (io: Io): Command => {
  const command = new Command("bench").description("Measure. Interleaved with what is compared with, spread and memory printed.");
  for (const [name, { what, takes, load }] of Object.entries(benches)) {
    const bench = new Command(name).description(what);
    for (const option of takes) bench.addOption(forms[option]());
    command.addCommand(
      bench
        .option("--json", "print JSON alone on stdout", false)
        .action(async ({ json, ...options }: Options) => {
          const progress = new Progress(io);
          const figures = await (await load())({ ...options, onProgress: (line) => progress.show(line) });
          result(io, json, figures, table(Object.entries(figures).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)] as const)));
        }),
    );
  }
  return command;
};
