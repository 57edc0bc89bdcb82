import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { reopened } from "../../adapters/cameras/reopened.js";
import { rtspCamera } from "../../adapters/cameras/rtsp.js";
import type { NightshiftError } from "../../sdk/errors.js";
import type { Frame } from "../../sdk/frame.js";
import { canStream, RtspServer } from "./rtsp-server.js";

for (const [how, stop] of [["hangs up", (server: RtspServer) => server.vanish()], ["falls silent", (server: RtspServer) => server.freeze()]] as const)
  test(`a network camera delivers frames, and is an error when it ${how}`, async (t) => {
    if (!canStream(t)) return;
    const server = await RtspServer.start(t);
    const seen: number[] = [];
    const run = async () => {
      for await (const frame of rtspCamera(server.address, { name: "front", stallMs: 1000 }).frames(new AbortController().signal)) {
        t.deepEqual([frame.camera, frame.width, frame.height, frame.rgb.length], ["front", 64, 48, 64 * 48 * 3]);
        seen.push(frame.sequence);
        if (seen.length === 10) await stop(server);
      }
    };
    const error = await t.throwsAsync<NightshiftError>(run());
    t.is(error.code, "E_CAMERA");
    t.true(error.expected.includes(server.address));
    t.true(seen.length >= 10);
    t.deepEqual(seen, seen.map((_, i) => i));
  });

test("a network camera that restarts, and one that falls silent for a while, are connected to again; their frames are counted on", async (t) => {
  if (!canStream(t)) return;
  const server = await RtspServer.start(t);
  const told: string[] = [];
  const watch = { onLost: ({ code }: NightshiftError) => told.push(code), onBack: () => told.push("back"), firstMs: 20, mostMs: 200 };
  const stop = new AbortController();
  const frames = reopened("front", () => rtspCamera(server.address, { name: "front", stallMs: 1000 }), watch).frames(stop.signal)[Symbol.asyncIterator]();
  let expected = 0;
  const until = async (isReached: () => boolean) => {
    while (!isReached()) {
      const { value } = (await frames.next()) as IteratorYieldResult<Frame>;
      t.is(value.sequence, expected++);
    }
  };
  await until(() => expected === 10);
  await server.vanish();
  await server.listen();
  await until(() => told.length === 2);
  server.freeze();
  const thawed = (async () => {
    await until(() => told.length === 4);
    stop.abort();
  })();
  await sleep(1500);
  await server.vanish();
  await server.listen();
  await thawed;
  t.deepEqual(told, ["E_CAMERA", "back", "E_CAMERA", "back"]);
});
