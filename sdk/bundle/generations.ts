import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { NightshiftError } from "../errors.js";
import type { BundleContents } from "./bundle.js";
import { syncFolder, writeSynced } from "./files.js";
import { readManifest } from "./read.js";
import { unfinishedPrefix, writeBundle } from "./write.js";

/** Where a vehicle keeps what it learnt, unless told otherwise. */
export const defaultStateDirectory = (): string => join(homedir(), ".local", "state", "nightshift");

/**
 * The generations that a vehicle learnt: `generations/<number>/` is a bundle each, and the file `current` holds the number of the
 * one in use. One process writes; any may read. Nothing is ever changed in place, so a crash leaves the last whole state.
 */
export class GenerationStore {
  private constructor(readonly directory: string) {}

  /** Opens the store, creating it where there is none, and removes what crashed writers left. */
  static async open(directory: string = defaultStateDirectory()): Promise<GenerationStore> {
    const store = new GenerationStore(directory);
    await mkdir(store.#folder, { recursive: true });
    for (const folder of [directory, store.#folder])
      for (const entry of await readdir(folder))
        if (entry.startsWith(unfinishedPrefix) && !isAlive(entry)) await rm(join(folder, entry), { recursive: true, force: true });
    return store;
  }

  get #folder(): string {
    return join(this.directory, "generations");
  }

  get #pointer(): string {
    return join(this.directory, "current");
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
    await writeBundle(path, contents);
    return path;
  }

  /** The generation in use; undefined where the delivered bundle is. Throws `E_BUNDLE_FORMAT` for a damaged pointer, `E_BUNDLE_MISSING`. */
  async current(): Promise<number | undefined> {
    const text = await readFile(this.#pointer, "utf8").catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    });
    if (text === undefined) return undefined;
    if (!/^(0|[1-9]\d*)\n$/.test(text))
      throw new NightshiftError("E_BUNDLE_FORMAT", {
        expected: `the number of a generation in ${this.#pointer}`,
        received: JSON.stringify(text.slice(0, 40)),
        remedy: "Remove the file to go back to the delivered bundle.",
      });
    const generation = Number(text);
    await this.#check(generation);
    return generation;
  }

  /** Makes a generation the current one; undefined goes back to the delivered bundle. Throws `E_BUNDLE_MISSING`. */
  async setCurrent(generation: number | undefined): Promise<void> {
    if (generation === undefined) await rm(this.#pointer, { force: true });
    else {
      await this.#check(generation);
      const temporary = join(this.directory, `${unfinishedPrefix}current-${process.pid}-0`);
      await rm(temporary, { force: true });
      await writeSynced(temporary, new TextEncoder().encode(`${generation}\n`));
      await rename(temporary, this.#pointer);
    }
    await syncFolder(this.directory);
  }

  /** The generation that one was learnt from, where it is still there. Throws `E_BUNDLE_MISSING`. */
  async previous(generation: number): Promise<number | undefined> {
    const { parent } = await readManifest(this.pathOf(generation));
    return parent !== null && (await this.list()).includes(parent) ? parent : undefined;
  }

  /** Removes all but the `count` newest generations, the current one and the one it was learnt from. Answers with the numbers removed. */
  async keepLast(count: number): Promise<number[]> {
    const all = await this.list();
    const current = await this.current();
    const kept = new Set([...all.slice(Math.max(0, all.length - count)), current, current === undefined ? undefined : await this.previous(current)]);
    const removed = all.filter((generation) => !kept.has(generation));
    for (const generation of removed) {
      // Renamed first: a half-removed folder must not look like a generation.
      const doomed = join(this.#folder, `${unfinishedPrefix}${generation}-${process.pid}-0`);
      await rename(this.pathOf(generation), doomed);
      await rm(doomed, { recursive: true, force: true });
    }
    return removed;
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

/** Whether the process that an unfinished folder is named for still runs; its own is not taken for a crashed one either. */
function isAlive(entry: string): boolean {
  const pid = Number(/-(\d+)-[0-9a-f]+$/.exec(entry)?.[1]);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
