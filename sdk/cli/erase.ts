import { Command } from "commander";
import { NightshiftError } from "../errors.js";
import { type Io, result, table } from "./io.js";

interface Options {
  readonly state?: string;
  readonly generations: boolean;
  readonly control?: string;
  readonly key?: string;
  readonly server?: string;
  readonly json: boolean;
}

export const eraseCommand = (io: Io): Command =>
  new Command("erase")
    .description("Erase the frames that a vehicle remembered: from its state folders, or by --control from a Nightshift that runs.")
    .option("--state <folder>", "a folder that `nightshift run --state` keeps, or one that holds such folders (default: the user's state folder)")
    .option("--generations", "what was learnt from the frames too: every generation and the shelf", false)
    .option("--control <address>", "ask the Nightshift whose control socket this is; what it learnt stays")
    .option("--key <file>", "for a control socket that asks for keys: the own pair, which must be a controller's")
    .option("--server <file>", "and the server's public key (.pub)")
    .option("--json", "print JSON alone on stdout", false)
    .action(async (options: Options) => {
      refuseIdle(options);
      const { state, generations, control, key, server, json } = options;
      if (control !== undefined) {
        const [{ ControlClient }, { readCurveClient }] = [await import("../stream/control-client.js"), await import("../stream/curve.js")];
        const client = new ControlClient(control, 30_000, key === undefined || server === undefined ? undefined : await readCurveClient(key, server));
        try {
          await client.eraseFrames();
        } finally {
          client.close();
        }
        return result(io, json, { erased: [control] }, [`The Nightshift at ${control} has erased its frames.`]);
      }
      const { eraseStates } = await import("../pipeline/erase.js");
      const erased = await eraseStates(state, generations);
      result(io, json, { erased }, table(erased.map((folder) => ["erased", folder])));
    });

/** Throws `E_CONFIG` for options that would do nothing: whoever gives them relies on what they say. */
function refuseIdle({ state, generations, control, key, server }: Options): void {
  const refuse = (expected: string, received: string, remedy: string): never => {
    throw new NightshiftError("E_CONFIG", { expected, received, remedy });
  };
  if (control !== undefined && (state !== undefined || generations))
    refuse("--control alone, which erases remembered frames", `--control with ${generations ? "--generations" : "--state"}`, "Stop that Nightshift, then erase with --state and --generations.");
  if (control === undefined && (key ?? server) !== undefined) refuse("a control socket that keys are for", "none", "Name it with --control.");
  if ((key === undefined) !== (server === undefined)) refuse("an own pair of keys and the server's public key, or neither", key === undefined ? "--server alone" : "--key alone", "Name both, with --key and --server.");
}
