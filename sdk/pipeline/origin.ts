import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Disk } from "../bundle/disk.js";
import { makeFolders, replaceSynced } from "../bundle/files.js";
import { type Bundle, contentOf } from "../bundle/index.js";
import { NightshiftError } from "../errors.js";

/** Says which bundle what is kept was learnt from: the SHA-256 of its content. */
const originFile = "origin";
/** What is kept of what was learnt; the pointers first, so that none points at what is gone. */
const learnt = ["current", "shelf.json", "generations"] as const;
const asidePrefix = "learnt-from-";

/**
 * Generations of other weights are none of this bundle's: what was learnt from another is set aside, whole, in a folder of its own beside, and told of. After a power cut between any two of its writes it goes on where it was.
 * A folder that does not say yet which bundle that was, as older versions left it, is taken for this bundle's. Throws `E_DISK`.
 */
export async function setAside(directory: string, { manifest }: Bundle, disk: Disk): Promise<NightshiftError | undefined> {
  const path = join(directory, originFile);
  const own = contentOf(manifest);
  const origin = existsSync(path) ? (await readFile(path, "utf8")).trim() : undefined;
  if (origin === own) return undefined;
  let told: NightshiftError | undefined;
  if (origin !== undefined) {
    // As long as a folder of a bundle that is named by default; what is damaged names none.
    const aside = join(directory, asidePrefix + (/^[0-9a-f]{12}/.exec(origin)?.[0] ?? "unknown"));
    await makeFolders(aside, disk);
    for (const each of learnt) {
      if (!existsSync(join(directory, each))) continue;
      await disk.remove(join(aside, each));
      await disk.rename(join(directory, each), join(aside, each));
      await disk.syncFolder(aside);
      await disk.syncFolder(directory);
    }
    told = new NightshiftError("E_CONFIG", {
      expected: `what was learnt from the bundle ${manifest.name} in ${directory}`,
      received: "what was learnt from another bundle, or another delivery of it",
      remedy: `None is needed: it was set aside in ${aside}, and learning begins anew.`,
    });
  }
  await replaceSynced(path, `${path}.new`, new TextEncoder().encode(`${own}\n`), disk);
  return told;
}

/** All that was learnt in a folder of state, set aside or not, in the order in which it may go. */
export async function learntIn(directory: string): Promise<readonly string[]> {
  const aside = (await readdir(directory)).filter((name) => name.startsWith(asidePrefix));
  return [...learnt, ...aside, originFile].map((name) => join(directory, name));
}
