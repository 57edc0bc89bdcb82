import { type ChildProcess, spawn } from "node:child_process";
import { appendFile, chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { capability } from "zeromq";
import type { NightshiftError } from "../../sdk/errors.js";
import { Access } from "../../sdk/stream/access.js";
import { parseAllowed, type Role } from "../../sdk/stream/allow-list.js";
import { ControlClient } from "../../sdk/stream/control-client.js";
import { ControlServer } from "../../sdk/stream/control.js";
import { certificate, createCurveKeys, type CurveClient, type CurveKeys, readCurveKeys, z85 } from "../../sdk/stream/curve.js";
import { streamEvent } from "../../sdk/stream/events.js";
import { Publisher } from "../../sdk/stream/publisher.js";
import { Subscriber } from "../../sdk/stream/subscriber.js";
import { cppSubscriber, pythonSamples, samples } from "../support/samples.js";
import { pretendedHandler } from "./pretended-handler.js";

interface Place {
  readonly folder: string;
  readonly access: Access;
  readonly server: CurveKeys;
  readonly errors: unknown[];
  /** A client with keys of its own, on the list for these roles. */
  readonly client: (name: string, ...roles: Role[]) => Promise<CurveClient & { readonly file: string }>;
  /** Takes a name off the list. */
  readonly revoke: (name: string) => Promise<void>;
}

async function place(t: ExecutionContext): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "nightshift-keys-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const [key, allowed] = [join(folder, "server"), join(folder, "allowed")];
  const server = createCurveKeys();
  await writeFile(key, certificate(server), { mode: 0o600 });
  await writeFile(`${key}.pub`, certificate({ publicKey: server.publicKey }));
  await writeFile(allowed, "# nobody yet\n");
  const errors: unknown[] = [];
  const access = await Access.open({ key, allowed }, (error) => errors.push(error));
  t.teardown(() => access.close());
  return {
    folder,
    access,
    server,
    errors,
    client: async (name, ...roles) => {
      const keys = createCurveKeys();
      const file = join(folder, name);
      await writeFile(file, certificate(keys), { mode: 0o600 });
      await appendFile(allowed, roles.map((role) => `${role} ${keys.publicKey} ${name}\n`).join(""));
      for (const role of roles) while (!access.allowed(role, keys.publicKey)) await sleep(50);
      return { ...keys, serverKey: server.publicKey, file };
    },
    revoke: async (name) => {
      const lines = (await readFile(allowed, "utf8")).split("\n");
      const [role = "", key = ""] = lines.find((line) => line.endsWith(` ${name}`))?.split(" ") ?? [];
      await writeFile(allowed, lines.filter((line) => !line.endsWith(` ${name}`)).join("\n"));
      while (access.allowed(role, key)) await sleep(50);
    },
  };
}

/** Subscribes and counts what comes. */
function listen(t: ExecutionContext, address: string, keys?: CurveClient): { heard: number } {
  const subscriber = new Subscriber({ address, ...(keys && { keys }) });
  const counted = { heard: 0 };
  void (async () => {
    for await (const { kind } of subscriber) if (kind === "events") counted.heard++;
  })();
  t.teardown(() => subscriber.close());
  return counted;
}

/** Publishes until a condition holds; fails after 20 seconds. */
async function until(t: ExecutionContext, publisher: Publisher, condition: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 1000) return t.fail(what);
    publisher.publishEvent(streamEvent("stream_started", "hello"));
    await sleep(20);
  }
}

/** What becomes of a control request: "done", or the code of the error. */
const outcomeOf = (client: ControlClient): Promise<string> => client.pause().then(() => "done", (error: NightshiftError) => error.code);

const everywhere = "tcp://0.0.0.0:*";
/** A socket that listens everywhere, as this machine reaches it. */
const near = (address: string): string => address.replace("0.0.0.0", "127.0.0.1");
const onError = (error: unknown): never => {
  throw error;
};

test("no public key is made that a command line would take for an option", (t) => {
  const drawn = ["-a", "-b", "c", "d"].map((publicKey) => ({ publicKey, secretKey: "-" }));
  t.deepEqual(createCurveKeys(() => drawn.shift()!), { publicKey: "c", secretKey: "-" });
});

test("this build of ZeroMQ has CURVE, and keys are written as others write them", (t) => {
  t.true(capability.curve);
  t.is(z85(Uint8Array.of(0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b)), "HelloWorld");
});

test("off this machine nothing listens without keys", async (t) => {
  for (const address of [everywhere, "tcp://*:0", "tcp://192.0.2.1:5590", "tcp://eth0:5590", "tcp://127.0.0.1.example:1", "udp://127.0.0.1:5590", "ws://127.0.0.1:1"]) {
    await t.throwsAsync(Publisher.open({ addresses: [address], onError }), { code: "E_EXPOSED" }, address);
    await t.throwsAsync(ControlServer.open(pretendedHandler([]), { address, onError }), { code: "E_EXPOSED" }, address);
  }
});

test("readers read, controllers control, strangers do neither", async (t) => {
  const { access, client, server } = await place(t);
  const [reader, controller] = [await client("dashboard", "reader"), await client("fleet", "controller")];
  const stranger = { ...createCurveKeys(), serverKey: server.publicKey };
  const asked: unknown[] = [];
  const publisher = await Publisher.open({ addresses: [everywhere], access, onError });
  const control = await ControlServer.open(pretendedHandler(asked), { address: everywhere, access, onError });
  const address = near(publisher.addresses[0] ?? "");
  const [byReader, byController, byStranger, byAnyone] = [listen(t, address, reader), listen(t, address, controller), listen(t, address, stranger), listen(t, address)];
  await until(t, publisher, () => byReader.heard >= 50, "the reader hears");
  t.deepEqual([byController.heard, byStranger.heard, byAnyone.heard], [0, 0, 0]);
  const asking = async (keys: CurveClient | undefined, timeoutMs?: number): Promise<string> => {
    const client = new ControlClient(near(control.address), timeoutMs, keys);
    t.teardown(() => client.close());
    return outcomeOf(client);
  };
  t.is(await asking(controller), "done");
  t.deepEqual(await Promise.all([reader, stranger, undefined].map((keys) => asking(keys, 700))), ["E_CONTROL", "E_CONTROL", "E_CONTROL"]);
  t.deepEqual(asked, ["pause"]);
  control.close();
  await publisher.close();
});

test("a key that is revoked is cut off while it listens; the others hear on, and new ones are let in", async (t) => {
  const { access, client, revoke, errors } = await place(t);
  const [stays, goes] = [await client("stays", "reader"), await client("goes", "reader")];
  const publisher = await Publisher.open({ addresses: [everywhere], access, onError });
  const address = near(publisher.addresses[0] ?? "");
  const [staying, going] = [listen(t, address, stays), listen(t, address, goes)];
  await until(t, publisher, () => staying.heard > 5 && going.heard > 5, "both hear");
  await revoke("goes");
  // What was on its way still arrives.
  await sleep(200);
  const [heardByGoing, heardByStaying] = [going.heard, staying.heard];
  await until(t, publisher, () => staying.heard > heardByStaying + 50, "the other hears on");
  t.is(going.heard, heardByGoing);
  const later = listen(t, address, await client("later", "reader"));
  await until(t, publisher, () => later.heard > 5, "a new key is let in without a restart");
  t.deepEqual(errors, []);
  await publisher.close();
});

test("a controller that is revoked is cut off from the control socket too; the others control on", async (t) => {
  const { access, client, revoke, errors } = await place(t);
  const control = await ControlServer.open(pretendedHandler([]), { address: everywhere, access, onError });
  t.teardown(() => control.close());
  const connect = (keys: CurveClient, timeoutMs?: number): ControlClient => {
    const asking = new ControlClient(near(control.address), timeoutMs, keys);
    t.teardown(() => asking.close());
    return asking;
  };
  const [stays, goes] = [connect(await client("stays", "controller")), connect(await client("goes", "controller"), 2000)];
  t.is(await outcomeOf(stays), "done");
  // Connects once, and is still connected when its key is revoked.
  while ((await outcomeOf(goes)) !== "done");
  await revoke("goes");
  // The socket is opened anew behind it.
  for (let tries = 0; tries < 200 && (await outcomeOf(goes)) === "done"; tries++) await sleep(20);
  t.is(await outcomeOf(goes), "E_CONTROL");
  t.is(await outcomeOf(stays), "done");
  t.deepEqual(errors, []);
});

test("a key that loses one of its roles is cut off from what that was for", async (t) => {
  const { access, client, folder } = await place(t);
  const { publicKey } = await client("both", "reader", "controller");
  let narrowed = 0;
  access.onNarrowed(() => narrowed++);
  await writeFile(join(folder, "allowed"), `reader ${publicKey} both\n`);
  while (access.allowed("controller", publicKey)) await sleep(50);
  t.like(access.allowed("reader", publicKey), { name: "both" });
  t.is(narrowed, 1);
});

test("the server's own key is exchanged while it runs", async (t) => {
  const { access, client, folder } = await place(t);
  const reader = await client("reader", "reader");
  const publisher = await Publisher.open({ addresses: [everywhere], access, onError });
  const fresh = createCurveKeys();
  await writeFile(join(folder, "server"), certificate(fresh));
  while (access.publicKey !== fresh.publicKey) await sleep(50);
  const [old, now] = [listen(t, near(publisher.addresses[0] ?? ""), reader), listen(t, near(publisher.addresses[0] ?? ""), { ...reader, serverKey: fresh.publicKey })];
  await until(t, publisher, () => now.heard > 20, "who knows the new key hears");
  t.is(old.heard, 0);
  await publisher.close();
});

test("a list that means nothing is told of, and the one before stays in force", async (t) => {
  const { access, client, folder, errors } = await place(t);
  const reader = await client("reader", "reader");
  const publisher = await Publisher.open({ addresses: ["ipc://" + join(folder, "stream")], access, onError });
  await appendFile(join(folder, "allowed"), "reader short name\n");
  while (errors.length === 0) await sleep(50);
  t.like(errors[0], { code: "E_KEY" });
  const heard = listen(t, publisher.addresses[0] ?? "", reader);
  await until(t, publisher, () => heard.heard > 0, "who was allowed still is");
  await publisher.close();
});

test("keys that others may read are refused, and so is what is no key", async (t) => {
  const { folder } = await place(t);
  await chmod(join(folder, "server"), 0o640);
  await t.throwsAsync(readCurveKeys(join(folder, "server")), { code: "E_KEY", message: /mode 0640.*chmod 600/ });
  await chmod(join(folder, "server.pub"), 0o600);
  await t.throwsAsync(readCurveKeys(join(folder, "server.pub")), { code: "E_KEY", message: /no secret key/ });
  await t.throwsAsync(readCurveKeys(join(folder, "none")), { code: "E_KEY" });
  const key = createCurveKeys().publicKey;
  t.deepEqual(parseAllowed(`# who\n\n reader ${key}\ta \n`, "list"), [{ role: "reader", key, name: "a" }]);
  for (const line of [`writer ${key} a`, `reader ${key}`, "reader abc a", `reader ${key} a b`]) t.throws(() => parseAllowed(`\n${line}`, "list"), { code: "E_KEY", message: /line 2/ });
});

test.serial("a Python subscriber: without a key, with one that is not allowed, allowed, and revoked while it runs", async (t) => {
  const python = await pythonSamples(t);
  if (!python) return;
  const { access, client, revoke, folder } = await place(t);
  const [allowed, unknown] = [await client("welcome", "reader"), await client("unknown")];
  const publisher = await Publisher.open({ addresses: [everywhere], access, onError });
  const address = near(publisher.addresses[0] ?? "");
  const start = (file?: string): { lines: number; child: ChildProcess } => {
    const args = [join(samples, "subscriber.py"), address, "events", ...(file === undefined ? [] : ["--key", file, "--server", join(folder, "server.pub")])];
    const child = spawn(python.command, args, { env: python.env, stdio: ["ignore", "pipe", "inherit"] });
    t.teardown(() => child.kill("SIGKILL"));
    const running = { lines: 0, child };
    child.stdout?.on("data", (text: Buffer) => (running.lines += text.toString().split("\n").length - 1));
    return running;
  };
  const [withKey, withOther, without] = [start(allowed.file), start(unknown.file), start()];
  await until(t, publisher, () => withKey.lines > 50, "the allowed subscriber prints");
  t.deepEqual([withOther.lines, without.lines], [0, 0]);
  t.deepEqual([withKey, withOther, without].map(({ child }) => child.exitCode), [null, null, null], "all of them are still there");
  await revoke("welcome");
  await sleep(200);
  const printed = withKey.lines;
  const control = listen(t, address, await client("control", "reader"));
  await until(t, publisher, () => control.heard > 50, "the publisher still publishes");
  t.is(withKey.lines, printed);
  await publisher.close();
});

test.serial("the C++ subscriber takes the same keys", async (t) => {
  const subscriber = await cppSubscriber(t);
  if (subscriber === undefined) return;
  const { access, client, folder } = await place(t);
  const { file } = await client("welcome", "reader");
  const publisher = await Publisher.open({ addresses: [everywhere], access, onError });
  const child = spawn(subscriber, [near(publisher.addresses[0] ?? ""), "events", "3", "", file, join(folder, "server.pub")], { stdio: ["ignore", "pipe", "inherit"] });
  t.teardown(() => child.kill("SIGKILL"));
  let printed = "";
  child.stdout.on("data", (text: Buffer) => (printed += text.toString()));
  await until(t, publisher, () => child.exitCode !== null, "it ends after three messages");
  t.is(printed.trimEnd().split("\n").length, 3);
  await publisher.close();
});
