import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import type { Frame } from "../../sdk/frame.js";
import type { Camera } from "../../sdk/stream/camera.js";
import { pump } from "../../sdk/stream/pump.js";
import { NewestFrameSlot, policyFor } from "../../sdk/stream/slot.js";

test("newest: a new frame replaces the one that waits, which counts as dropped", async (t) => {
  const slot = new NewestFrameSlot<number>("newest");
  for (const item of [1, 2, 3]) t.true(await slot.put(item));
  const taken = await slot.take();
  t.is(taken?.item, 3);
  t.deepEqual(slot.counters, { framesIn: 3, answered: 0, dropped: 2, waiting: 0, working: 1, lost: 0 });
  taken?.answered();
  await slot.put(4);
  t.deepEqual(slot.counters, { framesIn: 4, answered: 1, dropped: 2, waiting: 1, working: 0, lost: 0 });
});

test("every: the producer waits, and nothing is dropped", async (t) => {
  const slot = new NewestFrameSlot<number>("every");
  const seen: number[] = [];
  let offered = 0;
  const producer = (async () => {
    for (let item = 0; item < 50; item++) {
      await slot.put(item);
      offered = item + 1;
    }
    slot.end();
  })();
  await sleep(5);
  t.is(offered, 1);
  for await (const { item, answered } of slot) {
    t.true(offered <= item + 2);
    seen.push(item);
    if (item % 7 === 0) await sleep(1);
    answered();
  }
  await producer;
  t.deepEqual(seen, Array.from({ length: 50 }, (_, i) => i));
  t.deepEqual(slot.counters, { framesIn: 50, answered: 50, dropped: 0, waiting: 0, working: 0, lost: 0 });
});

test("no frame is unaccounted for at any moment of a hasty run, under either policy", async (t) => {
  for (const policy of ["newest", "every"] as const) {
    const slot = new NewestFrameSlot<number>(policy);
    let random = 12345;
    const next = () => (random = (random * 1103515245 + 12345) % 2147483648) / 2147483648;
    const consume = async () => {
      let last = -1;
      for await (const { item, answered } of slot) {
        t.true(item > last);
        last = item;
        if (next() < 0.3) await sleep(next() * 2);
        t.is(slot.counters.lost, 0);
        answered();
        t.is(slot.counters.lost, 0);
      }
    };
    const consumers = [consume(), consume()];
    for (let item = 0; item < 300; item++) {
      await slot.put(item);
      t.is(slot.counters.lost, 0);
      if (next() < 0.3) await sleep(0);
    }
    slot.end();
    await Promise.all(consumers);
    const { framesIn, answered, dropped, waiting, working, lost } = slot.counters;
    t.deepEqual([framesIn, answered + dropped, waiting, working, lost], [300, 300, 0, 0, 0]);
    if (policy === "every") t.is(dropped, 0);
  }
});

test("end lets what waits be taken; abort does not; neither takes more", async (t) => {
  const ended = new NewestFrameSlot<number>("every");
  await ended.put(1);
  const blocked = ended.put(2);
  ended.end();
  t.false(await blocked);
  t.is((await ended.take())?.item, 1);
  t.is(await ended.take(), undefined);
  t.is(ended.counters.framesIn, 1);

  const aborted = new NewestFrameSlot<number>("every");
  await aborted.put(1);
  aborted.abort();
  t.is(await aborted.take(), undefined);
  t.false(await aborted.put(2));
  t.deepEqual(aborted.counters, { framesIn: 1, answered: 0, dropped: 1, waiting: 0, working: 0, lost: 0 });

  const idle = new NewestFrameSlot<number>("newest");
  const waiting = idle.take();
  idle.abort();
  t.is(await waiting, undefined);
});

test("a frame that is given up counts as lost, and no frame can be settled twice", async (t) => {
  const slot = new NewestFrameSlot<number>("newest");
  await slot.put(1);
  const taken = await slot.take();
  taken?.abandoned();
  t.is(slot.counters.lost, 1);
  t.throws(() => taken?.answered(), { code: "E_CLOSED" });
  t.is(slot.counters.lost, 1);
});

function frame(sequence: number, bytes = 16 * 16 * 3): Frame {
  return { camera: "front", sequence, captureTimeNs: 0n, width: 16, height: 16, rgb: new Uint8Array(bytes) };
}

function cameraOf(frames: readonly Frame[], end?: Error): Camera {
  return {
    name: "front",
    live: false,
    async *frames() {
      yield* frames;
      if (end) throw end;
    },
  };
}

test("the pump refuses frames of a wrong size or format, and passes the camera's failure on after the frames", async (t) => {
  const errors: unknown[] = [];
  const camera = cameraOf([frame(0), frame(1, 16 * 16 * 4), frame(2, 700), frame(3)], new Error("gone"));
  const slot = new NewestFrameSlot<Frame>(policyFor(camera));
  const pumping = t.throwsAsync(pump(camera, slot, new AbortController().signal, (error) => errors.push(error)), { message: "gone" });
  const seen: number[] = [];
  for await (const { item, answered } of slot) {
    seen.push(item.sequence);
    answered();
  }
  await pumping;
  t.deepEqual(seen, [0, 3]);
  t.deepEqual(errors.map((error) => error instanceof Error && "code" in error && error.code), ["E_FRAME_FORMAT", "E_FRAME_SIZE"]);
});

test("what waits when the camera ends is still there to be taken", async (t) => {
  const slot = new NewestFrameSlot<Frame>("newest");
  await pump(cameraOf([frame(0), frame(1)]), slot, new AbortController().signal, (error) => t.fail(String(error)));
  const taken = await slot.take();
  t.is(taken?.item.sequence, 1);
  t.is(await slot.take(), undefined);
});

test("an abort reaches a pump that waits for its reader", async (t) => {
  const camera = cameraOf([frame(0), frame(1), frame(2)]);
  const slot = new NewestFrameSlot<Frame>("every");
  const abort = new AbortController();
  const pumping = pump(camera, slot, abort.signal, (error) => t.fail(String(error)));
  await sleep(5);
  abort.abort();
  await pumping;
  t.deepEqual(slot.counters, { framesIn: 1, answered: 0, dropped: 1, waiting: 0, working: 0, lost: 0 });
});
