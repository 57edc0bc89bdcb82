import { Command } from "commander";
import { number, repeated, wholeNumber } from "./arguments.js";
import { figure, type Io, Progress, result, table } from "./io.js";

interface Options {
  readonly out: string;
  readonly checkpoint?: string;
  readonly recipe: string;
  readonly minutes?: number;
  readonly resume: boolean;
  readonly data?: string;
  readonly textEncoder?: string;
  readonly trust?: readonly string[];
  readonly threads?: number;
  readonly json: boolean;
}

export const trainCommand = (io: Io): Command =>
  new Command("train")
    .description("Train a bundle from labelled frames of clear days.")
    .requiredOption("--out <folder>", "where the bundle goes; nothing may be there yet")
    .option("--checkpoint <folder>", "where checkpoints are kept; beside --out by default")
    .option("--recipe <name or file>", "what is learnt from and for how long: default, further, finer, hazed, darkened, nights, rendered, depth, or a YAML file", "default")
    .option("--minutes <count>", "stop after this long and write what was learnt by then", number(0))
    .option("--data <folder>", "where the recipe's paths start; ../shared/data beside the package by default")
    .option("--text-encoder <folder>", "a CLIP text tower that names are encoded by; the recipe's, else the bundled text encoder, by default")
    .option("--trust <file>", "a public key: the bundle that the recipe starts from must be signed by it; may be given again", repeated)
    .option("--threads <count>", "threads of the training step", wholeNumber(1))
    .option("--resume", "go on from the newest checkpoint", false)
    .option("--json", "print JSON alone on stdout", false)
    .action(async ({ out, checkpoint = `${out}.checkpoints`, json, ...options }: Options) => {
      const { train } = await import("../training/train.js");
      const progress = new Progress(io);
      const trained = await train({
        ...options,
        out,
        checkpoint,
        openModule: new URL("../../adapters/datasets/open.js", import.meta.url),
        onProgress: (line) => progress.show(line),
      });
      const { validation, losses: _, ...plain } = trained;
      result(io, json, trained, table([...Object.entries(plain), ...(validation ? [["validation mIoU", figure(validation.miou)] as const] : []), ...(validation?.depth ? [["validation depth, absRel %", figure(validation.depth.absRel)] as const] : [])]));
    });
