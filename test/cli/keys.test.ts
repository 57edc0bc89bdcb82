import { existsSync } from "node:fs";
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import sharp from "sharp";
import { keysOf, readCurveClient } from "../../sdk/stream/curve.js";
import { temporaryFolder } from "../bundle/contents.js";
import { json, nightshift } from "../support/command.js";
import { tinyBundle } from "../support/tiny-bundle.js";

const bundle = await tinyBundle();
/** Three grey frames without labels, so that nothing is scored. */
const frames = await mkdtemp(join(tmpdir(), "nightshift-frames-"));
for (const name of ["a", "b", "c"]) await sharp({ create: { width: 64, height: 48, channels: 3, background: "#555" } }).toFile(join(frames, `${name}.png`));
test.after.always(() => rm(frames, { recursive: true }));
test.after.always(() => bundle.remove());

test("keys are made, shown without their secrets, allowed and revoked", async (t) => {
  const folder = await temporaryFolder(t);
  const [client, list] = [join(folder, "client"), join(folder, "allowed")];
  t.is((await nightshift("keys", "create", client)).code, 0);
  t.is((await stat(client)).mode & 0o777, 0o600);
  t.is((await nightshift("keys", "create", client)).code, 1, "nothing is overwritten");
  const { publicKey = "", secretKey = "none" } = keysOf(await readFile(client, "utf8"));
  const shown = await nightshift("keys", "show", client);
  t.true(shown.out.includes(publicKey) && !shown.out.includes(secretKey));
  t.truthy(publicKey);
  t.is((await readCurveClient(client, `${client}.pub`)).serverKey, publicKey);
  for (const role of ["reader", "controller"]) t.is((await nightshift("keys", "allow", `${client}.pub`, "--list", list, "--name", "fleet", "--role", role)).code, 0);
  await nightshift("keys", "allow", publicKey, "--list", list, "--name", "dashboard");
  t.deepEqual(json((await nightshift("keys", "show", list, "--json")).out).allowed, [{ role: "controller", key: publicKey, name: "fleet" }, { role: "reader", key: publicKey, name: "dashboard" }]);
  t.is((await nightshift("keys", "allow", `${client}.pub`, "--list", list, "--name", "two words")).code, 1);
  t.is((await nightshift("keys", "revoke", "fleet", "--list", list)).code, 0);
  t.like(json((await nightshift("keys", "revoke", "fleet", "--list", list, "--json")).out), { error: { code: "E_KEY", expected: `a key, its file or a name of ${list}`, received: "fleet" } });
  await nightshift("keys", "revoke", `${client}.pub`, "--list", list);
  t.deepEqual(json((await nightshift("keys", "show", list, "--json")).out).allowed, []);
});

test("a public half that is there already is kept, and no secret is made for it", async (t) => {
  const server = join(await temporaryFolder(t), "server");
  await writeFile(`${server}.pub`, "someone's");
  t.like(json((await nightshift("keys", "create", server, "--json")).out), { error: { code: "E_KEY" } });
  t.is(await readFile(`${server}.pub`, "utf8"), "someone's");
  t.false(existsSync(server));
});

test("remarks in a list stay where somebody put them", async (t) => {
  const folder = await temporaryFolder(t);
  const list = join(folder, "allowed");
  const [one, two, three] = ["a", "b", "c"].map((letter) => letter.repeat(40));
  await writeFile(list, `# ours\nreader ${one} dashboard\n\n  # theirs, until June\nreader ${two} fleet`);
  t.is((await nightshift("keys", "allow", three, "--list", list, "--name", "tablet")).code, 0);
  t.is((await nightshift("keys", "revoke", "dashboard", "--list", list)).code, 0);
  t.is(await readFile(list, "utf8"), `# ours\n\n  # theirs, until June\nreader ${two} fleet\nreader ${three} tablet\n`);
});

test("a list stays as readable as it was, and its owner's", async (t) => {
  const folder = await temporaryFolder(t);
  const [client, list] = [join(folder, "client"), join(folder, "allowed")];
  await nightshift("keys", "create", client);
  await writeFile(list, "");
  await chmod(list, 0o640);
  if (process.getuid?.() === 0) await chown(list, 1234, 2345);
  const before = await stat(list);
  for (const change of [["allow", `${client}.pub`, "--name", "fleet"], ["revoke", "fleet"]]) {
    t.is((await nightshift("keys", ...change, "--list", list)).code, 0);
    const { mode, uid, gid } = await stat(list);
    t.deepEqual([mode, uid, gid], [before.mode, before.uid, before.gid]);
  }
});

test("what is no key is not printed: it may be a secret", async (t) => {
  const token = join(await temporaryFolder(t), "token");
  await nightshift("keys", "create", token, "--for", "page");
  const secret = (await readFile(token, "utf8")).trim();
  t.is(secret.length, 32);
  const { code, err } = await nightshift("keys", "show", token);
  t.is(code, 1);
  t.false(err.includes(secret));
});

test("a bundle is signed, inspect tells by whom, and run takes it or refuses it", async (t) => {
  const folder = await temporaryFolder(t);
  const [directory, ours, theirs] = [join(folder, "bundle"), join(folder, "ours"), join(folder, "theirs")];
  await cp(bundle.directory, directory, { recursive: true });
  for (const key of [ours, theirs]) await nightshift("keys", "create", key, "--for", "bundles");
  t.is(json((await nightshift("inspect", directory, "--json")).out).signedBy, null);
  const signed = json((await nightshift("sign", directory, "--key", ours, "--json")).out);
  t.is(json((await nightshift("inspect", directory, "--json")).out).signedBy, signed.signedBy);
  const run = async (...more: string[]) => json((await nightshift("run", "--bundle", directory, "--source", frames, "--headless", "--port", "0", "--no-adaptation", "--state", join(folder, "state"), "--json", ...more)).out);
  t.like(await run("--trust", `${theirs}.pub`), { error: { code: "E_UNTRUSTED" } });
  t.like(await run("--trust", `${theirs}.pub`, "--trust", `${ours}.pub`), { answered: 3 });
});

test("run refuses to be reachable from elsewhere without keys or a token, and keys without a list", async (t) => {
  const folder = await temporaryFolder(t);
  const run = async (...more: string[]) => json((await nightshift("run", "--bundle", bundle.directory, "--source", frames, "--port", "0", "--viewer-port", "0", "--no-adaptation", "--state", join(folder, "state"), "--json", ...more)).out);
  t.like(await run("--headless", "--host", "0.0.0.0"), { error: { code: "E_EXPOSED" } });
  t.like(await run("--viewer-host", "0.0.0.0"), { error: { code: "E_EXPOSED" } });
  t.like(await run("--headless", "--health-port", "0", "--health-host", "0.0.0.0"), { error: { code: "E_EXPOSED" } });
  t.like(await run("--headless", "--health-host", "0.0.0.0"), { error: { code: "E_CONFIG", received: "the address 0.0.0.0 alone" } });
  t.like(await run("--headless", "--key", "server"), { error: { code: "E_CONFIG" } });
  t.like(await run("--headless", "--memory-key", join(folder, "none")), { error: { code: "E_KEY", remedy: "Check the path, or make the file with `nightshift keys create --for frames`." } });
  const [server, allowed] = [join(folder, "server"), join(folder, "allowed")];
  await nightshift("keys", "create", server);
  await writeFile(allowed, "");
  t.like(await run("--headless", "--host", "0.0.0.0", "--key", server, "--allowed", allowed), { answered: 3 });
});

test("erase removes what was remembered, and says from where", async (t) => {
  const folder = await temporaryFolder(t);
  const state = join(folder, "bundle", "front");
  await mkdir(join(state, "generations", "1"), { recursive: true });
  const memory = join(state, "memory.safetensors");
  await writeFile(memory, "frames");
  t.deepEqual(json((await nightshift("erase", "--state", folder, "--json")).out), { erased: [state] });
  t.false(existsSync(memory));
  t.true(existsSync(join(state, "generations", "1")));
  await nightshift("erase", "--state", state, "--generations");
  t.false(existsSync(join(state, "generations")));
  t.like(json((await nightshift("erase", "--state", state, "--json")).out), { error: { code: "E_CONFIG" } });
});

test("erase refuses options that it would not heed", async (t) => {
  const control = ["--control", "tcp://127.0.0.1:1"];
  for (const options of [[...control, "--generations"], [...control, "--state", "state"], [...control, "--key", "key"], [...control, "--server", "server.pub"], ["--key", "key", "--server", "server.pub"]])
    t.like(json((await nightshift("erase", ...options, "--json")).out), { error: { code: "E_CONFIG" } }, options.join(" "));
});
