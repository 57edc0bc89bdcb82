import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { NightshiftError, reasonOf } from "../errors.js";
import { readSecret } from "../secret-file.js";
import { type Disk, realDisk } from "./disk.js";
import { readIfInside, readInside, replaceSynced } from "./files.js";
import { largestManifest, manifestFile } from "./manifest.js";

/** Beside the manifest, which it signs and which therefore cannot list it. */
export const signatureFile = "signature.json";

/** Bytes; it is read before anything is verified. */
const largestSignature = 4096;

/** Public keys whose signatures are trusted: Ed25519, 32 bytes in base64. */
export type Trust = readonly string[];

/** So that a signature of something else is never one of a bundle. */
const preamble = "nightshift bundle 1\n";

const schema = z.strictObject({ algorithm: z.literal("Ed25519"), publicKey: z.base64(), signature: z.base64() });

const signed = (manifest: Uint8Array): Uint8Array => Buffer.concat([Buffer.from(preamble), manifest]);

/** A public key as `Trust` lists it. */
export function publicKeyOf(key: KeyObject): string {
  const { x = "" } = (key.type === "private" ? createPublicKey(key) : key).export({ format: "jwk" });
  return Buffer.from(x, "base64url").toString("base64");
}

/** A new pair as PEM, which OpenSSL reads too. */
export function createSigningKeys(): { readonly secret: string; readonly public: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return { secret: privateKey.export({ format: "pem", type: "pkcs8" }).toString(), public: publicKey.export({ format: "pem", type: "spki" }).toString() };
}

/** Reads a secret key. Throws `E_KEY`, also where others may read it. */
export async function readSigningKey(path: string): Promise<KeyObject> {
  return ed25519(await readSecret(path, "a secret key for signing", "bundles"), createPrivateKey, path);
}

/** Reads public keys, or the public halves of pairs. Throws `E_KEY`. */
export async function readTrust(paths: readonly string[]): Promise<Trust> {
  const read = async (path: string): Promise<string> => {
    const text = await readFile(path, "utf8").catch((cause: unknown) => {
      throw new NightshiftError("E_KEY", { expected: `a public key in ${path}`, received: reasonOf(cause), remedy: "Check the path.", cause });
    });
    return publicKeyOf(ed25519(text, createPublicKey, path));
  };
  return Promise.all(paths.map(read));
}

/** Signs a bundle: its manifest, which states the hash of every file. What was there before is replaced. Throws `E_BUNDLE_MISSING`, `E_DISK`. */
export async function signBundle(directory: string, key: KeyObject, disk: Disk = realDisk): Promise<void> {
  const path = join(directory, signatureFile);
  await replaceSynced(path, `${path}.new`, signatureOf(await readInside(directory, manifestFile, largestManifest), key), disk);
}

/** The signature file of a manifest. */
export function signatureOf(manifest: Uint8Array, key: KeyObject): Uint8Array {
  const signature = sign(null, signed(manifest), key).toString("base64");
  return Buffer.from(`${JSON.stringify({ algorithm: "Ed25519", publicKey: publicKeyOf(key), signature })}\n`);
}

/** The key that a bundle with this manifest is rightly signed with; undefined where it is not signed. Throws `E_UNTRUSTED` where the signature is malformed or of another manifest, `E_BUNDLE_FORMAT` where it is too long for one. */
export async function signerOf(directory: string, manifest: Uint8Array): Promise<string | undefined> {
  const bytes = await readIfInside(directory, signatureFile, largestSignature);
  return bytes && checkSignature(bytes, manifest, directory);
}

/** The same of the bundle as it lies there. */
export const readSignerOf = async (directory: string): Promise<string | undefined> => signerOf(directory, await readInside(directory, manifestFile, largestManifest));

/** The key whose signature of the manifest a signature file holds. Throws `E_UNTRUSTED`. `directory` names the bundle in the error. */
export function checkSignature(bytes: Uint8Array, manifest: Uint8Array, directory: string): string {
  try {
    const { publicKey, signature } = schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(publicKey, "base64").toString("base64url") }, format: "jwk" });
    if (verify(null, signed(manifest), key, Buffer.from(signature, "base64"))) return publicKey;
  } catch (cause) {
    throw untrusted(directory, "a signature that is malformed", cause);
  }
  throw untrusted(directory, "a signature of another manifest");
}

/** Throws `E_UNTRUSTED` unless one of the keys signed the manifest. */
export async function verifySignature(directory: string, manifest: Uint8Array, trust: Trust): Promise<void> {
  const signer = await signerOf(directory, manifest);
  if (signer === undefined) throw untrusted(directory, "no signature");
  if (!trust.includes(signer)) throw untrusted(directory, `one by ${signer}`);
}

function ed25519(text: string, make: (text: string) => KeyObject, path: string): KeyObject {
  try {
    const key = make(text);
    if (key.asymmetricKeyType === "ed25519") return key;
    throw new Error(`a key of type ${key.asymmetricKeyType}`);
  } catch (cause) {
    throw new NightshiftError("E_KEY", {
      expected: `an Ed25519 key in PEM in ${path}`,
      received: reasonOf(cause),
      remedy: "Make a pair with `nightshift keys create --for bundles`.",
      cause,
    });
  }
}

const untrusted = (directory: string, received: string, cause?: unknown): NightshiftError =>
  new NightshiftError("E_UNTRUSTED", {
    expected: `a signature by a trusted key on the bundle ${directory}`,
    received,
    remedy: "Fetch the bundle again from whoever you trust, sign it with `nightshift sign`, or trust its key with --trust.",
    cause,
  });
