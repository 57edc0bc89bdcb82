import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import test, { type ExecutionContext } from "ava";
import { readMemory } from "../../sdk/adaptation/memory-file.js";
import { GenerationStore } from "../../sdk/bundle/generations.js";
import { Random } from "../../sdk/random.js";
import { tinyBundle } from "../adaptation/tiny-bundle.js";
import type { Told } from "./drives.js";

/** A vehicle under way, and what it has told. */
class Vehicle {
  readonly told: Told[] = [];
  readonly #exit: Promise<unknown>;

  constructor(readonly child: ChildProcess) {
    this.#exit = once(child, "exit");
    child.on("message", (message) => this.told.push(message as Told));
  }

  static start(state: string, bundle: string): Vehicle {
    return new Vehicle(fork(fileURLToPath(new URL("./drives.js", import.meta.url)), [state, bundle], { stdio: ["ignore", "ignore", "inherit", "ipc"] }));
  }

  /** What was told of a kind. */
  of<Kind extends Told["kind"]>(kind: Kind): Extract<Told, { kind: Kind }>[] {
    return this.told.filter((each): each is Extract<Told, { kind: Kind }> => each.kind === kind);
  }

  events(...kinds: string[]): Extract<Told, { kind: "event" }>[] {
    return this.of("event").filter(({ event }) => kinds.includes(event));
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.child.exitCode !== null) throw new Error(`it ended with ${this.child.exitCode}`);
      await sleep(5);
    }
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.#exit;
  }
}

async function folder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "nightshift-fault-"));
  t.teardown(() => rm(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
}

test.serial("the main process killed at random instants: what was accepted last serves again, memory and shelf are whole", async (t) => {
  const place = await folder(t);
  const { directory: bundle } = await tinyBundle(place);
  const state = join(place, "state");
  const random = new Random(7, "kill");
  let left = 0;
  for (let run = 0; run < 6; run++) {
    const vehicle = Vehicle.start(state, bundle);
    try {
      await vehicle.until(() => vehicle.of("answered").length > 0 && (run === 5 || vehicle.events("generation_swapped", "generation_shelved").length > 0));
      await sleep(random.uniform(0, 700));
    } finally {
      await vehicle.kill();
    }
    const [start] = vehicle.of("serving");
    t.like(start, { generation: left, damage: [] }, `run ${run}`);
    t.is(vehicle.of("answered")[0]?.generation, left, `run ${run}`);
    const store = await GenerationStore.open(state);
    t.deepEqual(await store.discardDamaged(), [], `run ${run}`);
    const changes = vehicle.events("generation_swapped", "generation_shelved").map(({ generation = 0 }) => generation);
    const { night = 0 } = await store.shelf();
    t.true(night >= Math.max(0, ...changes), `run ${run}: ${night} is on the shelf, ${changes.join(", ")} were learnt`);
    left = (await store.current()) ?? 0;
    const swapped = vehicle.events("generation_swapped").at(-1);
    // A change of which it could not tell any more is one to what is on the shelf now, or by day to what was delivered.
    const isDay = vehicle.told.findLastIndex((told) => told.kind === "event" && told.event === "weather_changed") > (swapped ? vehicle.told.indexOf(swapped) : -1);
    t.true(left === (swapped?.generation ?? start?.generation) || left === night || (isDay && left === 0), `run ${run}: ${left} is current, ${swapped?.generation} was told`);
    const held = vehicle.of("remembered").at(-1)?.held ?? 0;
    const memory = join(state, "memory.safetensors");
    t.true((existsSync(memory) ? readMemory(await readFile(memory)).counters.held : 0) >= held, `run ${run}`);
  }
});

test.serial("the main process killed while it trains: the trainer leaves too, also while it rests", async (t) => {
  const place = await folder(t);
  const { directory: bundle } = await tinyBundle(place);
  const trains = fork(fileURLToPath(new URL("./trains.js", import.meta.url)), [bundle, join(place, "1")], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  t.teardown(() => trains.kill("SIGKILL"));
  const [pid] = (await once(trains, "message")) as [number];
  t.true(isRunning(pid));
  trains.kill("SIGKILL");
  for (let tries = 0; tries < 300 && isRunning(pid); tries++) await sleep(100);
  t.false(isRunning(pid) && killed(pid));
});

test.serial("the trainer killed at random instants: the stream goes on, it is told, and the next training serves", async (t) => {
  const place = await folder(t);
  const { directory: bundle } = await tinyBundle(place);
  const random = new Random(3, "trainer");
  const vehicle = Vehicle.start(join(place, "state"), bundle);
  try {
    for (let round = 0; round < 4; round++) {
      const pids = new Set(vehicle.of("trainer").map(({ pid }) => pid));
      await vehicle.until(() => vehicle.of("trainer").some(({ pid }) => !pids.has(pid)));
      await sleep(random.uniform(0, 300));
      const pid = vehicle.of("trainer").at(-1)!.pid;
      const [failures, answered] = [vehicle.events("trainer_failed").length, vehicle.of("answered").length];
      const wasThere = killed(pid);
      if (wasThere) await vehicle.until(() => vehicle.events("trainer_failed").length > failures || vehicle.of("trainer").at(-1)?.pid !== pid);
      await vehicle.until(() => vehicle.of("answered").length > answered + 5);
    }
    t.true(vehicle.events("trainer_failed").length >= 2);
    t.true(vehicle.events("trainer_failed").every(({ text }) => /SIGKILL/.test(text)));
    const served = vehicle.events("generation_swapped", "generation_shelved").length;
    await vehicle.until(() => vehicle.events("generation_swapped", "generation_shelved").length > served);
  } finally {
    await vehicle.kill();
  }
  const store = await GenerationStore.open(join(place, "state"));
  t.deepEqual(await store.discardDamaged(), []);
});

function killed(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}

/** Whether a process is under way. One that has ended stays listed until somebody asks for its outcome, which not every container's first process does. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== "linux" || !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}
