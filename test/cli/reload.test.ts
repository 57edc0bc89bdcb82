import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { reconfiguration, restartReasons } from "../../sdk/cli/reload.js";
import { ControlClient, Nightshift, type StreamEvent, Subscriber } from "../../sdk/index.js";
import { packageRoot } from "../../sdk/paths.js";
import { eventOf } from "../../sdk/stream/events.js";
import { temporaryFolder } from "../bundle/contents.js";
import { json } from "../support/command.js";
import { tinyBundle } from "../support/tiny-bundle.js";

const bundle = await tinyBundle();
test.after.always(() => bundle.remove());

test("what changed is told apart from what needs a restart, with the reason", (t) => {
  const inForce = { source: "drive", vocabulary: ["road"], adaptation: { steps: 40 }, port: 5590 };
  t.deepEqual(reconfiguration(inForce, { ...inForce }), { changes: {}, refused: {} });
  t.deepEqual(reconfiguration(inForce, { ...inForce, vocabulary: ["road", "sky"], adaptation: { steps: 20, share: 0.5, rounds: 1 }, memoryHours: 3 }), {
    changes: { vocabulary: ["road", "sky"], adaptation: { furtherRounds: 1, training: { steps: 20, duty: 0.5 } }, memoryHours: 3 },
    refused: {},
  });
  t.deepEqual(reconfiguration(inForce, { source: "/dev/video0" }), {
    changes: { vocabulary: undefined, adaptation: undefined },
    refused: { source: "cameras are opened once", port: "sockets are bound once" },
  });
});

test("the README names every key that changes under way, and every one that needs a restart", async (t) => {
  const readme = await readFile(join(packageRoot(), "README.md"), "utf8");
  const [, live = "", waiting = ""] = /apply while frames stream: ([^.]*)\..*?need a restart: ([^.]*)\./s.exec(readme) ?? [];
  const keys = (text: string): string[] => [...text.matchAll(/`(\w+)`/g)].map(([, key = ""]) => key).sort();
  const named = (needsRestart: boolean): string[] => Object.entries(restartReasons).flatMap(([key, reason]) => ((reason !== undefined) === needsRestart ? [key] : [])).sort();
  t.deepEqual(keys(live), named(false));
  t.deepEqual(keys(waiting), named(true));
});

/** `nightshift run` in a process of its own, and what it said. */
class Run {
  readonly said: string[] = [];
  control = "";
  #out = "";

  private constructor(readonly child: ChildProcess) {
    child.stdout?.on("data", (chunk) => (this.#out += String(chunk)));
    if (child.stderr) createInterface(child.stderr).on("line", (line) => this.said.push(line));
  }

  static async start(t: ExecutionContext, config: string): Promise<Run> {
    const argv = [join(packageRoot(), "sdk", "cli", "nightshift.mjs"), "run", "--config", config, "--headless", "--port", "0", "--json"];
    const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "pipe"] });
    t.teardown(() => child.kill("SIGKILL"));
    const run = new Run(child);
    run.control = /control on (\S+)\.$/.exec(await run.says(/^Publishing on/))?.[1] ?? "";
    return run;
  }

  /** Resolves with a line that was said, once, and is not found again. */
  async says(pattern: RegExp): Promise<string> {
    for (;;) {
      const at = this.said.findIndex((line) => pattern.test(line));
      if (at >= 0) return this.said.splice(at, 1)[0] ?? "";
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.said.join("\n")}`);
      await sleep(5);
    }
  }

  async end(): Promise<Record<string, unknown>> {
    this.child.kill("SIGTERM");
    await once(this.child, "close");
    return json(this.#out);
  }
}

test("a changed file, or SIGHUP, applies what needs no restart and loses no frame; a mistake leaves the old in force", async (t) => {
  const config = join(await temporaryFolder(t), "nightshift.yaml");
  const write = (...lines: string[]): Promise<void> => writeFile(config, [`bundle: ${bundle.directory}`, ...lines, ""].join("\n"));
  await write("source: drive", "vocabulary: [road, sky]");
  const run = await Run.start(t, config);
  const client = new ControlClient(run.control);
  t.teardown(() => client.close());
  /** The words in which the next frames are answered. */
  const words = async (): Promise<readonly string[]> => {
    const { cameras: [before] } = await client.status();
    for (;;) {
      const { cameras: [now], vocabulary } = await client.status();
      if ((now?.answered ?? 0) > (before?.answered ?? 0)) return vocabulary;
      await sleep(10);
    }
  };
  t.deepEqual(await words(), ["road", "sky"]);

  await write("source: drive", "vocabulary: [road, tree, car]", "adaptation: { conditions: [night], steps: 20 }");
  await run.says(/^Answers are in 3 words now/);
  await run.says(/^The configuration was read again\. Changed from the next frame on: vocabulary, adaptation\.$/);
  t.deepEqual(await words(), ["road", "tree", "car"]);

  await write("source: drive", "vocabulary: [road, tree, car]", "adaptation: { steps: many }");
  t.regex(await run.says(/E_CONFIG/), /line 4: adaptation\.steps: /);
  await write("source: drive", "vocabulary: [road, road]", "adaptation: { conditions: [night], steps: 20 }");
  await run.says(/E_VOCABULARY/);
  t.deepEqual(await words(), ["road", "tree", "car"]);

  await write("source: /dev/video0", "vocabulary: [road, tree, car]", "adaptation: false", "threads: 1");
  await run.says(/^Adaptation is paused/);
  await run.says(/^The configuration was read again\. Changed from the next frame on: adaptation\. Needs a restart: source \(cameras are opened once\), threads \(the engine is built once\)\.$/);
  run.child.kill("SIGHUP");
  await run.says(/^The configuration was read again\. Nothing changed\. Needs a restart: source .*, threads/);

  await write("source: drive", "vocabulary: [road, tree, car]");
  await run.says(/^Adaptation goes on/);
  await run.says(/^The configuration was read again\. Changed from the next frame on: adaptation\.$/);
  const { answered, lost } = await run.end();
  t.is(run.child.exitCode, 0);
  t.true(Number(answered) >= 3);
  t.is(lost, 0);
});

test("subscribers hear of it, and a pause that was asked for outlives other options", async (t) => {
  const events: StreamEvent[] = [];
  const nightshift = await Nightshift.start({ bundle: bundle.directory, publish: ["tcp://127.0.0.1:*"], control: false, onEvent: (event) => events.push(event), onError: () => undefined });
  t.teardown(() => nightshift.stop());
  const subscriber = new Subscriber({ address: nightshift.addresses.publisher[0] ?? "", topics: ["events"] });
  t.teardown(() => subscriber.close());
  const heard = (async () => {
    for await (const { kind, message } of subscriber) {
      const event = kind === "events" ? eventOf(message) : undefined;
      if (event?.kind === "configuration_reloaded" && event.text.includes("threads")) return event;
    }
    return undefined;
  })();
  nightshift.pause();
  await nightshift.reconfigure(async () => ({ changes: { adaptation: { conditions: ["fog"] } } }));
  t.true(nightshift.status.paused);
  await nightshift.reconfigure(async () => ({ changes: { adaptation: false } }));
  t.throws(() => nightshift.resume(), { code: "E_CONTROL", message: /never to learn/ }, "a pause may end, but not what the options say");
  await nightshift.reconfigure(async () => ({ changes: { adaptation: undefined, memoryHours: 2 }, refused: { source: "cameras are opened once" } }));
  t.false(nightshift.status.paused);
  await t.throwsAsync(nightshift.reconfigure(async () => ({ changes: { vocabulary: ["a", "a"], memoryHours: 1 } })), { code: "E_VOCABULARY" });
  t.like(events.at(-1), { kind: "configuration_error", details: { code: "E_VOCABULARY" } });
  // A subscription takes its time.
  let told: StreamEvent | undefined;
  while (!told) {
    await nightshift.reconfigure(async () => ({ changes: {}, refused: { threads: "the engine is built once" } }));
    told = await Promise.race([heard, sleep(20, undefined)]);
  }
  t.like(told, { text: "The configuration was read again. Nothing changed. Needs a restart: threads (the engine is built once).", details: { changed: [], needsRestart: { threads: "the engine is built once" } } });
});
