import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";

/** A new file, written from its beginning on. */
export interface DiskFile {
  write(content: Uint8Array): Promise<void>;
  /** Waits until everything written is on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The operations that durable writes are made of. Whatever must survive a power cut goes through one of these, so that `VolatileDisk` can cut the power
 * between any two of them. Reading needs none: nothing is read that is not whole.
 */
export interface Disk {
  /** Rejects where something is there already. */
  create(path: string): Promise<DiskFile>;
  makeFolder(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Files and folders with all that is in them, and what is not there. */
  remove(path: string): Promise<void>;
  /** Waits until the names in a folder are on the disk. */
  syncFolder(path: string): Promise<void>;
}

export const realDisk: Disk = {
  create: async (path) => new RealFile(await open(path, "wx")),
  makeFolder: (path) => mkdir(path),
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
  async syncFolder(path) {
    // Windows has no such thing as opening a folder; its renames are journalled.
    if (process.platform === "win32") return;
    const folder = await open(path, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
};

class RealFile implements DiskFile {
  constructor(private readonly handle: FileHandle) {}

  async write(content: Uint8Array): Promise<void> {
    // Unlike `write`, this goes on where the system takes only a part.
    await this.handle.appendFile(content);
  }

  sync(): Promise<void> {
    return this.handle.datasync();
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}
