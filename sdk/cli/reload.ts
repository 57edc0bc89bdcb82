import { stat } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { Turns } from "../engine/turns.js";
import type { Nightshift } from "../nightshift.js";
import type { LiveOptions, Reconfiguration } from "../pipeline/reconfiguration.js";
import { adaptationOptions, type Configuration } from "./configuration.js";

const ofCamera = "cameras are opened once";
const ofEngine = "the engine is built once";
const ofSockets = "sockets are bound once";
const ofState = "what is kept is opened and locked once";

/** Why a key of the configuration needs a restart, for each; `undefined` where it is applied while frames stream. */
export const restartReasons: { readonly [Key in keyof Required<Configuration>]: Key extends keyof LiveOptions ? undefined : string } = {
  vocabulary: undefined,
  adaptation: undefined,
  memoryHours: undefined,
  source: ofCamera,
  camera: ofCamera,
  cameras: ofCamera,
  fps: ofCamera,
  loop: ofCamera,
  frames: ofCamera,
  intrinsics: ofCamera,
  seed: "the drive and learning go on from it",
  bundle: "other weights serve only once they are judged",
  textEncoder: "the bundle's words are encoded by it",
  trust: "it decides what is loaded at the start",
  exemplars: "labelled frames are read once",
  threads: ofEngine,
  engine: ofEngine,
  provider: ofEngine,
  state: ofState,
  memoryKey: ofState,
  port: ofSockets,
  host: ofSockets,
  viewerPort: ofSockets,
  viewerHost: ofSockets,
  headless: ofSockets,
  healthPort: ofSockets,
  healthHost: ofSockets,
  tokenFile: ofSockets,
  traces: "tracing begins with the stream",
  log: "its form is chosen once",
  key: "sockets are bound once; what the file holds is read again by itself",
  allowed: "sockets are bound once; what the file holds is read again by itself",
};

/** From the configuration in force to another. */
export function reconfiguration(inForce: Configuration, next: Configuration): Required<Reconfiguration> {
  const keys = (Object.keys(restartReasons) as (keyof Configuration)[]).filter((key) => !isDeepStrictEqual(inForce[key], next[key]));
  const live: LiveOptions = { vocabulary: next.vocabulary, adaptation: adaptationOptions(next.adaptation), memoryHours: next.memoryHours };
  const reasons = keys.map((key) => [key, restartReasons[key]] as const);
  return {
    changes: Object.fromEntries(reasons.filter(([, reason]) => reason === undefined).map(([key]) => [key, live[key as keyof LiveOptions]])),
    refused: Object.fromEntries(reasons.flatMap(([key, reason]) => (reason === undefined ? [] : [[key, reason]]))),
  };
}

/** The file that a configuration came from. */
export interface ConfigurationSource {
  readonly path: string;
  /** How the file looked before it was read. */
  readonly version: string;
  /** With the command line over it, as at the start. */
  read(): Promise<Configuration>;
}

export const configurationSource = async (path: string, read: ConfigurationSource["read"]): Promise<ConfigurationSource> => ({ path, version: await versionOf(path), read });

/** How often the file is looked at, milliseconds. */
const watchEveryMs = 500;

/** Reads the configuration again on SIGHUP, or when its file has changed, and applies what needs no restart. */
export class Reloader {
  readonly #turns = new Turns();
  readonly #clock: NodeJS.Timeout;
  readonly #asked = (): void => void this.#turns.take(() => this.#reload());
  #version: string;

  constructor(
    private readonly nightshift: Pick<Nightshift, "reconfigure">,
    private readonly source: ConfigurationSource,
    private inForce: Configuration,
  ) {
    this.#version = source.version;
    this.#clock = setInterval(() => void this.#turns.take(() => this.#look()), watchEveryMs).unref();
    process.on("SIGHUP", this.#asked);
  }

  close(): void {
    clearInterval(this.#clock);
    process.off("SIGHUP", this.#asked);
  }

  /** Not by the system's notices, as in `Access`. */
  async #look(): Promise<void> {
    if ((await versionOf(this.source.path)) !== this.#version) await this.#reload();
  }

  async #reload(): Promise<void> {
    this.#version = await versionOf(this.source.path);
    let next = this.inForce;
    try {
      await this.nightshift.reconfigure(async () => {
        next = await this.source.read();
        return reconfiguration(this.inForce, next);
      });
      // What needs a restart is told again until it is either undone or in force.
      const { vocabulary, adaptation, memoryHours } = next;
      this.inForce = { ...this.inForce, vocabulary, adaptation, memoryHours };
    } catch {
      // Told as an event.
    }
  }
}

async function versionOf(path: string): Promise<string> {
  const look = await stat(path, { bigint: true }).catch(() => undefined);
  return look ? `${look.ino} ${look.size} ${look.mtimeNs}` : "none";
}
