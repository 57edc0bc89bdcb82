import { type FileHandle, link, open, rm } from "node:fs/promises";
import { NightshiftError, reasonOf } from "./errors.js";

/** Keys and tokens are short; what is longer is another file. */
const longest = 65536;

/** Reads a text that only its owner may read. Throws `E_KEY` where it is missing, too long, or open to others. `what` names it in the error, `kind` is what `nightshift keys create --for` makes it as. */
export async function readSecret(path: string, what: string, kind: "streams" | "bundles" | "frames" | "page"): Promise<string> {
  const refuse = (received: string, remedy: string, cause?: unknown): NightshiftError => new NightshiftError("E_KEY", { expected: `${what} in ${path}`, received, remedy, cause });
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (cause) {
    throw refuse(reasonOf(cause), `Check the path, or make the file with \`nightshift keys create --for ${kind}\`.`, cause);
  }
  try {
    // Of the file that was opened, which is the one that is read.
    const status = await file.stat();
    if (!status.isFile() || status.size > longest) throw refuse(status.isFile() ? `${status.size} bytes` : "no plain file", `Name a file of at most ${longest} bytes.`);
    // Windows keeps permissions elsewhere.
    const others = process.platform === "win32" ? 0 : status.mode & 0o077;
    if (others !== 0) throw refuse(`mode ${(status.mode & 0o777).toString(8).padStart(4, "0")}, with which others may read or change it`, `Run \`chmod 600 ${path}\`; if others may have read it, make a new one.`);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

/** Writes a new text that only its owner may read, so that a crash leaves all of it or nothing. Throws `E_KEY` where there is a file already. */
export async function writeSecret(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.new`;
  try {
    const file = await open(temporary, "w", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    // Unlike a rename, it does not replace what is there.
    await link(temporary, path);
  } catch (cause) {
    throw new NightshiftError("E_KEY", {
      expected: `no file at ${path} yet, in a folder that can be written`,
      received: reasonOf(cause),
      remedy: "Keys are never overwritten: choose another name, or remove the old one first.",
      cause,
    });
  } finally {
    await rm(temporary, { force: true });
  }
}
