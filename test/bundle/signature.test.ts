import { execFileSync } from "node:child_process";
import { createPublicKey, verify } from "node:crypto";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { createSigningKeys, GenerationStore, publicKeyOf, readBundle, readSignerOf, readSigningKey, readTrust, signBundle, writeBundle } from "../../sdk/bundle/index.js";
import { writeSecret } from "../../sdk/secret-file.js";
import { description, temporaryFolder, tinyContents } from "./contents.js";

/** A bundle, and a pair of keys in files. */
async function place(t: ExecutionContext) {
  const folder = await temporaryFolder(t);
  const directory = join(folder, "bundle");
  await writeBundle(directory, tinyContents());
  const keys = async (name: string) => {
    const { secret, public: open } = createSigningKeys();
    await writeSecret(join(folder, name), secret);
    await writeFile(join(folder, `${name}.pub`), open);
    return { key: await readSigningKey(join(folder, name)), trust: await readTrust([join(folder, `${name}.pub`)]) };
  };
  return { folder, directory, keys };
}

test("with keys, only what one of them signed is read; without, anything", async (t) => {
  const { directory, keys } = await place(t);
  const [ours, theirs] = [await keys("ours"), await keys("theirs")];
  await t.throwsAsync(readBundle(directory, { trust: ours.trust }), { code: "E_UNTRUSTED", message: /no signature/ });
  await t.throwsAsync(readBundle(directory, { trust: [] }), { code: "E_UNTRUSTED" });
  t.is(await readSignerOf(directory), undefined);
  await signBundle(directory, theirs.key);
  await t.throwsAsync(readBundle(directory, { trust: ours.trust }), { code: "E_UNTRUSTED", message: new RegExp(`one by ${theirs.trust[0]?.replaceAll("+", "\\+")}`) });
  await signBundle(directory, ours.key);
  t.is(await readSignerOf(directory), publicKeyOf(ours.key));
  const { signature } = JSON.parse(await readFile(join(directory, "signature.json"), "utf8")) as { signature: string };
  const signed = Buffer.concat([Buffer.from("nightshift bundle 1\n"), await readFile(join(directory, "manifest.json"))]);
  t.true(verify(null, signed, createPublicKey(ours.key), Buffer.from(signature, "base64")), "as others may check it");
  t.is((await readBundle(directory, { trust: [...theirs.trust, ...ours.trust] })).manifest.name, "tiny");
  await t.notThrowsAsync(readBundle(directory));
});

test("a file, the manifest or the signature that was changed after signing is found", async (t) => {
  const { directory, keys } = await place(t);
  const { key, trust } = await keys("ours");
  await signBundle(directory, key);
  const changed = async (file: string, change: (text: string) => string): Promise<void> => {
    const before = await readFile(join(directory, file), "latin1");
    await writeFile(join(directory, file), change(before), "latin1");
    const [manifest, signature] = [/NOTICE/.test(file) ? "E_BUNDLE_HASH" : "E_UNTRUSTED", await t.throwsAsync(readBundle(directory, { trust }))];
    t.like(signature, { code: manifest }, file);
    await writeFile(join(directory, file), before, "latin1");
  };
  await changed("NOTICE", (text) => text.replace("Made", "Mode"));
  await changed("manifest.json", (text) => text.replace('"generation": 0', '"generation": 1'));
  // The same to JSON, but not the same bytes.
  await changed("manifest.json", (text) => `${text} `);
  await changed("signature.json", (text) => text.replace(/"signature":"./, (start) => `${start.slice(0, -1)}${start.endsWith("A") ? "B" : "A"}`));
  await changed("signature.json", (text) => text.slice(0, -20));
  await changed("signature.json", () => "{}");
  await t.notThrowsAsync(readBundle(directory, { trust }));
});

test("a key that is of another kind, or that others may read, is refused", async (t) => {
  const { folder } = await place(t);
  await writeFile(join(folder, "open"), createSigningKeys().secret, { mode: 0o644 });
  await t.throwsAsync(readSigningKey(join(folder, "open")), { code: "E_KEY", message: /0644/ });
  await writeFile(join(folder, "text"), "no key", { mode: 0o600 });
  await t.throwsAsync(readSigningKey(join(folder, "text")), { code: "E_KEY" });
  await writeFile(join(folder, "long"), " ".repeat(65_537), { mode: 0o600 });
  await t.throwsAsync(readSigningKey(join(folder, "long")), { code: "E_KEY", message: /at most 65536 bytes/ });
  await t.throwsAsync(readTrust([join(folder, "none")]), { code: "E_KEY" });
  await writeSecret(join(folder, "new"), "a");
  await t.throwsAsync(writeSecret(join(folder, "new"), "b"), { code: "E_KEY" });
  t.is(await readFile(join(folder, "new"), "utf8"), "a");
});

test("a vehicle signs what it learnt with a key of its own, which outlives a restart", async (t) => {
  const store = await GenerationStore.open(join(await temporaryFolder(t), "state"));
  const path = await store.write(tinyContents({ description: { ...description, generation: 1, parent: 0 } }));
  const trust = await store.publicKeys();
  await t.throwsAsync(readBundle(path, { trust }), { code: "E_UNTRUSTED" });
  await store.sign(1);
  t.is((await readBundle(path, { trust })).manifest.generation, 1);
  t.deepEqual(await (await GenerationStore.open(store.directory)).publicKeys(), trust);
});

test("a vehicle whose key could not be read asks for it again", async (t) => {
  const store = await GenerationStore.open(join(await temporaryFolder(t), "state"));
  const path = await store.write(tinyContents({ description: { ...description, generation: 1, parent: 0 } }));
  const key = join(store.directory, "vehicle.key");
  await writeFile(key, createSigningKeys().secret, { mode: 0o644 });
  await t.throwsAsync(store.sign(1), { code: "E_KEY", message: /0644/ });
  await chmod(key, 0o600);
  await store.sign(1);
  t.deepEqual([await readSignerOf(path)], await store.publicKeys());
});

test("sizes and counts that no bundle has are refused before a file is read", async (t) => {
  const { directory } = await place(t);
  const path = join(directory, "manifest.json");
  const text = await readFile(path, "utf8");
  type Stated = { files: { path: string; bytes: number; sha256: string }[] };
  const stating = async (change: (manifest: Stated) => void): Promise<void> => {
    const manifest = JSON.parse(text) as Stated;
    change(manifest);
    await writeFile(path, JSON.stringify(manifest));
  };
  await stating(({ files }) => (files[0].bytes = 2 ** 40));
  await t.throwsAsync(readBundle(directory), { code: "E_BUNDLE_FORMAT" });
  await stating(({ files }) => (files[0].bytes = 3));
  await t.throwsAsync(readBundle(directory), { code: "E_BUNDLE_FORMAT", message: /at most 3 bytes/ });
  await stating((manifest) => (manifest.files = Array.from({ length: 10_001 }, (_, at) => ({ path: `f${at}`, bytes: 0, sha256: "0".repeat(64) }))));
  await t.throwsAsync(readBundle(directory), { code: "E_BUNDLE_FORMAT" });
  await writeFile(path, " ".repeat(17 * 2 ** 20));
  await t.throwsAsync(readBundle(directory), { code: "E_BUNDLE_FORMAT", message: /at most 16777216 bytes/ });
});

test("what is read before anything is verified is short, and a plain file", async (t) => {
  const { directory, keys } = await place(t);
  const { key, trust } = await keys("ours");
  const signature = join(directory, "signature.json");
  await signBundle(directory, key);
  await writeFile(signature, " ".repeat(5000), { flag: "a" });
  await t.throwsAsync(readBundle(directory, { trust }), { code: "E_BUNDLE_FORMAT", message: /at most 4096 bytes/ });
  for (const path of [signature, join(directory, "manifest.json")]) {
    await rm(path);
    execFileSync("mkfifo", [path]);
    await t.throwsAsync(readBundle(directory, { trust }), { code: "E_BUNDLE_FORMAT", message: /no plain file/ });
  }
});
