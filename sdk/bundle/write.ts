import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { NightshiftError, systemCodeOf } from "../errors.js";
import { type BundleContents, bundleFiles } from "./bundle.js";
import { type Disk, realDisk } from "./disk.js";
import { encodeEmbeddings, vocabularyOf } from "./embeddings.js";
import { encodeExemplars } from "./exemplars.js";
import { makeFolders, onDisk, refuseUnwritable, replaceSynced, sha256Of, writeSynced } from "./files.js";
import { encodeGolden } from "./golden.js";
import { checkManifest, type Description, encodeManifest, formatVersion, manifestFile } from "./manifest.js";
import { isRunning } from "./process.js";
import { encodeQuantisation } from "./quantisation.js";
import { readManifest } from "./read.js";
import { encodeWeights } from "./weights.js";

const unfinishedPrefix = ".unfinished-";
/** Tells this process from one before it that had the same number, as in a container each has. */
const processMark = randomBytes(4).toString("hex");
let unfinished = 0;

/** What something is called while it is written, or removed: whoever finds it knows what it was to be, and who was at it. */
export const unfinishedName = (name: string): string => `${unfinishedPrefix}${name}-${process.pid}-${processMark}-${unfinished++}`;

/** Whether something is unfinished, and whoever was at it is no more. */
export function isLeftBehind(entry: string): boolean {
  if (!entry.startsWith(unfinishedPrefix)) return false;
  const [, pid, mark] = /-(\d+)-([0-9a-f]+)-\d+$/.exec(entry) ?? [];
  if (Number(pid) === process.pid) return mark !== processMark;
  return !isRunning(Number(pid));
}

/**
 * Writes a bundle so that at every instant, power cuts included, `directory` either does not exist or is whole: into a folder
 * beside it, synced, then renamed. Throws `E_BUNDLE_FORMAT` where something is already there or the contents are not a bundle,
 * `E_VOCABULARY` where the default vocabulary has no embeddings, `E_WEIGHTS_NOT_FINITE`, `E_DISK`.
 */
export async function writeBundle(directory: string, contents: BundleContents, disk: Disk = realDisk): Promise<void> {
  const target = resolve(directory);
  await refuseExisting(target);
  const files = await filesOf(contents);
  const parent = dirname(target);
  const temporary = join(parent, unfinishedName(basename(target)));
  await makeFolders(parent, disk);
  try {
    await onDisk(target, async () => {
      await disk.makeFolder(temporary);
      const folders = new Set<string>([temporary]);
      for (const [path, content] of files) {
        const folder = dirname(join(temporary, path));
        if (!folders.has(folder)) await makeFolders(folder, disk);
        folders.add(folder);
        await writeSynced(join(temporary, path), content, disk);
      }
      for (const folder of folders) await disk.syncFolder(folder);
      await disk.rename(temporary, target).catch(async (error: unknown) => {
        // Another process may have been there first.
        await refuseExisting(target);
        throw error;
      });
      await disk.syncFolder(parent);
    });
  } catch (error) {
    // Where not even that can be done, the store removes it when it is opened next; why nothing was written is what is to be told.
    await disk.remove(temporary).catch(() => undefined);
    throw error;
  }
}

/**
 * Adds scores to the manifest of a bundle that was just written, as they cannot be measured before: all else of it stays as it is, and at every instant it is whole. To be done before it is
 * signed. Throws as `readManifest`, and `E_DISK`.
 */
export async function addMetrics(directory: string, metrics: Description["metrics"], disk: Disk = realDisk): Promise<void> {
  const manifest = await readManifest(directory);
  const path = join(directory, manifestFile);
  await replaceSynced(path, `${path}.new`, encodeManifest(checkManifest({ ...manifest, metrics: { ...manifest.metrics, ...metrics } }, path)), disk);
}

async function filesOf({ description, model, weights, quantisation, embeddings, golden, notice, exemplars }: BundleContents): Promise<Map<string, Uint8Array>> {
  vocabularyOf(embeddings, description.vocabulary);
  if ("kind" in description.network !== (model !== undefined))
    throw new NightshiftError("E_BUNDLE_FORMAT", {
      expected: "a graph with an imported network, and none with another",
      received: model ? "a graph" : "none",
      remedy: "Pass the network's graph on with its description.",
    });
  if (description.precision !== quantisation?.precision)
    throw new NightshiftError("E_BUNDLE_FORMAT", {
      expected: "a quantisation as its description says, in int8 or float16, and none with one in float",
      received: `${quantisation?.precision ?? "no"} quantisation with a description in ${description.precision ?? "float"}`,
      remedy: "Pass the bundle's quantisation on with its description.",
    });
  const text = new TextEncoder();
  const encoded = exemplars && ("files" in exemplars ? exemplars : await encodeExemplars(exemplars));
  const files = new Map<string, Uint8Array>([
    [bundleFiles.weights, encodeWeights(weights)],
    [bundleFiles.embeddings, encodeEmbeddings(embeddings)],
    [bundleFiles.golden, encodeGolden(golden)],
    [bundleFiles.notice, text.encode(notice)],
    ...(model ? [[bundleFiles.model, model] as const] : []),
    ...(quantisation ? [[bundleFiles.quantisation, encodeQuantisation(quantisation)] as const] : []),
    ...(encoded?.files ?? []),
  ]);
  const manifest = checkManifest(
    {
      formatVersion,
      ...description,
      ...(encoded && { exemplars: { names: encoded.names, boxNames: encoded.boxNames, ids: encoded.ids } }),
      files: [...files].map(([path, content]) => ({ path, bytes: content.length, sha256: sha256Of(content) })),
    },
    manifestFile,
  );
  // Last, so that a folder without a manifest is known to be unfinished.
  return files.set(manifestFile, encodeManifest(manifest));
}

/** Throws `E_BUNDLE_FORMAT` where there is something already, `E_DISK` where there can be nothing: to be asked before long work, as `writeBundle` asks after it. */
export async function refuseExisting(path: string): Promise<void> {
  const found = await onDisk(path, () =>
    stat(path).catch((error: unknown) => {
      if (systemCodeOf(error) !== "ENOENT") throw error;
    }),
  );
  if (!found) return refuseUnwritable(dirname(resolve(path)));
  throw new NightshiftError("E_BUNDLE_FORMAT", {
    expected: `no file or folder at ${path}`,
    received: found.isDirectory() ? "a folder" : "a file",
    remedy: "Bundles are never changed in place: write to another path, or remove the old one first.",
  });
}
