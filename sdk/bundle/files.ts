import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { NightshiftError } from "../errors.js";
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

/** Reads a file of a bundle. Throws `E_BUNDLE_MISSING`, or `E_BUNDLE_FORMAT` where a link leads out of the bundle. */
export async function readInside(directory: string, path: string, mostBytes = Infinity): Promise<Uint8Array> {
  try {
    const [root, target] = await Promise.all([realpath(directory), realpath(join(directory, path))]);
    if (!target.startsWith(root + sep))
      throw new NightshiftError("E_BUNDLE_FORMAT", {
        expected: `${path} inside the bundle ${directory}`,
        received: `a link to ${target}`,
        remedy: "Put the file itself into the bundle.",
      });
    const { size } = await stat(target);
    if (size > mostBytes)
      throw new NightshiftError("E_BUNDLE_FORMAT", { expected: `at most ${mostBytes} bytes in ${path} of the bundle ${directory}`, received: `${size} bytes`, remedy: "Fetch or write the bundle again." });
    return await readFile(target);
  } catch (cause) {
    if (cause instanceof NightshiftError) throw cause;
    throw new NightshiftError("E_BUNDLE_MISSING", {
      expected: `a readable file ${path} in the bundle ${directory}`,
      received: cause instanceof Error ? cause.message : String(cause),
      remedy: "Check the path, or fetch the bundle again.",
      cause,
    });
  }
}

/** The same, but undefined where it is not there. */
export async function readIfInside(directory: string, path: string): Promise<Uint8Array | undefined> {
  return existsSync(join(directory, path)) ? readInside(directory, path) : undefined;
}

/** Writes a new file and waits until it is on the disk. */
export async function writeSynced(path: string, content: Uint8Array): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Puts a file whole in the place of another, by way of `temporary` in the same folder: whatever happens meanwhile, the old or the new one is there. */
export async function replaceSynced(path: string, temporary: string, content: Uint8Array): Promise<void> {
  await rm(temporary, { force: true });
  await writeSynced(temporary, content);
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/** Waits until the names in a folder are on the disk. */
export async function syncFolder(path: string): Promise<void> {
  // Windows has no such thing as opening a folder; its renames are journalled.
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
