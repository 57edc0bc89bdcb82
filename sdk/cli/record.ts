import { Command } from "commander";
import type { RunOptions } from "./configuration.js";
import { type Io, result } from "./io.js";
import { streaming } from "./run.js";

export const recordCommand = (io: Io): Command =>
  streaming(new Command("record"))
    .description("Stream as `run` does, and record frames, answers, weather and events into an MCAP file, which Foxglove opens and `replay` feeds back.")
    .argument("<file>", "a new .mcap file")
    .option("--lossless", "frames as PNG instead of JPEG: what the network saw to the last bit, in some five times the bytes", false)
    .addHelpText("after", "\nAt the end it prints what `run` does. Fails with E_RECORDING where it could not record to the end; the stream goes on meanwhile.")
    .action(async (file: string, { lossless, ...options }: RunOptions & { readonly lossless: boolean }) => {
      const { runToEnd } = await import("./run-to-end.js");
      const { summaryLines } = await import("./summary.js");
      const summary = await runToEnd(io, options, { path: file, lossless });
      result(io, options.json, summary, summaryLines(summary));
    });
