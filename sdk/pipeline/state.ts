import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FrameMemory } from "../adaptation/memory.js";
import { isSealed, readSealingKey, sealed, unsealed } from "../adaptation/sealed.js";
import { readMemory, writeMemory } from "../adaptation/memory-file.js";
import { type Bundle, contentOf, defaultStateDirectory, GenerationStore, readBundle, type Trust } from "../bundle/index.js";
import { type Disk, realDisk } from "../bundle/disk.js";
import { makeFolders, onDisk, replaceSynced } from "../bundle/files.js";
import { Turns } from "../engine/turns.js";
import { NightshiftError } from "../errors.js";
import { nowNs } from "../frame.js";
import { FolderLock } from "./lock.js";
import { defaultSource, type NightshiftOptions } from "./options.js";
import { foreignIn, setAside } from "./origin.js";

const memoryFile = "memory.safetensors";

/** What a vehicle keeps between runs: generations and remembered frames. */
export class State {
  readonly #writing = new Turns();
  /** The revision of the memory that is on the disk; none where it is not there as it should be. */
  #kept: number | undefined = 0;

  private constructor(
    readonly directory: string,
    readonly generations: GenerationStore,
    /** Goes when Nightshift stops. */
    private readonly isTemporary: boolean,
    /** Why nothing can be kept, where nothing can. */
    readonly unwritable: NightshiftError | undefined,
    private readonly lock: FolderLock | undefined,
    private readonly disk: Disk,
    private readonly options: { readonly mostHours?: number; readonly key?: Uint8Array },
    /** Tells of what was learnt from another bundle, where there was such: it was set aside, or lies there where nothing can be written, and does not serve. */
    private readonly foreign?: NightshiftError,
  ) {}

  /**
   * Opens the folder that the options name or imply for this bundle and camera. Where the disk takes nothing, what is there is used and nothing is kept: the stream is worth more than that.
   * What was learnt from another bundle is set aside, or at least not used. Throws `E_CONFIG` where another Nightshift uses it, `E_KEY`.
   */
  static async open({ source = defaultSource, cameras, state, memory: { mostHours, key } = {} }: NightshiftOptions, bundle: Bundle, camera: string, disk: Disk = realDisk): Promise<State> {
    const isTemporary = state === undefined && (cameras ? cameras.every((each) => each.source === "drive") : source === "drive");
    const directory = state ?? (isTemporary ? await mkdtemp(join(tmpdir(), "nightshift-")) : join(defaultStateDirectory(), folderOf(bundle), camera));
    const options = { ...(mostHours !== undefined && { mostHours }), ...(key !== undefined && { key: await readSealingKey(key) }) };
    let lock: FolderLock | undefined;
    try {
      const isNew = !existsSync(directory);
      await makeFolders(directory, disk);
      // Pictures of people and places are kept in it.
      if (isNew) await chmod(directory, 0o700);
      lock = await FolderLock.take(directory, disk);
      const foreign = await setAside(directory, bundle, disk);
      return new State(directory, await GenerationStore.open(directory, disk), isTemporary, undefined, lock, disk, options, foreign);
    } catch (error) {
      // A disk that takes nothing may not take that either; a lock whose process is gone holds nobody up.
      await lock?.release().catch(() => undefined);
      if (!(error instanceof NightshiftError) || error.code !== "E_DISK") throw error;
      return new State(directory, GenerationStore.readOnly(directory), isTemporary, error, undefined, disk, options, await foreignIn(directory, bundle));
    }
  }

  /** The bundle to serve: the current generation where an earlier run learnt one, else the one that was delivered. What is damaged is told of and discarded first, and so is what was learnt from another bundle. `trust`: who must have signed it. */
  async current(delivered: Bundle, onError: (error: NightshiftError) => void, trust?: Trust): Promise<Bundle> {
    try {
      if (this.foreign) onError(this.foreign);
      if (this.unwritable) {
        onError(this.unwritable);
        // It lies there still.
        if (this.foreign) return delivered;
      } else for (const error of await this.generations.discardDamaged()) onError(error);
      const generation = await this.generations.current();
      return generation === undefined ? delivered : await readBundle(this.generations.pathOf(generation), { trust });
    } catch (error) {
      if (!(error instanceof NightshiftError)) throw error;
      onError(error);
      return delivered;
    }
  }

  /**
   * The frames that an earlier run remembered. A damaged or unsuitable file is told of, and the memory starts empty. Throws `E_KEY` where the file
   * is encrypted and no key is given: what follows would lie there in the clear.
   */
  async memory({ manifest: { network } }: Bundle, onError: (error: unknown) => void): Promise<FrameMemory> {
    const { width, height } = network;
    const { key, ...options } = this.options;
    try {
      const found = await this.#found(network);
      if (found) {
        // One that cannot be written again was read all the same.
        await this.keep(found).catch(onError);
        return found;
      }
    } catch (error) {
      if (!key && error instanceof NightshiftError && error.code === "E_KEY") throw error;
      onError(error);
    }
    return new FrameMemory({ ...options, width, height });
  }

  /** Forgets what is too old, and writes the memory for the next run unless it is there already as it is. What is there stays whole whatever happens meanwhile. */
  keep(memory: FrameMemory): Promise<void> {
    return this.#writing.take(async () => {
      memory.forgetOld(nowNs());
      if (this.isTemporary || this.unwritable || memory.revision === this.#kept) return;
      const { revision } = memory;
      const path = join(this.directory, memoryFile);
      const { key } = this.options;
      const bytes = writeMemory(memory);
      await replaceSynced(path, `${path}.new`, key ? sealed(bytes, key) : bytes, this.disk);
      this.#kept = revision;
    });
  }

  /** Forgets every frame, in the memory and on the disk. Throws `E_DISK` where they cannot be removed there. */
  eraseFrames(memory: FrameMemory): Promise<void> {
    return this.#writing.take(async () => {
      memory.clear();
      const { revision } = memory;
      await removeMemory(this.directory, this.disk);
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

  async #found({ width, height }: { readonly width: number; readonly height: number }): Promise<FrameMemory | undefined> {
    const path = join(this.directory, memoryFile);
    if (!existsSync(path)) return undefined;
    const { key, ...options } = this.options;
    const bytes = await readFile(path);
    const found = readMemory(isSealed(bytes) ? unsealed(bytes, key, path) : bytes, options);
    if (found.options.width !== width || found.options.height !== height)
      throw new NightshiftError("E_FRAME_SIZE", { expected: `remembered frames of ${width} x ${height} pixels`, received: `${found.options.width} x ${found.options.height} in ${path}`, remedy: "None is needed: the memory fills again." });
    // A key was given since, or taken away: the file follows at once.
    this.#kept = isSealed(bytes) === (key !== undefined) ? found.revision : undefined;
    return found;
  }
}

/** Removes remembered frames from a folder of state, and waits until that is on the disk. Throws `E_DISK`. */
export function removeMemory(directory: string, disk: Disk): Promise<void> {
  return onDisk(directory, async () => {
    // One that could not be made holds none.
    if (!existsSync(directory)) return;
    for (const file of [memoryFile, `${memoryFile}.new`]) await disk.remove(join(directory, file));
    await disk.syncFolder(directory);
  });
}

/** Another delivery of a bundle gets another folder: what was learnt from other weights is no generation of these. */
function folderOf({ manifest }: Bundle): string {
  return `${manifest.name}-${contentOf(manifest).slice(0, 12)}`;
}
