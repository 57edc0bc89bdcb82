import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { NightshiftError } from "../errors.js";
import { readSecret } from "../secret-file.js";

/** What an encrypted file begins with; the nonce follows, then the tag, then what was encrypted. */
const magic = Buffer.from("NSHIFT\x00\x01", "latin1");
const [nonceBytes, tagBytes, keyBytes] = [12, 16, 32];
const start = magic.length + nonceBytes + tagBytes;

export const createSealingKey = (): string => randomBytes(keyBytes).toString("hex");

/** Reads a key of 64 hexadecimal digits. Throws `E_KEY`, also where others may read it. */
export async function readSealingKey(path: string): Promise<Uint8Array> {
  const text = (await readSecret(path, "a key for remembered frames", "frames")).trim();
  if (/^[0-9a-f]{64}$/.test(text)) return Buffer.from(text, "hex");
  throw new NightshiftError("E_KEY", { expected: `64 hexadecimal digits in ${path}`, received: `${text.length} characters`, remedy: "Make one with `nightshift keys create --for frames`." });
}

export const isSealed = (bytes: Uint8Array): boolean => magic.equals(bytes.subarray(0, magic.length));

/** Encrypts with AES-256-GCM under a nonce of its own: 2^32 writes with one key are safe, one a minute for eight thousand years. */
export function sealed(bytes: Uint8Array, key: Uint8Array): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(magic);
  const body = Buffer.concat([cipher.update(bytes), cipher.final()]);
  return Buffer.concat([magic, nonce, cipher.getAuthTag(), body]);
}

/** The opposite. Throws `E_KEY` where the key is another or missing, or the file was changed: the two cannot be told apart. `path` names it. */
export function unsealed(bytes: Uint8Array, key: Uint8Array | undefined, path: string): Uint8Array {
  try {
    if (!key) throw new Error("no key");
    if (bytes.length < start) throw new Error("a truncated file");
    const nonce = bytes.subarray(magic.length, magic.length + nonceBytes);
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes }).setAAD(magic).setAuthTag(bytes.subarray(magic.length + nonceBytes, start));
    return Buffer.concat([decipher.update(bytes.subarray(start)), decipher.final()]);
  } catch (cause) {
    throw new NightshiftError("E_KEY", {
      expected: `the key that the frames in ${path} were encrypted with`,
      received: key ? "another key, or a file that was changed" : "none",
      remedy: "Name the key with --memory-key, or erase the frames with `nightshift erase`.",
      cause,
    });
  }
}
