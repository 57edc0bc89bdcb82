import { resolve } from "node:path";
import { NightshiftError } from "../errors.js";
import { textWidthOf } from "../network/architecture.js";
import { type Bundle, bundleFiles } from "./bundle.js";
import { decodeEmbeddings } from "./embeddings.js";
import { decodeExemplars, isExemplarFile } from "./exemplars.js";
import { readInside, readVerified } from "./files.js";
import { decodeGolden } from "./golden.js";
import { largestManifest, type Manifest, manifestFile, parseManifest } from "./manifest.js";
import { decodeQuantisation } from "./quantisation.js";
import { type Trust, verifySignature } from "./signature.js";
import { decodeWeights } from "./weights.js";

export interface ReadOptions {
  /**
   * `all` verifies every file at once; `model` leaves those that no answer needs, of which exemplars are verified when they are asked for, which saves time where
   * only answers are wanted. `all` unless told otherwise.
   */
  readonly verify?: "all" | "model";
  /** Keys of which one must have signed the bundle; unsigned ones are read too where none are given. */
  readonly trust?: Trust;
}

/** The manifest of a bundle alone; none of the files is looked at. Throws `E_BUNDLE_MISSING`, `E_BUNDLE_FORMAT`, or `E_UNTRUSTED` where keys are given and none signed it. */
export async function readManifest(directory: string, trust?: Trust): Promise<Manifest> {
  const bytes = await readInside(directory, manifestFile, largestManifest);
  if (trust) await verifySignature(directory, bytes, trust);
  return parseManifest(new TextDecoder().decode(bytes), resolve(directory, manifestFile));
}

/**
 * Reads a bundle, and nothing of it that does not have the size and hash that its manifest states. Throws `E_BUNDLE_MISSING`,
 * `E_BUNDLE_FORMAT` (truncated or malformed), `E_BUNDLE_HASH`, `E_WEIGHTS_NOT_FINITE`, and before any other file is looked at `E_UNTRUSTED`.
 */
export async function readBundle(directory: string, options: ReadOptions = {}): Promise<Bundle> {
  const manifest = await readManifest(directory, options.trust);
  const verified = new Set<string>();
  const read = async (path: string): Promise<Uint8Array | undefined> => {
    const file = manifest.files.find((entry) => entry.path === path);
    verified.add(path);
    return file && readVerified(directory, file);
  };
  const [weightBytes, embeddingBytes, goldenBytes, notice] = await Promise.all([
    required(read, bundleFiles.weights, directory),
    required(read, bundleFiles.embeddings, directory),
    required(read, bundleFiles.golden, directory),
    required(read, bundleFiles.notice, directory),
  ]);
  const { network: stated } = manifest;
  const network = "kind" in stated ? { ...stated, model: await required(read, bundleFiles.model, directory) } : stated;
  const quantisation = manifest.precision && decodeQuantisation(await required(read, bundleFiles.quantisation, directory), resolve(directory, bundleFiles.quantisation), manifest.precision);
  if (options.verify !== "model")
    for (const file of manifest.files) if (!verified.has(file.path)) await readVerified(directory, file);
  const embeddings = decodeEmbeddings(embeddingBytes, textWidthOf(network), resolve(directory, bundleFiles.embeddings));
  return {
    directory: resolve(directory),
    manifest,
    network,
    weights: decodeWeights(weightBytes, resolve(directory, bundleFiles.weights)),
    ...(quantisation && { quantisation }),
    golden: decodeGolden(goldenBytes, resolve(directory, bundleFiles.golden)),
    notice: new TextDecoder().decode(notice),
    embeddings: () => embeddings,
    exemplars: () => decodeExemplars(manifest, read),
    exemplarFiles: async () => {
      if (!manifest.exemplars) return undefined;
      const files = new Map<string, Uint8Array>();
      for (const file of manifest.files) if (isExemplarFile(file.path)) files.set(file.path, await readVerified(directory, file));
      return { ...manifest.exemplars, files };
    },
  };
}

async function required(read: (path: string) => Promise<Uint8Array | undefined>, path: string, directory: string): Promise<Uint8Array> {
  const bytes = await read(path);
  if (bytes) return bytes;
  throw new NightshiftError("E_BUNDLE_MISSING", {
    expected: `${path} in the manifest of the bundle ${directory}`,
    received: "no such entry",
    remedy: "Fetch or write the bundle again.",
  });
}
