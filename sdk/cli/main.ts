import { Command, CommanderError } from "commander";
import { NightshiftError } from "../errors.js";
import { ablateCommand } from "./ablate.js";
import { adaptCommand } from "./adapt.js";
import { benchCommand } from "./bench.js";
import { buildCommand } from "./build.js";
import { calibrateCommand } from "./calibrate.js";
import { doctorCommand } from "./doctor.js";
import { eraseCommand } from "./erase.js";
import { evaluateCommand } from "./evaluate.js";
import { importCommand } from "./import.js";
import { inspectCommand } from "./inspect.js";
import { type Io, processIo, ToldFailure } from "./io.js";
import { keysCommand } from "./keys.js";
import { recordCommand } from "./record.js";
import { replayCommand } from "./replay.js";
import { runCommand } from "./run.js";
import { signCommand } from "./sign.js";
import { trainCommand } from "./train.js";
import { version } from "../version.js";

export const exitCodes = { ok: 0, failure: 1, usage: 2 } as const;

/** Every command, in the order of `nightshift --help`. */
const commands = [
  runCommand, recordCommand, replayCommand, trainCommand, adaptCommand, evaluateCommand, ablateCommand, calibrateCommand, benchCommand, buildCommand, importCommand, inspectCommand,
  keysCommand, signCommand, eraseCommand, doctorCommand,
];

/**
 * The `nightshift` command. Answers with its exit code: 0, 1 where something failed (its coded error is on stderr, and with `--json`
 * also on stdout), 2 where the command line is wrong.
 */
export async function main(argv: readonly string[], io: Io = processIo()): Promise<number> {
  const program = new Command("nightshift").description("Perception that answers in words and goes on learning when night or fog comes.").version(version());
  program.exitOverride().configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) });
  program.addHelpText("after", "\nExit codes: 0 done, 1 failed (the error's code is printed), 2 wrong command line.");
  for (const make of commands) program.addCommand(inheriting(make(io), program));
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (!(error instanceof ToldFailure)) tell(error, io);
    const failure = error instanceof ToldFailure ? error.cause : error;
    if (failure !== undefined && argv.includes("--json")) io.out(`${JSON.stringify({ error: asJson(failure) }, undefined, 2)}\n`);
    return exitCodes.failure;
  }
}

/** Commander hands settings down only to commands that it makes itself. */
function inheriting(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const each of command.commands) inheriting(each, command);
  return command;
}

function tell(error: unknown, io: Io): void {
  io.err(error instanceof NightshiftError ? `${error.code}\n  expected  ${error.expected}\n  received  ${error.received}\n  remedy    ${error.remedy}\n` : `E_INTERNAL\n  ${describe(error)}\n`);
}

function asJson(error: unknown): object {
  const { code, expected, received, remedy } = error instanceof NightshiftError ? error : { code: "E_INTERNAL", expected: "no unforeseen error", received: String(error), remedy: "Report this." };
  return { code, expected, received, remedy };
}

const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
