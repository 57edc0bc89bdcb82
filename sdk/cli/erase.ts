import { Command } from "commander";
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
    .action(async ({ state, generations, control, key, server, json }: Options) => {
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
