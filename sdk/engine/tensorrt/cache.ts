import { readdir, readFile, stat, utimes } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { threadId } from "node:worker_threads";
import { z } from "zod";
import { type Disk, realDisk } from "../../bundle/disk.js";
import { makeFolders, onDisk, refuseUnwritable, replaceSynced, sha256Of } from "../../bundle/files.js";
import { differences, type EngineKey } from "./key.js";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const keySchema = z.strictObject({
  graph: sha256,
  weights: sha256,
  precision: z.enum(["float32", "float16", "int8"]),
  calibration: z.string(),
  tensorRt: z.string(),
  gpu: z.string(),
  computeCapability: z.string(),
  multiprocessors: z.number(),
  options: z.string(),
});
const recordSchema = z.strictObject({ formatVersion: z.literal(2), key: keySchema, bytes: z.number(), sha256, seconds: z.number() });

/** Each set of weights has engines of its own, and a vehicle learns new ones every night: more than these only fill its disk. */
const mostEngines = 64;

/** An engine on disk, and what it was built for. */
export type EngineRecord = Readonly<z.infer<typeof recordSchema>>;

/** An engine that is the one that is needed, or why there is none. */
export type Lookup = { readonly plan: Uint8Array; readonly record: EngineRecord } | { readonly refused: string };

/** Where engines are kept unless told otherwise. As the XDG specification has it, a cache folder that is empty or relative counts for none. */
export function defaultEngineFolder(): string {
  const caches = process.env["XDG_CACHE_HOME"];
  return join(caches !== undefined && isAbsolute(caches) ? caches : join(homedir(), ".cache"), "nightshift", "engines");
}

/**
 * Engines on disk: a file each, and beside it one that says what it was built for. One name has one engine; what it was built for decides whether it is
 * the one that is needed, so an outdated one is found and refused, not overlooked.
 */
export class EngineCache {
  constructor(
    readonly folder: string,
    private readonly disk: Disk = realDisk,
    private readonly most = mostEngines,
  ) {}

  path(name: string): string {
    return join(this.folder, `${name}.engine`);
  }

  /** The engine of this name, if it was built for exactly this and is whole; otherwise why not, in words. */
  async find(name: string, wanted: EngineKey): Promise<Lookup> {
    const record = await this.#record(name);
    if (record === "none") return { refused: "there is none yet" };
    if (record === "damaged") return { refused: "what it was built for cannot be read" };
    const apart = differences(wanted, record.key);
    if (apart.length > 0) return { refused: `it was built for ${apart.join(", ")}` };
    const plan = await readFile(this.path(name)).catch(() => undefined);
    if (!plan || plan.length !== record.bytes || sha256Of(plan) !== record.sha256) return { refused: "its file is missing or damaged" };
    // That it was used. A cache that cannot be written loses none for its age.
    const now = new Date();
    await utimes(this.#recordPath(name), now, now).catch(() => undefined);
    return { plan, record };
  }

  /** Keeps an engine in the place of the one before, and of others those that were used last. A power cut leaves the old one, none, or the new one. Throws `E_DISK`. */
  async keep(name: string, key: EngineKey, plan: Uint8Array, seconds: number): Promise<EngineRecord> {
    await makeFolders(this.folder, this.disk);
    const record: EngineRecord = { formatVersion: 2, key, bytes: plan.length, sha256: sha256Of(plan), seconds };
    // Between the two files neither must speak for the other.
    await onDisk(this.#recordPath(name), () => this.disk.remove(this.#recordPath(name)));
    await this.#replace(this.path(name), plan);
    await this.#replace(this.#recordPath(name), new TextEncoder().encode(`${JSON.stringify(record, undefined, 2)}\n`));
    await this.#removeUnused();
    return record;
  }

  /** Keeps what TensorRT made of an engine's layers, JSON, beside it. Where it is there already nothing is written, as a cache may be read-only that has all. Throws `E_DISK`. */
  async keepLayers(name: string, layers: string): Promise<void> {
    const path = this.#layersPath(name);
    if ((await readFile(path, "utf8").catch(() => undefined)) !== layers) await this.#replace(path, new TextEncoder().encode(layers));
  }

  /** Throws `E_DISK` where nothing can be kept: to be asked before a build, which takes minutes. */
  refuseUnwritable(): Promise<void> {
    return refuseUnwritable(this.folder);
  }

  /** What earlier builds for this device measured; empty where nothing is known. TensorRT itself refuses what does not fit. */
  async timings(key: Pick<EngineKey, "tensorRt" | "gpu">): Promise<Uint8Array> {
    return readFile(this.#timingPath(key)).catch(() => new Uint8Array());
  }

  /** Throws `E_DISK`. */
  async keepTimings(key: Pick<EngineKey, "tensorRt" | "gpu">, timings: Uint8Array): Promise<void> {
    await makeFolders(this.folder, this.disk);
    await this.#replace(this.#timingPath(key), timings);
  }

  async #removeUnused(): Promise<void> {
    const names = (await readdir(this.folder)).filter((file) => file.endsWith(".json") && !file.endsWith(".layers.json")).map((file) => file.slice(0, -".json".length));
    // One that goes meanwhile is another thread's to remove.
    const used = await Promise.all(names.map(async (name) => ({ name, atMs: (await stat(this.#recordPath(name)).catch(() => undefined))?.mtimeMs ?? 0 })));
    for (const { name } of used.sort((a, b) => b.atMs - a.atMs).slice(this.most))
      // The record first: without it nothing speaks for the others.
      for (const path of [this.#recordPath(name), this.path(name), this.#layersPath(name)]) await onDisk(path, () => this.disk.remove(path));
  }

  async #record(name: string): Promise<EngineRecord | "none" | "damaged"> {
    let text: string;
    try {
      text = await readFile(this.#recordPath(name), "utf8");
    } catch {
      return "none";
    }
    try {
      return recordSchema.parse(JSON.parse(text));
    } catch {
      return "damaged";
    }
  }

  #recordPath(name: string): string {
    return join(this.folder, `${name}.json`);
  }

  #layersPath(name: string): string {
    return `${this.path(name)}.layers.json`;
  }

  #timingPath({ tensorRt, gpu }: Pick<EngineKey, "tensorRt" | "gpu">): string {
    return join(this.folder, `${fileName(`${gpu}-${tensorRt}`)}.timings`);
  }

  async #replace(path: string, content: Uint8Array): Promise<void> {
    // Engines in several threads may build for the same folder at once.
    await replaceSynced(path, `${path}.${process.pid}-${threadId}.partial`, content, this.disk);
  }
}

/** Text that may stand in the name of a file. */
export const fileName = (text: string): string => text.replaceAll(/[^A-Za-z0-9._-]+/g, "-");
