import { z } from "zod";
import { ranges } from "../adaptation/trainer/ranges.js";
import { NightshiftError } from "../errors.js";
import { type Trainable, trainableForms, trainablePattern } from "../network/trainable.js";
import type { NightshiftOptions } from "../pipeline/options.js";
import { readYaml } from "../yaml.js";

/** How a log is written: sentences for people, or a line of JSON each for programs. */
export const logForms = ["text", "json"] as const;

const count = z.number().int().min(0);
const port = z.number().int().min(0).max(65535);

/** As OpenCV calibrates a camera; given, frames are undistorted. */
const intrinsics = z.strictObject({ width: count, height: count, fx: z.number(), fy: z.number(), cx: z.number(), cy: z.number(), distortion: z.array(z.number()) });

/** A configuration file: the options of `nightshift run` by the same names, and what is too long for a command line. */
const schema = z.strictObject({
  source: z.string().optional(),
  bundle: z.string().optional(),
  camera: z.string().optional(),
  vocabulary: z.array(z.string()).optional(),
  textEncoder: z.string().optional(),
  fps: z.number().min(0).optional(),
  loop: count.min(1).optional(),
  frames: count.min(1).optional(),
  seed: count.optional(),
  threads: count.min(1).optional(),
  engine: z.enum(["onnxruntime", "native", "tensorrt"]).optional(),
  provider: z.string().optional(),
  exemplars: z.string().optional(),
  state: z.string().optional(),
  port: port.optional(),
  viewerPort: port.optional(),
  viewerHost: z.string().optional(),
  healthPort: port.optional(),
  healthHost: z.string().optional(),
  host: z.string().optional(),
  key: z.string().optional(),
  allowed: z.string().optional(),
  tokenFile: z.string().optional(),
  trust: z.array(z.string()).optional(),
  memoryHours: z.number().positive().optional(),
  memoryKey: z.string().optional(),
  headless: z.boolean().optional(),
  traces: z.boolean().optional(),
  /** On stderr: sentences for people, or a line of JSON for each event, error and minute. */
  log: z.enum(logForms).optional(),
  /** `false`: watch the weather, but never learn. Else when to learn, and with how much of the computer. */
  adaptation: z
    .union([
      z.boolean(),
      z.strictObject({
        conditions: z.array(z.enum(["dusk", "night", "fog"])).optional(),
        /** Further trainings while a condition lasts. */
        rounds: count.optional(),
        /** How it learns; `whole` unless told otherwise. */
        method: ranges.method.optional(),
        /** Steps of a training. */
        steps: count.min(1).optional(),
        /** Which parameters learn, as of `nightshift adapt`. */
        trains: z.string().regex(trainablePattern, `expected ${trainableForms}`).optional(),
        /** Share of the frames in the statistics of normalisation; by condition by default. */
        statisticsMix: ranges.statisticsMix.optional(),
        /** Cores that it may use at most. */
        threads: ranges.threads.optional(),
        /** Share of time in which it works, above 0 to 1. */
        share: ranges.duty.optional(),
        niceness: ranges.niceness.optional(),
        /** Memory of the trainer's process, megabytes; a training that takes more is ended. */
        memoryMb: ranges.memoryMb.optional(),
        /** It rests while the machine is hotter, degrees, */
        mostCelsius: ranges.mostCelsius.optional(),
        /** or takes more power, watts; no limits unless given, and an error where the machine does not measure them. */
        mostWatts: ranges.mostWatts.optional(),
        /** Who computes the steps. */
        engine: ranges.engine.optional(),
        /** Execution provider of ONNX Runtime that they run on. */
        provider: z.string().optional(),
      }),
    ])
    .optional(),
  intrinsics: intrinsics.optional(),
  /** Several cameras in the place of `source`, `camera`, `fps`, `loop`, `frames` and `intrinsics`. */
  cameras: z
    .array(
      z.strictObject({
        name: z.string(),
        source: z.string(),
        /** `newest`: a frame that comes while another waits takes its place. `every`: the camera waits. */
        policy: z.enum(["newest", "every"]).optional(),
        fps: z.number().min(0).optional(),
        loop: count.min(1).optional(),
        frames: count.min(1).optional(),
        seed: count.optional(),
        intrinsics: intrinsics.optional(),
      }),
    )
    .min(1)
    .optional(),
});

export type Configuration = Readonly<z.infer<typeof schema>>;

/** What a command that streams is given: options by the same names, over those of a file. */
export interface RunOptions extends Configuration {
  readonly config?: string;
  readonly set?: readonly string[];
  readonly json: boolean;
}

/** The same in the terms of `Nightshift.start`. */
export function adaptationOptions(configured: Configuration["adaptation"]): NightshiftOptions["adaptation"] {
  if (typeof configured !== "object") return configured === false ? false : undefined;
  const { conditions, rounds, method, steps, trains, statisticsMix, threads, share, niceness, memoryMb, mostCelsius, mostWatts, engine, provider } = configured;
  const given = <T extends object>(values: T): Partial<T> => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
  return { ...given({ conditions, furtherRounds: rounds }), training: given({ method, steps, trains: trains as Trainable | undefined, statisticsMix, threads, duty: share, niceness, memoryMb, mostCelsius, mostWatts, engine, provider }) };
}

/** Who may connect, in the same terms. Throws `E_CONFIG` where only one of the two files is named. */
export function accessOptions({ key, allowed }: Configuration): NightshiftOptions["access"] {
  if (key === undefined && allowed === undefined) return undefined;
  if (key !== undefined && allowed !== undefined) return { key, allowed };
  throw new NightshiftError("E_CONFIG", { expected: "a key and a list of who is allowed, or neither", received: key === undefined ? "a list alone" : "a key alone", remedy: "Name both, with --key and --allowed." });
}

/** Health and metrics, in the same terms. Throws `E_CONFIG` for an address without a port, on which nothing would be served. */
export function healthOptions({ healthPort: port, healthHost: host }: Configuration): NightshiftOptions["health"] {
  if (port === undefined && host !== undefined)
    throw new NightshiftError("E_CONFIG", { expected: "a port for health and metrics, which are served only where one is given", received: `the address ${host} alone`, remedy: "Give --health-port too, or leave --health-host out." });
  return port !== undefined && { port, host };
}

/** Reads a YAML (or JSON) file, with settings of the command line over it. Throws `E_CONFIG` where it cannot be read or says something that means nothing. */
export const readConfiguration = (path: string | undefined, set: readonly string[] = []): Promise<Configuration> =>
  readYaml({ path, schema, set, expected: "a configuration with the options of `nightshift run`", remedy: "See the README's section on configuration." });

/** What is configured, with the command line over it. Throws as `readConfiguration`. */
export async function configured({ config, set, json: _, adaptation, ...given }: RunOptions): Promise<Configuration> {
  // Commander says `true` where --no-adaptation is absent, which must not undo what the file says.
  return { ...(await readConfiguration(config, set)), ...given, ...(adaptation === false && { adaptation }) };
}

/** The schema of a configuration file, for editors: JSON Schema, draft 2020-12. */
export const configurationSchema = (): object => ({ title: "Nightshift", description: "What `nightshift run --config` takes.", ...z.toJSONSchema(schema) });
