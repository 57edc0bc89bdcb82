import { readFile } from "node:fs/promises";
import { curveKeyPair } from "zeromq";
import { NightshiftError, reasonOf } from "../errors.js";
import { readSecret } from "../secret-file.js";

/** A pair of keys for CURVE, in ZeroMQ's Z85: 40 characters each. */
export interface CurveKeys {
  readonly publicKey: string;
  readonly secretKey: string;
}

/** What a client needs to reach a server that asks for keys: a pair of its own, and the server's public key. */
export interface CurveClient extends CurveKeys {
  readonly serverKey: string;
}

/** The same as a socket of ZeroMQ takes it. */
export const curveOptions = ({ publicKey, secretKey, serverKey }: CurveClient) => ({ curvePublicKey: publicKey, curveSecretKey: secretKey, curveServerKey: serverKey });

const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/** Whether a text is a key in Z85. */
export const isCurveKey = (text: string): boolean => text.length === 40 && [...text].every((each) => digits.includes(each));

/** 32 bytes as 40 digits to the base of 85 (ZeroMQ RFC 32). */
export function z85(key: Uint8Array): string {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  let text = "";
  for (let at = 0; at < key.length; at += 4) {
    const number = view.getUint32(at);
    for (let power = 85 ** 4; power >= 1; power /= 85) text += digits[Math.floor(number / power) % 85];
  }
  return text;
}

/** Not such whose public key begins with a dash, as one in 85 does: on a command line it would be an option. */
export function createCurveKeys(draw: () => CurveKeys = curveKeyPair): CurveKeys {
  const keys = draw();
  return keys.publicKey.startsWith("-") ? createCurveKeys(draw) : keys;
}

/** The text of a certificate as CZMQ and pyzmq read and write them; without the secret key it may be given away. */
export const certificate = ({ publicKey, secretKey }: Pick<CurveKeys, "publicKey"> & Partial<CurveKeys>): string =>
  `# ZeroMQ CURVE ${secretKey === undefined ? "public" : "**secret**"} certificate\nmetadata\ncurve\n    public-key = "${publicKey}"\n${secretKey === undefined ? "" : `    secret-key = "${secretKey}"\n`}`;

/** The keys that a certificate's text names. */
export function keysOf(text: string): Partial<CurveKeys> {
  const key = (name: string): string | undefined => {
    const found = new RegExp(`^\\s*${name}\\s*=\\s*"([^"\\n]{40})"\\s*$`, "m").exec(text)?.[1];
    return found !== undefined && isCurveKey(found) ? found : undefined;
  };
  const [publicKey, secretKey] = [key("public-key"), key("secret-key")];
  return { ...(publicKey !== undefined && { publicKey }), ...(secretKey !== undefined && { secretKey }) };
}

/** Reads a certificate with both keys. Throws `E_KEY`, also where others may read it. */
export async function readCurveKeys(path: string): Promise<CurveKeys> {
  const { publicKey, secretKey } = keysOf(await readSecret(path, "a secret CURVE certificate", "streams"));
  if (publicKey !== undefined && secretKey !== undefined) return { publicKey, secretKey };
  throw new NightshiftError("E_KEY", {
    expected: `a public-key and a secret-key of 40 characters in ${path}`,
    received: publicKey === undefined ? "no public key" : "no secret key",
    remedy: "Make a pair with `nightshift keys create`, and name the file that does not end in .pub.",
  });
}

/** Reads the public key of a certificate, secret or not. Throws `E_KEY`. */
export async function readPublicCurveKey(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new NightshiftError("E_KEY", { expected: `a CURVE certificate in ${path}`, received: reasonOf(cause), remedy: "Check the path.", cause });
  });
  const { publicKey } = keysOf(text);
  if (publicKey !== undefined) return publicKey;
  throw new NightshiftError("E_KEY", { expected: `a public-key of 40 characters in ${path}`, received: "none", remedy: "Make a pair with `nightshift keys create`." });
}

/** What a client needs, from its own pair and the server's certificate. Throws `E_KEY`. */
export const readCurveClient = async (key: string, server: string): Promise<CurveClient> => ({ ...(await readCurveKeys(key)), serverKey: await readPublicCurveKey(server) });
