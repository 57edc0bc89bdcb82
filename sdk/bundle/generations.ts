import type { KeyObject } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { z } from "zod";
import { NightshiftError, reasonOf, systemCodeOf } from "../errors.js";
import { writeSecret } from "../secret-file.js";
import type { BundleContents } from "./bundle.js";
import { type Disk, realDisk } from "./disk.js";
import { makeFolders, onDisk, replaceSynced } from "./files.js";
import { type Condition, conditions } from "./manifest.js";
import { readBundle, readManifest } from "./read.js";
import { createSigningKeys, publicKeyOf, readSigningKey, signBundle } from "./signature.js";
import { isLeftBehind, unfinishedName, writeBundle } from "./write.js";

/** Where a vehicle keeps what it learnt, unless told otherwise. */
export const defaultStateDirectory = (): string => join(homedir(), ".local", "state", "nightshift");

/** Which generation serves in which condition. */
export type Shelf = Readonly<Partial<Record<Condition, number>>>;

/** What should serve in a condition: what was learnt in it; at night else in the dusk before it. Undefined: what was delivered, so that no condition inherits another's errors. */
export function shelvedFor(shelf: Shelf, condition: Condition): { readonly generation: number; readonly learntIn: Condition } | undefined {
  for (const learntIn of condition === "night" ? (["night", "dusk"] as const) : [condition]) {
    const generation = shelf[learntIn];
    if (generation !== undefined) return { generation, learntIn };
  }
  return undefined;
}

const shelfSchema = z.partialRecord(z.enum(conditions), z.number().int().min(1));

/**
 * The generations that a vehicle learnt: `generations/<number>/` is a bundle each, the file `current` holds the number of the
 * one in use, and `shelf.json` the one of each condition. One process writes; any may read. Nothing is ever changed in place, so a
 * crash leaves the last whole state.
 */
export class GenerationStore {
  #key: Promise<KeyObject> | undefined;

  private constructor(
    readonly directory: string,
    private readonly disk: Disk,
    private readonly isReadOnly: boolean,
  ) {}

  /** Opens the store, creating it where there is none, and removes what crashed writers left. */
  static async open(directory: string = defaultStateDirectory(), disk: Disk = realDisk): Promise<GenerationStore> {
    const store = new GenerationStore(directory, disk, false);
    await makeFolders(store.#folder, disk);
    for (const folder of [directory, store.#folder])
      for (const entry of await readdir(folder))
        if (isLeftBehind(entry)) await disk.remove(join(folder, entry));
    return store;
  }

  /** The store as it is: nothing is made in it or removed from it by being opened, and no key. */
  static readOnly(directory: string): GenerationStore {
    return new GenerationStore(directory, realDisk, true);
  }

  get #folder(): string {
    return join(this.directory, "generations");
  }

  get #pointer(): string {
    return join(this.directory, "current");
  }

  get #keyFile(): string {
    return join(this.directory, "vehicle.key");
  }

  get #shelf(): string {
    return join(this.directory, "shelf.json");
  }

  /** The vehicle's own public keys, as `Trust` lists them: one, or none where there is none yet and nothing can be written. Throws `E_KEY`. */
  async publicKeys(): Promise<string[]> {
    return this.isReadOnly && !existsSync(this.#keyFile) ? [] : [publicKeyOf(await this.#vehicleKey())];
  }

  /** Signs a generation with the vehicle's own key, for it was judged and may serve. Throws `E_BUNDLE_MISSING` or `E_KEY`. */
  async sign(generation: number): Promise<void> {
    await signBundle(this.pathOf(generation), await this.#vehicleKey(), this.disk);
  }

  /** Made where there is none yet. Asked for again where it could not be read: a full disk has room later. */
  #vehicleKey(): Promise<KeyObject> {
    return (this.#key ??= this.#readKey().catch((error: unknown) => {
      this.#key = undefined;
      throw error;
    }));
  }

  async #readKey(): Promise<KeyObject> {
    if (!existsSync(this.#keyFile)) await writeSecret(this.#keyFile, createSigningKeys().secret);
    return readSigningKey(this.#keyFile);
  }

  /** Where the bundle of a generation is or would be. */
  pathOf(generation: number): string {
    return join(this.#folder, String(generation));
  }

  /** The numbers of the generations that are there, ascending. */
  async list(): Promise<number[]> {
    const entries = await readdir(this.#folder);
    return entries.filter((entry) => /^(0|[1-9]\d*)$/.test(entry)).map(Number).sort((a, b) => a - b);
  }

  /** A number above every generation that is there; at least 1, as 0 is the delivered bundle's. */
  async next(): Promise<number> {
    return Math.max(0, ...(await this.list())) + 1;
  }

  /** Writes the bundle of the generation that its description states and answers with its path. It does not become current. Throws as `writeBundle`. */
  async write(contents: BundleContents): Promise<string> {
    const path = this.pathOf(contents.description.generation);
    await writeBundle(path, contents, this.disk);
    return path;
  }

  /** The generation in use; undefined where the delivered bundle is. Throws `E_BUNDLE_FORMAT` for a damaged pointer, `E_BUNDLE_MISSING`. */
  async current(): Promise<number | undefined> {
    const generation = await this.#pointed();
    if (generation !== undefined) await this.#check(generation);
    return generation;
  }

  /**
   * Reads all that may come to serve, and discards what is damaged: the pointer, the shelf, whole generations. Answers with what was wrong, file by file.
   * A power cut leaves nothing of the kind; a disk that fails may. What cannot be read just now, as the system says, may be sound: it is told of too, and stays.
   */
  async discardDamaged(): Promise<NightshiftError[]> {
    const errors: NightshiftError[] = [];
    const sound = async <T>(reading: Promise<T>, discard: () => Promise<void>): Promise<T | undefined> =>
      reading.catch(async (error: unknown) => {
        if (!(error instanceof NightshiftError)) throw error;
        errors.push(error);
        if (!isPassing(error)) await discard();
        return undefined;
      });
    const current = await sound(this.#pointed(), () => this.setCurrent(undefined));
    const shelf = (await sound(this.shelf(), () => this.#replace(this.#shelf, undefined))) ?? {};
    const used = new Set([...(current === undefined ? [] : [current]), ...Object.values(shelf)]);
    for (const generation of used) await sound(this.#read(generation), () => this.discard(generation));
    return errors;
  }

  /** Lets a generation serve no more, in any condition, and removes it. */
  async discard(generation: number): Promise<void> {
    if ((await this.#pointed()) === generation) await this.setCurrent(undefined);
    for (const [condition, shelved] of Object.entries(await this.shelf())) if (shelved === generation) await this.shelve(condition as Condition, undefined);
    await this.remove(generation);
  }

  /** Makes a generation the current one; undefined goes back to the delivered bundle. Throws `E_BUNDLE_MISSING`. */
  async setCurrent(generation: number | undefined): Promise<void> {
    if (generation !== undefined) await this.#check(generation);
    await this.#replace(this.#pointer, generation === undefined ? undefined : `${generation}\n`);
  }

  /** The generation of each condition that has one. Throws `E_BUNDLE_FORMAT` for a damaged file, `E_BUNDLE_MISSING` for one that cannot be read. */
  async shelf(): Promise<Shelf> {
    const text = await readIfThere(this.#shelf);
    if (text === undefined) return {};
    try {
      return shelfSchema.parse(JSON.parse(text));
    } catch (cause) {
      throw new NightshiftError("E_BUNDLE_FORMAT", {
        expected: `the generation of each condition in ${this.#shelf}, as {"night": 3}`,
        received: JSON.stringify(text.slice(0, 80)),
        remedy: "Remove the file to start every condition from the delivered bundle.",
        cause,
      });
    }
  }

  /** Makes a generation the one that serves in a condition; undefined leaves the condition without one. Throws `E_BUNDLE_MISSING`, and as `shelf`. */
  async shelve(condition: Condition, generation: number | undefined): Promise<void> {
    if (generation !== undefined) await this.#check(generation);
    const { [condition]: _, ...others } = await this.shelf();
    await this.#replace(this.#shelf, `${JSON.stringify(generation === undefined ? others : { ...others, [condition]: generation })}\n`);
  }

  /** The generation that one was learnt from, where it is still there. Throws `E_BUNDLE_MISSING`. */
  async previous(generation: number): Promise<number | undefined> {
    const { parent } = await readManifest(this.pathOf(generation));
    return parent !== null && (await this.list()).includes(parent) ? parent : undefined;
  }

  /** Removes all but the `count` newest generations, those on the shelf, the current one, the one it was learnt from, and one that is still needed. Answers with the numbers removed. */
  async keepLast(count: number, needed?: number): Promise<number[]> {
    const all = await this.list();
    const current = await this.current();
    const shelved = Object.values(await this.shelf());
    const kept = new Set([...all.slice(Math.max(0, all.length - count)), ...shelved, needed, current, current === undefined ? undefined : await this.previous(current)]);
    const removed = all.filter((generation) => !kept.has(generation));
    for (const generation of removed) await this.remove(generation);
    return removed;
  }

  /** Removes a generation, if it is there. Nothing may refer to it any more. */
  async remove(generation: number): Promise<void> {
    if (!existsSync(this.pathOf(generation))) return;
    // Renamed first: a half-removed folder must not look like a generation.
    const doomed = join(this.#folder, unfinishedName(String(generation)));
    await onDisk(doomed, async () => {
      await this.disk.rename(this.pathOf(generation), doomed);
      // Or a power cut might undo the renaming and not the removing.
      await this.disk.syncFolder(this.#folder);
      await this.disk.remove(doomed);
    });
  }

  /** Puts a file whole in the place of another; without content, removes it. */
  async #replace(path: string, content: string | undefined): Promise<void> {
    if (content !== undefined) return replaceSynced(path, join(this.directory, unfinishedName(basename(path))), new TextEncoder().encode(content), this.disk);
    await onDisk(path, async () => {
      await this.disk.remove(path);
      await this.disk.syncFolder(this.directory);
    });
  }

  async #pointed(): Promise<number | undefined> {
    const text = await readIfThere(this.#pointer);
    if (text === undefined) return undefined;
    if (/^(0|[1-9]\d*)\n$/.test(text)) return Number(text);
    throw new NightshiftError("E_BUNDLE_FORMAT", {
      expected: `the number of a generation in ${this.#pointer}`,
      received: JSON.stringify(text.slice(0, 40)),
      remedy: "Remove the file to go back to the delivered bundle.",
    });
  }

  async #read(generation: number): Promise<void> {
    await this.#check(generation);
    await readBundle(this.pathOf(generation));
  }

  async #check(generation: number): Promise<void> {
    const { generation: stated } = await readManifest(this.pathOf(generation));
    if (stated === generation) return;
    throw new NightshiftError("E_BUNDLE_FORMAT", {
      expected: `generation ${generation} in ${this.pathOf(generation)}`,
      received: `generation ${stated}`,
      remedy: "Remove the folder: it was moved there by hand.",
    });
  }
}

/** Throws `E_BUNDLE_MISSING` where something is there and the system does not let it be read. */
async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((cause: unknown) => {
    if (systemCodeOf(cause) === "ENOENT") return undefined;
    throw new NightshiftError("E_BUNDLE_MISSING", { expected: `a readable file ${path}`, received: reasonOf(cause), remedy: "Check its permissions and the disk.", cause });
  });
}

/** Whether the system did not let a file be read that is there. */
function isPassing({ cause }: NightshiftError): boolean {
  const code = systemCodeOf(cause);
  return code !== undefined && code !== "ENOENT" && code !== "ENOTDIR";
}
