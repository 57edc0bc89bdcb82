import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import test from "ava";
import { streamEvent } from "../../sdk/stream/events.js";
import { HealthServer } from "../../sdk/stream/health.js";
import { Readiness } from "../../sdk/stream/readiness.js";
import type { Status } from "../../sdk/stream/status.js";

const status: Status = {
  generation: 3,
  vocabulary: ["road"],
  condition: "night",
  adaptation: "training",
  paused: false,
  framesRemembered: 17,
  uptimeSeconds: 12.5,
  cameras: [{ camera: "front", framesIn: 10, answered: 8, dropped: 2, lost: 0, fps: 14.5, latencyMs: { p50: 30, p95: 41, p99: 55 }, isLost: false }],
};

test("metrics say what the status says, when they are asked for", async (t) => {
  let generation = 3;
  const server = await HealthServer.open(() => ({ ...status, generation }), new Readiness(), { port: 0 });
  t.teardown(() => server.close());
  server.event(streamEvent("trigger", "Now."));
  server.event(streamEvent("trigger", "Again."));
  const metrics = async (): Promise<string> => (await fetch(`${server.address}metrics`)).text();
  const text = await metrics();
  for (const line of [
    "nightshift_generation 3",
    "nightshift_frames_remembered 17",
    'nightshift_condition{condition="night"} 1',
    'nightshift_condition{condition="clear"} 0',
    'nightshift_adaptation_state{state="training"} 1',
    'nightshift_frames_total{camera="front",outcome="in"} 10',
    'nightshift_frames_total{camera="front",outcome="dropped"} 2',
    'nightshift_latency_seconds{camera="front",quantile="0.99"} 0.055',
    'nightshift_frames_per_second{camera="front"} 14.5',
    'nightshift_events_total{kind="trigger"} 2',
    "nightshift_ready 0",
  ])
    t.true(text.split("\n").includes(line), line);
  t.regex(text, /^process_resident_memory_bytes \d/m);
  generation = 4;
  const again = await metrics();
  t.true(again.includes("nightshift_generation 4\n"));
  t.true(again.includes('nightshift_frames_total{camera="front",outcome="in"} 10\n'), "counts are not added up from scrape to scrape");
});

test("temperature, power and the trainer's rest are told where they are known", async (t) => {
  const budget = { share: 1, threads: 1, niceness: 19, memoryMb: 1536, usedMb: 700, celsius: 85.5, restsFor: "temperature", holds: [], lacks: [] } as const;
  let now: Status = { ...status, budget };
  const server = await HealthServer.open(() => now, new Readiness(), { port: 0 });
  t.teardown(() => server.close());
  const lines = async (): Promise<string[]> => (await (await fetch(`${server.address}metrics`)).text()).split("\n").filter((line) => /^nightshift_(temperature|power|trainer)/.test(line));
  t.deepEqual(await lines(), [
    "nightshift_temperature_celsius 85.5",
    "nightshift_trainer_memory_bytes 734003200",
    "nightshift_trainer_memory_limit_bytes 1610612736",
    'nightshift_trainer_resting{reason="temperature"} 1',
    'nightshift_trainer_resting{reason="power"} 0',
  ]);
  const { usedMb: _, celsius: __, restsFor: ___, ...idle } = budget;
  now = { ...status, budget: { ...idle, watts: 7 } };
  t.deepEqual(await lines(), ["nightshift_power_watts 7", "nightshift_trainer_memory_limit_bytes 1610612736", 'nightshift_trainer_resting{reason="temperature"} 0', 'nightshift_trainer_resting{reason="power"} 0'], "what is not known any more is left out");
});

test("live while it runs; ready while frames are answered, with the reason where not", async (t) => {
  let nowMs = 0;
  const readiness = new Readiness(5000, () => nowMs);
  const server = await HealthServer.open(() => status, readiness, { port: 0 });
  t.teardown(() => server.close());
  const ask = async (path: string) => {
    const response = await fetch(server.address + path);
    return [response.status, await response.json()] as const;
  };
  t.deepEqual(await ask("live"), [200, { live: true }]);
  t.deepEqual(await ask("ready"), [503, { ready: false, reason: "no frame was answered yet" }]);
  readiness.answered("front");
  t.deepEqual(await ask("ready"), [200, { ready: true }]);
  nowMs = 5000;
  t.deepEqual(await ask("ready"), [200, { ready: true }]);
  nowMs = 5100;
  t.deepEqual(await ask("ready"), [503, { ready: false, reason: "no frame of front was answered for 5.1 s" }]);
});

test("nothing that a closed server told of is kept", async (t) => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const opened = async (): Promise<WeakRef<Status>> => {
    const told = { ...status };
    const server = await HealthServer.open(() => told, new Readiness(), { port: 0 });
    await server.close();
    return new WeakRef(told);
  };
  const left = await opened();
  for (let turn = 0; turn < 20 && left.deref(); turn++) {
    await sleep(5);
    collect();
  }
  t.is(left.deref(), undefined);
});

test("a port in use is told", async (t) => {
  const first = await HealthServer.open(() => status, new Readiness(), { port: 0 });
  t.teardown(() => first.close());
  const port = Number(new URL(first.address).port);
  await t.throwsAsync(HealthServer.open(() => status, new Readiness(), { port }), { code: "E_ADDRESS_IN_USE", message: /--health-port/ });
});
