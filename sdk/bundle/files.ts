import { createHash } from "node:crypto";
import { constants, existsSync } from "node:fs";
import { access, open, realpath } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { NightshiftError, reasonOf, systemCodeOf } from "../errors.js";
import { type Disk, realDisk } from "./disk.js";
import type { ManifestFile } from "./manifest.js";

export const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/**
 * Reads a file of a bundle and checks it against the manifest. Throws `E_BUNDLE_MISSING` where it is not there, `E_BUNDLE_FORMAT`
 * where it is shorter or longer than stated or lies outside the bundle, `E_BUNDLE_HASH` where its content is another.
 */
export async function readVerified(directory: string, { path, bytes, sha256 }: ManifestFile): Promise<Uint8Array> {
  // What is longer than stated is not even read.
  const content = await readInside(directory, path, bytes);
  if (content.length < bytes)
    throw new NightshiftError("E_BUNDLE_FORMAT", {
      expected: `${bytes} bytes in ${path} of the bundle ${directory}`,
      received: `${content.length} bytes: the file is truncated`,
      remedy: "Fetch or write the bundle again.",
    });
  const hash = sha256Of(content);
  if (hash !== sha256)
    throw new NightshiftError("E_BUNDLE_HASH", {
      expected: `SHA-256 ${sha256} of ${path} in the bundle ${directory}`,
      received: hash,
      remedy: "The file was changed or damaged: fetch or write the bundle again.",
    });
  return content;
}

/** Reads a file of a bundle. Throws `E_BUNDLE_MISSING`, or `E_BUNDLE_FORMAT` where a link leads out of the bundle, it is no plain file, or longer than it may be. */
export async function readInside(directory: string, path: string, mostBytes: number): Promise<Uint8Array> {
  try {
    const [root, target] = await Promise.all([realpath(directory), realpath(join(directory, path))]);
    if (!target.startsWith(root + sep))
      throw new NightshiftError("E_BUNDLE_FORMAT", {
        expected: `${path} inside the bundle ${directory}`,
        received: `a link to ${target}`,
        remedy: "Put the file itself into the bundle.",
      });
    // A pipe states no size and would be waited for without end, already while it is opened.
    const file = await open(target, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const status = await file.stat();
      if (!status.isFile() || status.size > mostBytes)
        throw new NightshiftError("E_BUNDLE_FORMAT", {
          expected: `a plain file of at most ${mostBytes} bytes as ${path} of the bundle ${directory}`,
          received: status.isFile() ? `${status.size} bytes` : "no plain file",
          remedy: "Fetch or write the bundle again.",
        });
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof NightshiftError) throw cause;
    throw new NightshiftError("E_BUNDLE_MISSING", {
      expected: `a readable file ${path} in the bundle ${directory}`,
      received: reasonOf(cause),
      remedy: "Check the path, or fetch the bundle again.",
      cause,
    });
  }
}

/** The same, but undefined where it is not there. */
export async function readIfInside(directory: string, path: string, mostBytes: number): Promise<Uint8Array | undefined> {
  return existsSync(join(directory, path)) ? readInside(directory, path, mostBytes) : undefined;
}

/** Writes a new file and waits until it is on the disk. */
export function writeSynced(path: string, content: Uint8Array, disk: Disk = realDisk): Promise<void> {
  return onDisk(path, async () => {
    const file = await disk.create(path);
    try {
      await file.write(content);
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

/** Puts a file whole in the place of another, by way of `temporary` in the same folder: whatever happens meanwhile, the old or the new one is there. `prepare`: what is done to `temporary` before it takes the place. */
export function replaceSynced(path: string, temporary: string, content: Uint8Array, disk: Disk = realDisk, prepare = (): Promise<void> => Promise.resolve()): Promise<void> {
  return onDisk(path, async () => {
    await disk.remove(temporary);
    try {
      await writeSynced(temporary, content, disk);
      await prepare();
      await disk.rename(temporary, path);
      await disk.syncFolder(dirname(path));
    } catch (error) {
      // What a full disk took of it would only fill it. Where it cannot be removed either, the next one does.
      await disk.remove(temporary).catch(() => undefined);
      throw error;
    }
  });
}

/** Makes a folder and those above it that are missing, and waits until their names are on the disk: what is synced inside of them is lost with them. */
export async function makeFolders(path: string, disk: Disk = realDisk): Promise<void> {
  const missing: string[] = [];
  for (let folder = resolve(path); !existsSync(folder); folder = dirname(folder)) missing.push(folder);
  await onDisk(path, async () => {
    for (const folder of missing.reverse()) {
      await disk.makeFolder(folder).catch((error: unknown) => {
        // Another process that makes the same folder is no obstacle.
        if (!existsSync(folder)) throw error;
      });
      await disk.syncFolder(dirname(folder));
    }
  });
}

/** Throws `E_DISK` where nothing can be written into a folder, or made on the way to it: to be asked before long work whose result goes there. */
export async function refuseUnwritable(folder: string): Promise<void> {
  let nearest = resolve(folder);
  while (!existsSync(nearest)) nearest = dirname(nearest);
  // By way of itself, as a file is no place either.
  await onDisk(folder, () => access(`${nearest}${sep}.`, constants.W_OK | constants.X_OK));
}

/** What a disk says that takes no more, or nothing at that path. */
const refusals: ReadonlySet<string | undefined> = new Set(["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EIO", "ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP"]);

/** Does work that writes. Throws `E_DISK` where the disk takes no more, or nothing at that path. */
export async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!refusals.has(systemCodeOf(cause))) throw cause;
    throw new NightshiftError("E_DISK", { expected: `a disk that takes ${path}`, received: reasonOf(cause), remedy: "Make room, make it writable, or name another path. What was there before is as it was.", cause });
  }
}
