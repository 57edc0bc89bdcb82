import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import type { Random } from "../random.js";
import { type Disk, type DiskFile, realDisk } from "./disk.js";

/** A file as a disk has it: its first bytes are there for good, those after it may be. */
interface VolatileFile {
  readonly kind: "file";
  content: Uint8Array;
  synced: number;
}

/** A folder as a disk has it: names that are there for good, and changes of them that may be, each whole. */
interface VolatileFolder {
  readonly kind: "folder";
  readonly names: Map<string, Entry>;
  readonly durable: Map<string, Entry>;
  changes: (readonly (readonly [name: string, entry: Entry | undefined])[])[];
}

type Entry = VolatileFile | VolatileFolder;

/** One operation, as it changes the folder. */
type Operation = (root: VolatileFolder) => void;

const emptyFolder = (): VolatileFolder => ({ kind: "folder", names: new Map(), durable: new Map(), changes: [] });

/**
 * A disk whose power can be cut after any operation, as POSIX allows a disk to forget: of what was written since a file's last sync any part may be there, as much of it as
 * it likes; of the names that were made, moved and removed in a folder since its last sync any may be, in any order. It works on a real folder, empty at first, and
 * notes what is done there; what a power cut may leave is then made elsewhere, as often as wanted.
 */
export class VolatileDisk implements Disk {
  readonly #operations: Operation[] = [];

  constructor(
    /** What is done outside of it is done, and not noted. */
    readonly folder: string,
    private readonly disk: Disk = realDisk,
  ) {}

  /** Operations so far. */
  get count(): number {
    return this.#operations.length;
  }

  async create(path: string): Promise<DiskFile> {
    const file = await this.disk.create(path);
    // A file each time that the operations are gone through.
    const files = new WeakMap<VolatileFolder, VolatileFile>();
    this.#note(path, (root, parent, name) => {
      const made: VolatileFile = { kind: "file", content: new Uint8Array(), synced: 0 };
      files.set(root, made);
      change(parent, [[name, made]]);
    });
    return {
      write: async (content) => {
        await file.write(content);
        const written = content.slice();
        this.#note(path, (root) => {
          const made = files.get(root);
          if (made) made.content = Buffer.concat([made.content, written]);
        });
      },
      sync: async () => {
        await file.sync();
        this.#note(path, (root) => {
          const made = files.get(root);
          if (made) made.synced = made.content.length;
        });
      },
      close: () => file.close(),
    };
  }

  async makeFolder(path: string): Promise<void> {
    await this.disk.makeFolder(path);
    this.#note(path, (_, parent, name) => change(parent, [[name, emptyFolder()]]));
  }

  async rename(from: string, to: string): Promise<void> {
    await this.disk.rename(from, to);
    this.#note(from, (root, parent, name) => {
      const moved = parent.names.get(name);
      const target = folderAt(root, relative(this.folder, dirname(to)));
      if (!moved || !target) return;
      if (target === parent) return change(parent, [[name, undefined], [basename(to), moved]]);
      change(target, [[basename(to), moved]]);
      change(parent, [[name, undefined]]);
    });
  }

  async remove(path: string): Promise<void> {
    await this.disk.remove(path);
    this.#note(path, (_, parent, name) => {
      const entry = parent.names.get(name);
      if (entry) emptied(entry);
      if (entry) change(parent, [[name, undefined]]);
    });
  }

  async syncFolder(path: string): Promise<void> {
    await this.disk.syncFolder(path);
    this.#note(path, (root) => {
      const folder = folderAt(root, relative(this.folder, path));
      if (folder) settle(folder, () => true);
    });
  }

  /** Makes `to`, a new folder, into what may be left after so many operations. */
  async powerCut(count: number, random: Random, to: string): Promise<void> {
    const root = emptyFolder();
    for (const operation of this.#operations.slice(0, count)) operation(root);
    await write(root, to, random);
  }

  #note(path: string, operation: (root: VolatileFolder, parent: VolatileFolder, name: string) => void): void {
    const inside = relative(this.folder, path);
    if (inside.startsWith("..")) return;
    this.#operations.push((root) => {
      const parent = folderAt(root, dirname(inside));
      if (parent) operation(root, parent, basename(inside));
    });
  }
}

function folderAt(root: VolatileFolder, path: string): VolatileFolder | undefined {
  let folder = root;
  for (const name of path.split(sep).filter((part) => part !== "" && part !== ".")) {
    const entry = folder.names.get(name);
    if (entry?.kind !== "folder") return undefined;
    folder = entry;
  }
  return folder;
}

function change(folder: VolatileFolder, entries: VolatileFolder["changes"][number]): void {
  folder.changes.push(entries);
  apply(folder.names, entries);
}

/** A folder is removed name by name, from the inside out. */
function emptied(entry: Entry): void {
  if (entry.kind === "file") return;
  for (const [name, inside] of [...entry.names]) {
    emptied(inside);
    change(entry, [[name, undefined]]);
  }
}

/** Brings those changes to the disk that are chosen. */
function settle(folder: VolatileFolder, isKept: () => boolean): void {
  for (const entries of folder.changes) if (isKept()) apply(folder.durable, entries);
  folder.changes = [];
}

function apply(names: Map<string, Entry>, entries: VolatileFolder["changes"][number]): void {
  for (const [name, entry] of entries) {
    if (entry) names.set(name, entry);
    else names.delete(name);
  }
}

async function write(folder: VolatileFolder, to: string, random: Random): Promise<void> {
  settle(folder, () => random.chance(0.5));
  await mkdir(to);
  for (const [name, entry] of folder.durable) {
    if (entry.kind === "folder") await write(entry, join(to, name), random);
    else await writeFile(join(to, name), torn(entry, random));
  }
}

/** What was synced, and of the rest a part, all of it, or zeros in its place. */
function torn({ content, synced }: VolatileFile, random: Random): Uint8Array {
  const left = content.slice(0, random.chance(0.5) ? content.length : synced + random.below(content.length - synced + 1));
  return random.chance(0.3) ? left.fill(0, synced) : left;
}
