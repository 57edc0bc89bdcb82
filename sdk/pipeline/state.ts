import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FrameMemory } from "../adaptation/memory.js";
import { readMemory, writeMemory } from "../adaptation/memory-file.js";
import { type Bundle, contentOf, defaultStateDirectory, GenerationStore, readBundle } from "../bundle/index.js";
import { type Disk, realDisk } from "../bundle/disk.js";
import { replaceSynced } from "../bundle/files.js";
import { Turns } from "../engine/turns.js";
import { NightshiftError } from "../errors.js";
import { FolderLock } from "./lock.js";
import { defaultSource, type NightshiftOptions } from "./options.js";

const memoryFile = "memory.safetensors";

/** What a vehicle keeps between runs: generations and remembered frames. */
export class State {
  readonly #writing = new Turns();
  /** The revision of the memory that is on the disk. */
  #kept = 0;

  private constructor(
    readonly directory: string,
    readonly generations: GenerationStore,
    /** Goes when Nightshift stops. */
    private readonly isTemporary: boolean,
    /** Why nothing can be kept, where nothing can. */
    readonly unwritable: NightshiftError | undefined,
    private readonly lock: FolderLock | undefined,
    private readonly disk: Disk,
  ) {}

  /**
   * Opens the folder that the options name or imply for this bundle and camera. Where the disk takes nothing, what is there is used and nothing is kept: the stream is worth more than that.
   * Throws `E_CONFIG` where another Nightshift uses it.
   */
  static async open({ source = defaultSource, cameras, state }: NightshiftOptions, bundle: Bundle, camera: string, disk: Disk = realDisk): Promise<State> {
    const isTemporary = state === undefined && (cameras ? cameras.every((each) => each.source === "drive") : source === "drive");
    const directory = state ?? (isTemporary ? await mkdtemp(join(tmpdir(), "nightshift-")) : join(defaultStateDirectory(), folderOf(bundle), camera));
    try {
      const lock = await FolderLock.take(directory, disk);
      return new State(directory, await GenerationStore.open(directory, disk), isTemporary, undefined, lock, disk);
    } catch (error) {
      if (!(error instanceof NightshiftError) || error.code !== "E_DISK") throw error;
      return new State(directory, GenerationStore.readOnly(directory), isTemporary, error, undefined, disk);
    }
  }

  /** The bundle to serve: the current generation where an earlier run learnt one, else the one that was delivered. What is damaged is told of and discarded first. */
  async current(delivered: Bundle, onError: (error: NightshiftError) => void): Promise<Bundle> {
    try {
      if (this.unwritable) onError(this.unwritable);
      else for (const error of await this.generations.discardDamaged()) onError(error);
      const generation = await this.generations.current();
      return generation === undefined ? delivered : await readBundle(this.generations.pathOf(generation));
    } catch (error) {
      if (!(error instanceof NightshiftError)) throw error;
      onError(error);
      return delivered;
    }
  }

  /** The frames that an earlier run remembered. A damaged or unsuitable file is told of, and the memory starts empty. */
  async memory({ manifest: { network } }: Bundle, onError: (error: unknown) => void): Promise<FrameMemory> {
    const { width, height } = network;
    const path = join(this.directory, memoryFile);
    try {
      const found = existsSync(path) ? readMemory(await readFile(path)) : undefined;
      if (found?.options.width === width && found.options.height === height) {
        this.#kept = found.revision;
        return found;
      }
    } catch (error) {
      onError(error);
    }
    return new FrameMemory({ width, height });
  }

  /** Writes the memory for the next run, unless it is there already as it is. What is there stays whole whatever happens meanwhile. */
  keep(memory: FrameMemory): Promise<void> {
    return this.#writing.take(async () => {
      if (this.isTemporary || this.unwritable || memory.revision === this.#kept) return;
      const { revision } = memory;
      const path = join(this.directory, memoryFile);
      await replaceSynced(path, `${path}.new`, writeMemory(memory), this.disk);
      this.#kept = revision;
    });
  }

  /** Keeps the memory, where there is one; removes everything where it was temporary. */
  async close(memory?: FrameMemory): Promise<void> {
    if (this.isTemporary) return rm(this.directory, { recursive: true, force: true });
    try {
      if (memory) await this.keep(memory);
    } finally {
      await this.lock?.release();
    }
  }
}

/** Another delivery of a bundle gets another folder: what was learnt from other weights is no generation of these. */
function folderOf({ manifest }: Bundle): string {
  return `${manifest.name}-${contentOf(manifest).slice(0, 12)}`;
}
