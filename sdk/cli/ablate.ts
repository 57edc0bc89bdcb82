import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import { repeated, wholeNumber } from "./arguments.js";
import type { Spread } from "../pipeline/study-summary.js";
import { NightshiftError } from "../errors.js";
import { figure, type Io, Progress, result } from "./io.js";

interface Options {
  readonly data?: string;
  readonly threads: number;
  readonly work?: string;
  readonly row?: readonly string[];
  readonly json: boolean;
}

export const ablateCommand = (io: Io): Command =>
  new Command("ablate")
    .description("Run a study of adaptation: several settings, several seeds, scored on labels that never taught; a journey through several weathers; or several trainings from scratch.")
    .argument("<study>", "a study in calibration/studies, without its suffix, or a YAML file of that form")
    .option("--data <folder>", "where the study's paths start; ../shared/data beside the package by default")
    .option("--threads <count>", "threads of learning", wholeNumber(1), 2)
    .option("--row <row>", "of a study of adaptations, this row alone; may be given again", repeated)
    .option("--json", "print JSON alone on stdout", false)
    .addHelpText("after", "\nResults are kept beside the study, as JSON and as a plot; runs that are there already are not made again.")
    .option("--work <folder>", "where a study of trainings keeps checkpoints; calibration/studies/<study>.work by default")
    .action(async (name: string, { data, threads, work, row: rows, json }: Options) => {
      const { formOf, runStudy, stemOf } = await import("../pipeline/study.js");
      const { summarise } = await import("../pipeline/study-summary.js");
      const { plotStudy, plotTrainings } = await import("../pipeline/study-plot.js");
      const { defaultDataFolder } = await import("../paths.js");
      const progress = new Progress(io);
      const options = { name, data: resolve(data ?? defaultDataFolder()), threads, onProgress: (line: string) => progress.show(line) };
      const form = await formOf(name);
      if (rows && form !== "adaptations") throw new NightshiftError("E_CONFIG", { expected: "rows of a study of adaptations", received: `--row for a study of another form, ${name}`, remedy: "Leave --row out: such a study is run whole." });
      if (form === "journey") {
        const { journeyLines, runJourney } = await import("../pipeline/journey.js");
        const { plotJourney } = await import("../pipeline/journey-plot.js");
        const results = await runJourney(options);
        await writeFile(`${stemOf(name)}.svg`, plotJourney(results));
        return result(io, json, results, [results.about, ...journeyLines(results)]);
      }
      if (form === "trainings") {
        const { runTrainings, trainingLines } = await import("../pipeline/trainings.js");
        const results = await runTrainings({ ...options, work: resolve(work ?? `${stemOf(name)}.work`) });
        await writeFile(`${stemOf(name)}.svg`, plotTrainings(results));
        return result(io, json, results, [results.about, ...trainingLines(results)]);
      }
      const results = await runStudy({ ...options, ...(rows && { rows }) });
      await writeFile(`${stemOf(name)}.svg`, plotStudy(results));
      const summary = summarise(results);
      const lines = summary.map(
        ({ row, on, runs, miou, ap50, worst, ofGap }) =>
          `${row.padEnd(28)} ${on.padEnd(14)} (${runs}) mIoU ${spread(miou)}  AP50 ${spread(ap50)}  ${worst ? `worst ${worst.name} ${worst.change >= 0 ? "+" : ""}${figure(worst.change)}` : ""}${ofGap === null ? "" : `  ${ofGap.toFixed(0)} % of the oracle's gain`}`,
      );
      result(io, json, { ...results, summary }, [results.about, ...lines]);
    });

const spread = (value: Spread | null): string => (value ? `${figure(value.mean)} ± ${figure(value.deviation)}` : "-");
