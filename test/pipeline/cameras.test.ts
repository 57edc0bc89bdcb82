import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { type Answer, type Camera, Nightshift, NightshiftError, type NightshiftOptions, type StreamEvent, Subscriber } from "../../sdk/index.js";
import type { Perception } from "../../sdk/engine/perception.js";
import { ThreadEngine } from "../../sdk/engine/thread-engine.js";
import { type Frame, nowNs } from "../../sdk/frame.js";
import { picture } from "../adaptation/pictures.js";
import { canStream, RtspServer } from "../adapters/rtsp-server.js";
import { temporaryFolder } from "../bundle/contents.js";
import { tinyBundle } from "../support/tiny-bundle.js";

const bundle = await tinyBundle();
test.after.always(() => bundle.remove());

/** Drawn once: drawing takes longer than answering. */
const street = Array.from({ length: 8 }, (_, at) => picture("day", at, 160, 96));

interface Script {
  readonly live?: boolean;
  readonly count: number;
  readonly everyMs?: number;
  readonly lostAt?: number;
}

const camera = (name: string, { live = false, count, everyMs = 0, lostAt }: Script): Camera => ({
  name,
  live,
  frames: async function* (signal) {
    const start = performance.now();
    for (let sequence = 0; sequence < count && !signal.aborted; sequence++) {
      if (sequence === lostAt) throw new NightshiftError("E_CAMERA", { expected: "a frame", received: "an unplugged camera", remedy: "Plug it in." });
      await sleep(Math.max(0, start + sequence * everyMs - performance.now()));
      yield { ...street[sequence % 8], camera: name, sequence, captureTimeNs: nowNs() };
    }
  },
});

async function started(t: ExecutionContext, options: NightshiftOptions): Promise<Nightshift> {
  const nightshift = await Nightshift.start({ bundle: bundle.directory, state: await temporaryFolder(t), publish: false, control: false, adaptation: false, onError: () => undefined, ...options });
  t.teardown(() => nightshift.stop());
  return nightshift;
}

test("several cameras share one engine: each is answered in its order, on its own topics, and counted by name", async (t) => {
  const nightshift = await started(t, { cameras: [{ source: camera("front", { count: 20 }) }, { source: camera("rear", { count: 12 }) }], publish: ["tcp://127.0.0.1:*"] });
  const subscriber = new Subscriber({ address: nightshift.addresses.publisher[0] ?? "", topics: ["boxes/rear\0"] });
  t.teardown(() => subscriber.close());
  const by = new Map<string, number[]>([["front", []], ["rear", []]]);
  for await (const answer of nightshift.answers()) by.get(answer.camera)?.push(answer.sequence);
  await nightshift.ended;
  t.deepEqual(by, new Map([["front", Array.from({ length: 20 }, (_, at) => at)], ["rear", Array.from({ length: 12 }, (_, at) => at)]]));
  t.deepEqual(nightshift.status.cameras.map((each) => [each.camera, each.framesIn, each.answered, each.dropped, each.lost]), [["front", 20, 20, 0, 0], ["rear", 12, 12, 0, 0]]);
});

test("cameras that each deliver more than the engine can answer get as many turns as each other, and of each the newest frame is answered", async (t) => {
  const flood = (name: string) => ({ source: camera(name, { count: Infinity, live: true, everyMs: 1 }) });
  const nightshift = await started(t, { cameras: [flood("front"), flood("left"), flood("right")] });
  const answered = new Map<string, number>([["front", 0], ["left", 0], ["right", 0]]);
  for await (const { camera: name } of nightshift.answers()) {
    answered.set(name, (answered.get(name) ?? 0) + 1);
    if ([...answered.values()].reduce((sum, count) => sum + count) >= 90) break;
  }
  const counts = [...answered.values()];
  t.true(Math.max(...counts) - Math.min(...counts) <= 6, JSON.stringify(counts));
  for (const { lost, dropped } of nightshift.status.cameras) t.true(lost === 0 && dropped > 0, "what is not its turn is replaced by what is newer");
});

test("each camera has its policy, also against its kind: a live one that waits loses nothing", async (t) => {
  const nightshift = await started(t, { cameras: [{ source: camera("front", { count: 25, live: true }), policy: "every" }, { source: camera("rear", { count: 25 }) }] });
  for await (const { camera: _ } of nightshift.answers());
  t.deepEqual(nightshift.status.cameras.map(({ answered, dropped }) => [answered, dropped]), [[25, 0], [25, 0]]);
});

test("of a camera that waits, a slow reader misses nothing, though another beside it is live", async (t) => {
  const nightshift = await started(t, { cameras: [{ source: camera("front", { count: 60, live: true, everyMs: 5 }) }, { source: camera("rear", { count: 12 }) }] });
  const rear: number[] = [];
  for await (const { camera: name, sequence } of nightshift.answers()) {
    if (name === "rear") rear.push(sequence);
    await sleep(40);
  }
  t.deepEqual(rear, Array.from({ length: 12 }, (_, at) => at));
});

test("a camera that is lost does not end the others; the end tells of it", async (t) => {
  const events: StreamEvent[] = [];
  const nightshift = await started(t, { cameras: [{ source: camera("front", { count: 20 }) }, { source: camera("rear", { count: 20, lostAt: 3 }) }], onEvent: (event) => events.push(event) });
  const answers: Answer[] = [];
  for await (const answer of nightshift.answers()) answers.push(answer);
  await t.throwsAsync(nightshift.ended, { code: "E_CAMERA" });
  t.deepEqual([answers.filter(({ camera: name }) => name === "front").length, answers.filter(({ camera: name }) => name === "rear").length], [20, 3]);
  t.is(events.find(({ kind }) => kind === "camera_lost")?.details.camera, "rear");
  t.is(events.find(({ kind }) => kind === "stream_ended")?.details.camera, "front");
});

test("of several cameras, one that is not there at first, or goes, is opened again when it is there: meanwhile the others are answered, and whoever asks is told", async (t) => {
  if (!canStream(t)) return;
  const server = await RtspServer.start(t);
  await server.vanish();
  const told: string[] = [];
  const nightshift = await started(t, {
    cameras: [{ source: camera("front", { count: Infinity, live: true, everyMs: 40 }) }, { source: server.address, name: "rear" }],
    health: { port: 0 },
    onEvent: ({ kind, details }) => kind.startsWith("camera_") && told.push(`${kind} ${String(details.camera)}`),
  });
  const ready = async (): Promise<unknown> => (await fetch(`${nightshift.addresses.health}ready`)).json();
  const areLost = (): boolean[] => nightshift.status.cameras.map(({ isLost }) => isLost);
  const answered = new Map([["front", 0], ["rear", 0]]);
  const answers = nightshift.answers()[Symbol.asyncIterator]();
  const until = async (isReached: () => boolean) => {
    while (!isReached()) {
      const { camera: name } = (await answers.next()).value as Answer;
      answered.set(name, (answered.get(name) ?? 0) + 1);
    }
  };
  await until(() => told.length === 1 && (answered.get("front") ?? 0) > 5);
  t.deepEqual([await ready(), areLost()], [{ ready: false, reason: "rear is lost" }, [false, true]]);
  await server.listen();
  await until(() => (answered.get("rear") ?? 0) > 5);
  t.deepEqual([await ready(), areLost()], [{ ready: true }, [false, false]]);
  await server.vanish();
  await until(() => told.length === 3);
  await server.listen();
  await until(() => told.length === 4);
  t.deepEqual(told, ["camera_lost rear", "camera_back rear", "camera_lost rear", "camera_back rear"]);
});

test.serial("an engine that fails for all cameras is renewed once for all", async (t) => {
  const events: StreamEvent[] = [];
  const infer: (this: ThreadEngine, frame: Frame) => Promise<Perception> = Reflect.get(ThreadEngine.prototype, "infer");
  const lost = new NightshiftError("E_ENGINE", { expected: "an answer", received: "a device that is lost", remedy: "Reset it." });
  const engines: ThreadEngine[] = [];
  ThreadEngine.prototype.infer = function (frame) {
    if (!engines.includes(this)) engines.push(this);
    return this === engines[0] && frame.sequence >= 5 ? Promise.reject(lost) : infer.call(this, frame);
  };
  t.teardown(() => void (ThreadEngine.prototype.infer = infer));
  const nightshift = await started(t, { cameras: [{ source: camera("front", { count: 40 }) }, { source: camera("rear", { count: 40 }) }], onEvent: (event) => events.push(event) });
  await nightshift.ended;
  t.is(events.filter(({ kind }) => kind === "engine_renewed").length, 1);
  t.deepEqual(nightshift.status.cameras.map(({ answered, lost: gone }) => answered + gone), [40, 40]);
});

test("cameras without a name of their own, or with settings for all beside them, are refused", async (t) => {
  const front = { source: camera("front", { count: 1 }) };
  await t.throwsAsync(started(t, { cameras: [front, front] }), { code: "E_CONFIG", message: /front twice/ });
  await t.throwsAsync(started(t, { cameras: [] }), { code: "E_CONFIG" });
  await t.throwsAsync(started(t, { cameras: [front], fps: 5 }), { code: "E_CONFIG", message: /fps/ });
  await t.throwsAsync(started(t, { cameras: [front], source: "drive" }), { code: "E_CONFIG", message: /source/ });
});
