import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { realDisk } from "../bundle/disk.js";
import { defaultStateDirectory } from "../bundle/index.js";
import { NightshiftError } from "../errors.js";
import { FolderLock } from "./lock.js";
import { learntIn } from "./origin.js";
import { removeMemory } from "./state.js";

/**
 * Erases remembered frames, and if told so what was learnt from them, from a state folder or from all within one, and answers with their paths.
 * Throws `E_CONFIG` where there is none, or a running Nightshift uses one.
 */
export async function eraseStates(folder = defaultStateDirectory(), withGenerations = false): Promise<string[]> {
  const states = await statesIn(folder, 2);
  if (states.length === 0)
    throw new NightshiftError("E_CONFIG", { expected: `a state folder at ${folder} or within`, received: "none", remedy: "Name the folder that `nightshift run --state` was given." });
  for (const state of states) {
    const lock = await FolderLock.take(state, realDisk);
    try {
      await removeMemory(state, realDisk);
      if (!withGenerations) continue;
      for (const each of await learntIn(state)) await rm(each, { recursive: true, force: true });
      await realDisk.syncFolder(state);
    } finally {
      await lock.release();
    }
  }
  return states;
}

/** Folders of bundles hold folders of cameras, which hold the state. */
async function statesIn(folder: string, depth: number): Promise<string[]> {
  if (existsSync(join(folder, "generations"))) return [folder];
  if (depth === 0 || !existsSync(folder)) return [];
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(entries.filter((entry) => entry.isDirectory()).map(({ name }) => statesIn(join(folder, name), depth - 1)));
  return found.flat();
}
