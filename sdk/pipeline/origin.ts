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
export async function setAside(directory: string, bundle: Bundle, disk: Disk): Promise<NightshiftError | undefined> {
  const origin = await originOf(directory);
  const own = contentOf(bundle.manifest);
  if (origin === own) return undefined;
  let told: NightshiftError | undefined;
  if (origin !== undefined) {
    // As long as a folder of a bundle that is named by default; what is damaged names none.
    const aside = join(directory, asidePrefix + (/^[0-9a-f]{12}/.exec(origin)?.[0] ?? "unknown"));
    // What nobody learnt must not take the place of what is there.
    for (const each of (await hasLearnt(directory)) ? learnt : []) {
      if (!existsSync(join(directory, each))) continue;
      await makeFolders(aside, disk);
      await disk.remove(join(aside, each));
      await disk.rename(join(directory, each), join(aside, each));
      await disk.syncFolder(aside);
      await disk.syncFolder(directory);
    }
    if (existsSync(aside)) told = foreign(directory, bundle, `it was set aside in ${aside}, and learning begins anew`);
  }
  const path = join(directory, originFile);
  await replaceSynced(path, `${path}.new`, new TextEncoder().encode(`${own}\n`), disk);
  return told;
}

/** What is wrong where it cannot be set aside: undefined where what is there was learnt from this bundle, or nothing was. */
export async function foreignIn(directory: string, bundle: Bundle): Promise<NightshiftError | undefined> {
  const origin = await originOf(directory);
  if (origin === undefined || origin === contentOf(bundle.manifest) || !(await hasLearnt(directory))) return undefined;
  return foreign(directory, bundle, "it does not serve, and is set aside as soon as the folder can be written");
}

const foreign = (directory: string, { manifest }: Bundle, outcome: string): NightshiftError =>
  new NightshiftError("E_CONFIG", {
    expected: `what was learnt from the bundle ${manifest.name} in ${directory}`,
    received: "what was learnt from another bundle, or another delivery of it",
    remedy: `None is needed: ${outcome}.`,
  });

/** Undefined where the folder does not say. */
async function originOf(directory: string): Promise<string | undefined> {
  const path = join(directory, originFile);
  return existsSync(path) ? (await readFile(path, "utf8")).trim() : undefined;
}

async function hasLearnt(directory: string): Promise<boolean> {
  const [current, shelf, generations] = learnt.map((each) => join(directory, each));
  return existsSync(current) || existsSync(shelf) || (existsSync(generations) && (await readdir(generations)).length > 0);
}

/** All that was learnt in a folder of state, set aside or not, in the order in which it may go. */
export async function learntIn(directory: string): Promise<readonly string[]> {
  const aside = (await readdir(directory)).filter((name) => name.startsWith(asidePrefix));
  return [...learnt, ...aside, originFile].map((name) => join(directory, name));
}
