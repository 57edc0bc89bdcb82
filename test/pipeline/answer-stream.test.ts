import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import type { Engine } from "../../sdk/engine/engine.js";
import { NightshiftError } from "../../sdk/errors.js";
import type { Frame } from "../../sdk/frame.js";
import { AnswerStream } from "../../sdk/pipeline/answer-stream.js";
import type { Camera } from "../../sdk/stream/camera.js";
import { perceptionOf } from "../stream/perceptions.js";

/** Answers after a while, fails for the sequences given, and counts how many frames it has at once. */
class CountingEngine {
  atOnce = 0;
  mostAtOnce = 0;

  constructor(private readonly failing: readonly number[] = []) {}

  readonly infer = async (frame: Frame) => {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
    await sleep(5);
    this.atOnce--;
    if (this.failing.includes(frame.sequence))
      throw new NightshiftError("E_ENGINE", { expected: "an answer", received: `none to ${frame.sequence}`, remedy: "Nothing: this is a test." });
    return perceptionOf(frame.sequence);
  };
}

const camera = (live: boolean, count: number, everyMs: number): Camera => ({
  name: "test",
  live,
  frames: async function* () {
    for (let sequence = 0; sequence < count; sequence++) {
      await sleep(everyMs);
      yield { camera: "test", sequence, captureTimeNs: process.hrtime.bigint(), width: 16, height: 16, rgb: new Uint8Array(768) };
    }
  },
});

async function streamed(source: Camera, engine: CountingEngine, untaken?: number) {
  const taken: number[] = [];
  const errors: unknown[] = [];
  const stream = new AnswerStream({
    camera: source,
    engine: engine as unknown as Engine,
    take: async ({ sequence }) => {
      await sleep(1);
      if (sequence === untaken) throw new Error(`nobody takes ${untaken}`);
      taken.push(sequence);
    },
    onError: (error) => errors.push(error),
  });
  const ended = await stream.run().then(() => undefined, (error: unknown) => error);
  return { taken, errors, ended, counters: stream.counters };
}

test("the next frame of a recording waits within the engine, and answers come in order", async (t) => {
  const engine = new CountingEngine();
  const { taken, counters } = await streamed(camera(false, 20, 0), engine);
  t.deepEqual(taken, Array.from({ length: 20 }, (_, at) => at));
  t.is(engine.mostAtOnce, 2);
  t.is(counters.answered, 20);
});

test("of a live camera the engine gets one frame at a time, the newest", async (t) => {
  const engine = new CountingEngine();
  const { taken, counters } = await streamed(camera(true, 20, 1), engine);
  t.is(engine.mostAtOnce, 1);
  t.true(counters.dropped > 0);
  t.is(counters.answered + counters.dropped, 20);
  t.deepEqual(taken, [...taken].sort((a, b) => a - b));
});

test("a slow recording's frame is answered without waiting for the next", async (t) => {
  const waits: number[] = [];
  let captured = 0;
  const slow = camera(false, 3, 60);
  const stream = new AnswerStream({
    camera: {
      ...slow,
      frames: async function* (signal) {
        for await (const frame of slow.frames(signal)) {
          captured = frame.sequence;
          yield frame;
        }
      },
    },
    engine: new CountingEngine() as unknown as Engine,
    take: async ({ sequence }) => Promise.resolve(void waits.push(captured - sequence)),
    onError: (error) => t.fail(String(error)),
  });
  await stream.run();
  t.deepEqual(waits, [0, 0, 0]);
});

test("a frame that fails is told and counted as lost, and the others are answered", async (t) => {
  // More in all than an engine may fail in a row.
  const failing = [2, 3, 5, 6, 7, 9];
  const { taken, errors, ended, counters } = await streamed(camera(false, 12, 0), new CountingEngine(failing));
  t.deepEqual(taken, [0, 1, 4, 8, 10, 11]);
  t.is(errors.length, 6);
  t.is(ended, undefined);
  t.is(counters.lost, 6);
});

test("an engine that only fails ends the stream with its error", async (t) => {
  const { errors, ended, counters } = await streamed(camera(false, 50, 0), new CountingEngine(Array.from({ length: 50 }, (_, at) => at)));
  t.true(ended instanceof NightshiftError && ended.code === "E_ENGINE");
  t.is(errors.length, 5);
  t.deepEqual([counters.answered, counters.working, counters.framesIn], [0, 0, counters.dropped + counters.lost]);
});

test("an answer that nobody takes ends the stream, and no frame drops out of the books", async (t) => {
  const { taken, ended, counters } = await streamed(camera(false, 20, 0), new CountingEngine(), 3);
  t.like(ended, { message: "nobody takes 3" });
  t.deepEqual(taken, [0, 1, 2]);
  t.deepEqual([counters.working, counters.framesIn], [0, counters.answered + counters.dropped + counters.lost]);
});

test("however the stream ends, the camera is closed", async (t) => {
  let isClosed = false;
  const source = camera(false, 50, 0);
  const slow: Camera = {
    ...source,
    frames: async function* (signal) {
      try {
        yield* source.frames(signal);
      } finally {
        await sleep(20);
        isClosed = true;
      }
    },
  };
  const { ended } = await streamed(slow, new CountingEngine(Array.from({ length: 50 }, (_, at) => at)));
  t.true(ended instanceof NightshiftError && isClosed);
});
