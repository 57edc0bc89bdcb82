import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { NightshiftError } from "../../sdk/errors.js";
import { packageRoot } from "../../sdk/paths.js";
import { streamEvent } from "../../sdk/stream/events.js";
import { Readiness } from "../../sdk/stream/readiness.js";
import type { Status } from "../../sdk/stream/status.js";
import { SystemdNotifier } from "../../sdk/stream/systemd.js";
import { pretendedHandler } from "../stream/pretended-handler.js";
import { needs } from "../support/shared.js";
import { tinyBundle } from "../support/tiny-bundle.js";

const bundle = await tinyBundle();
test.after.always(() => bundle.remove());

const succeeds = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;
const hasNotify = succeeds("systemd-notify", "--version") && succeeds("python3", "--version");
const lacking = ["systemd-notify and Python", "apt-get install systemd python3"] as const;

/** What systemd does: a datagram socket of the local kind, here in a process of its own that prints what comes. */
const listen = `
import socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
    notify.bind(sys.argv[1])
    print("BOUND", flush=True)
    while True:
        print(notify.recv(4096).decode(), flush=True)
`;

const status = (): Status => pretendedHandler([]).status() as Status;

class Manager {
  readonly heard: string[] = [];

  private constructor(readonly socket: string) {}

  static async start(t: ExecutionContext): Promise<Manager> {
    const folder = await mkdtemp(join(tmpdir(), "nightshift-notify-"));
    const manager = new Manager(join(folder, "notify"));
    const child = spawn("python3", ["-c", listen, manager.socket], { stdio: ["ignore", "pipe", "inherit"] });
    t.teardown(async () => {
      child.kill();
      await rm(folder, { recursive: true });
    });
    // BARRIER=1 asks for an answer, which closing what comes with it gives.
    createInterface(child.stdout).on("line", (line) => line !== "BARRIER=1" && manager.heard.push(line));
    await manager.until(() => manager.heard.shift() === "BOUND");
    return manager;
  }

  async until(isSo: () => boolean, child?: ChildProcess): Promise<void> {
    while (!isSo()) {
      if (child && child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
      await sleep(5);
    }
  }

  count(line: string): number {
    return this.heard.filter((each) => each === line).length;
  }
}

test("nightshift run tells systemd when frames are answered, while they are, and that it stops", async (t) => {
  if (!needs(t, hasNotify, ...lacking)) return;
  const manager = await Manager.start(t);
  const command = [join(packageRoot(), "sdk", "cli", "nightshift.mjs"), "run", "--bundle", bundle.directory, "--headless", "--no-adaptation", "--port", "0"];
  const env = { ...process.env, NOTIFY_SOCKET: manager.socket, WATCHDOG_USEC: "400000", WATCHDOG_PID: undefined };
  const child = spawn(process.execPath, command, { env, stdio: "ignore" });
  t.teardown(() => child.kill("SIGKILL"));
  await manager.until(() => manager.count("WATCHDOG=1") >= 3, child);
  t.is(manager.heard[0], "STATUS=Starting.");
  const ready = manager.heard.indexOf("READY=1");
  t.true(ready > 0 && ready < manager.heard.indexOf("WATCHDOG=1"), "a watchdog is fed only from the first answer on");
  t.is(manager.count("READY=1"), 1);
  t.true(manager.heard.slice(ready).some((line) => /^STATUS=\d+\.\d frames a second answered; \w+, generation 0, not learning\.$/.test(line)), manager.heard.join("\n"));
  child.kill("SIGTERM");
  await once(child, "exit");
  t.is(child.exitCode, 0);
  t.deepEqual(manager.heard.slice(-2), ["STOPPING=1", "STATUS=Stopping."]);
});

test("the watchdog is not fed while no frame is answered, and the status says why; after the cameras' end it is", async (t) => {
  if (!needs(t, hasNotify, ...lacking)) return;
  const manager = await Manager.start(t);
  let nowMs = 0;
  const readiness = new Readiness(150, () => nowMs);
  const notifier = SystemdNotifier.open({ status, readiness, onError: (error) => t.fail(String(error)), environment: { NOTIFY_SOCKET: manager.socket, WATCHDOG_USEC: "120000" } });
  t.truthy(notifier);
  if (!notifier) return;
  const silent = (): boolean => manager.heard.some((line) => /^STATUS=Not ready: no frame of front was answered for \d\.\d s\.$/.test(line));
  await manager.until(() => manager.count("STATUS=Not ready: no frame was answered yet.") >= 2);
  t.is(manager.count("WATCHDOG=1") + manager.count("READY=1"), 0);
  readiness.answered("front");
  notifier.answered();
  await manager.until(() => manager.count("READY=1") === 1 && manager.count("WATCHDOG=1") >= 1);
  nowMs = 1000;
  await manager.until(silent);
  const fed = manager.heard.lastIndexOf("WATCHDOG=1");
  t.true(fed < manager.heard.findIndex((line) => line.startsWith("STATUS=Not ready: no frame of front was answered for")), "not fed any more");
  readiness.event(streamEvent("stream_ended", "", { camera: "front" }));
  await manager.until(() => manager.heard.lastIndexOf("WATCHDOG=1") > fed);
  notifier.stopping();
  await notifier.close();
  await manager.until(() => manager.heard.at(-1) === "STATUS=Stopping.");
});

test("whoever is not asked tells nobody; a watchdog of another process is left to it", async (t) => {
  const parts = { status, readiness: new Readiness(), onError: (error: unknown) => t.fail(String(error)) };
  t.is(SystemdNotifier.open({ ...parts, environment: {} }), undefined);
  t.is(SystemdNotifier.open({ ...parts, environment: { NOTIFY_SOCKET: "", WATCHDOG_USEC: "1000" } }), undefined);
  if (!needs(t, hasNotify, ...lacking)) return;
  const manager = await Manager.start(t);
  const notifier = SystemdNotifier.open({ ...parts, environment: { NOTIFY_SOCKET: manager.socket, WATCHDOG_USEC: "20000", WATCHDOG_PID: "1" } });
  notifier?.answered();
  await sleep(60);
  notifier?.stopping();
  await notifier?.close();
  await manager.until(() => manager.heard.includes("STOPPING=1"));
  t.is(manager.count("WATCHDOG=1"), 0);
});

test("a socket that nobody listens on, or a systemd-notify that is not there, is told once, and the rest goes on", async (t) => {
  const failure = async (environment: NodeJS.ProcessEnv): Promise<unknown> => {
    const errors: unknown[] = [];
    const notifier = SystemdNotifier.open({ status, readiness: new Readiness(), onError: (error) => errors.push(error), environment: { NOTIFY_SOCKET: "/nowhere/notify", ...environment } });
    notifier?.answered();
    await notifier?.close();
    t.is(errors.length, 1);
    return errors[0];
  };
  const missing = await failure({ PATH: "/nowhere" });
  t.true(missing instanceof NightshiftError && missing.code === "E_MISSING_TOOL" && missing.message.includes("Install systemd"), String(missing));
  if (!needs(t, hasNotify, ...lacking)) return;
  const deaf = await failure({});
  t.true(deaf instanceof NightshiftError && deaf.code === "E_CONFIG" && deaf.message.includes("NOTIFY_SOCKET"), String(deaf));
});

test("the unit in samples is one", async (t) => {
  if (!needs(t, succeeds("systemd-analyze", "--version"), "systemd-analyze", "apt-get install systemd")) return;
  const folder = await mkdtemp(join(tmpdir(), "nightshift-unit-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const unit = await readFile(join(packageRoot(), "samples", "nightshift.service"), "utf8");
  const here = unit.replace("/usr/bin/node", process.execPath).replaceAll("/opt/nightshift", packageRoot());
  t.not(here, unit);
  await writeFile(join(folder, "nightshift.service"), here);
  const child = spawn("systemd-analyze", ["verify", "--man=no", "--recursive-errors=no", join(folder, "nightshift.service")], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk) => (said += String(chunk)));
  await once(child, "close");
  t.is(child.exitCode, 0, said);
  t.is(said, "");
});
