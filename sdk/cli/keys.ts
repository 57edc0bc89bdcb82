import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, chown, readFile, stat, writeFile } from "node:fs/promises";
import { Command, Option } from "commander";
import { NightshiftError, reasonOf } from "../errors.js";
import { writeSecret } from "../secret-file.js";
import type { Allowed, Role } from "../stream/allow-list.js";
import { type Io, result, table } from "./io.js";

/** What a key may be for, and how it is made: the secret, and what may be given away. */
const kinds = {
  streams: async () => {
    const { certificate, createCurveKeys } = await import("../stream/curve.js");
    const keys = createCurveKeys();
    return { secret: certificate(keys), public: certificate({ publicKey: keys.publicKey }) };
  },
  bundles: async () => (await import("../bundle/index.js")).createSigningKeys(),
  frames: async () => ({ secret: `${(await import("../adaptation/sealed.js")).createSealingKey()}\n`, public: undefined }),
  page: () => Promise.resolve({ secret: `${randomBytes(24).toString("base64url")}\n`, public: undefined }),
} as const;

const json = ["--json", "print JSON alone on stdout", false] as const;

export const keysCommand = (io: Io): Command => {
  const keys = new Command("keys").description("Make keys, show them, and say who may connect to a stream's sockets.");
  keys
    .command("create")
    .description("Make a key: a file that only its owner may read, and beside it FILE.pub to give away where there is such a half. Nothing is overwritten.")
    .argument("<file>", "where the secret goes")
    .addOption(new Option("--for <what>", "streams (CURVE, for sockets off the machine), bundles (Ed25519, to sign them), frames (AES-256, for remembered ones), page (a token)").choices(Object.keys(kinds)).default("streams"))
    .option(...json)
    .action(async (file: string, options: { for: keyof typeof kinds; json: boolean }) => {
      const made = await kinds[options.for]();
      const open = made.public === undefined ? undefined : `${file}.pub`;
      if (open !== undefined && existsSync(open))
        throw new NightshiftError("E_KEY", { expected: `no file at ${open} yet`, received: "one", remedy: "Keys are never overwritten: choose another name, or remove the old one first." });
      await writeSecret(file, made.secret);
      if (open !== undefined) await writeFile(open, made.public ?? "", { flag: "wx" });
      result(io, options.json, { secret: file, ...(open !== undefined && { public: open }) }, table([["secret", file], ...(open === undefined ? [] : [["public", open] as const])]));
    });
  keys
    .command("show")
    .description("Print what a key file or a list of allowed keys says, without secrets.")
    .argument("<file>", "a key, its .pub, or a list")
    .option(...json)
    .action(async (file: string, options: { json: boolean }) => {
      const shown = await show(file);
      result(io, options.json, shown, "allowed" in shown ? table(shown.allowed.map(({ role, key, name }) => [role, `${key}  ${name}`])) : table(Object.entries(shown)));
    });
  keys
    .command("allow")
    .description("Put a client's public key on the list. A Nightshift that runs lets it in within a second.")
    .argument("<key>", "the client's .pub file, or the key itself")
    .requiredOption("--list <file>", "made where there is none yet")
    .requiredOption("--name <name>", "whose it is")
    .addOption(new Option("--role <role>", "reader: receives streams; controller: uses the control socket").choices(["reader", "controller"]).default("reader"))
    .option(...json)
    .action(async (given: string, options: { list: string; name: string; role: Role; json: boolean }) => {
      const entry = { role: options.role, key: await publicCurveKey(given), name: options.name };
      const isSame = ({ role, key }: Allowed): boolean => role === entry.role && key === entry.key;
      const { editAllowed, emptyAllowed } = await import("../stream/allow-list.js");
      const text = existsSync(options.list) ? await readText(options.list) : emptyAllowed;
      await writeList(options.list, editAllowed(text, options.list, isSame, entry));
      result(io, options.json, entry, table(Object.entries(entry)));
    });
  keys
    .command("revoke")
    .description("Take a client off the list. A Nightshift that runs cuts it off within a second.")
    .argument("<who>", "its name, its .pub file, or the key itself")
    .requiredOption("--list <file>", "the list")
    .option(...json)
    .action(async (who: string, options: { list: string; json: boolean }) => {
      const { editAllowed, parseAllowed } = await import("../stream/allow-list.js");
      const text = await readText(options.list);
      const list = parseAllowed(text, options.list);
      const { isCurveKey } = await import("../stream/curve.js");
      const key = !list.some(({ name }) => name === who) && (isCurveKey(who) || existsSync(who)) ? await publicCurveKey(who) : undefined;
      const isMeant = (each: Allowed): boolean => each.name === who || each.key === key;
      const revoked = list.filter(isMeant);
      if (revoked.length === 0) throw new NightshiftError("E_KEY", { expected: `a key, its file or a name of ${options.list}`, received: who, remedy: "See the list with `nightshift keys show`." });
      await writeList(options.list, editAllowed(text, options.list, isMeant));
      result(io, options.json, { revoked }, table(revoked.map(({ role, name }) => ["revoked", `${name}, ${role}`])));
    });
  return keys;
};

async function show(file: string): Promise<{ readonly allowed: readonly Allowed[] } | { readonly for: string; readonly publicKey: string }> {
  const text = await readText(file);
  const { keysOf } = await import("../stream/curve.js");
  const { publicKey } = keysOf(text);
  if (publicKey !== undefined) return { for: "streams", publicKey };
  if (text.startsWith("-----BEGIN")) return { for: "bundles", publicKey: (await (await import("../bundle/index.js")).readTrust([file]))[0] ?? "" };
  return { allowed: await readList(file) };
}

const readText = (file: string): Promise<string> =>
  readFile(file, "utf8").catch((cause: unknown) => {
    throw new NightshiftError("E_KEY", { expected: `a key or a list in ${file}`, received: reasonOf(cause), remedy: "Check the path.", cause });
  });

async function readList(file: string): Promise<Allowed[]> {
  const { parseAllowed } = await import("../stream/allow-list.js");
  return parseAllowed(await readText(file), file);
}

/** Whole at every instant, as a Nightshift may be reading it; it goes on to be the same user's, whoever changes it. Throws `E_DISK`. */
async function writeList(file: string, text: string): Promise<void> {
  const { replaceSynced } = await import("../bundle/files.js");
  const temporary = `${file}.new`;
  await replaceSynced(file, temporary, Buffer.from(text), undefined, async () => {
    if (!existsSync(file)) return;
    const { uid, gid, mode } = await stat(file);
    await chown(temporary, uid, gid);
    await chmod(temporary, mode & 0o777);
  });
}

/** A key as it is, or the one in a file. */
async function publicCurveKey(given: string): Promise<string> {
  const { isCurveKey, readPublicCurveKey } = await import("../stream/curve.js");
  return isCurveKey(given) ? given : readPublicCurveKey(given);
}
