import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import sharp from "sharp";
import { openCamera } from "../../adapters/cameras/open.js";
import { checkFrame, type Frame, nowNs } from "../../sdk/frame.js";
import type { Camera } from "../../sdk/stream/camera.js";
import { pump } from "../../sdk/stream/pump.js";
import { NewestFrameSlot, policyFor } from "../../sdk/stream/slot.js";
import { needs } from "../support/shared.js";
import { canStream, RtspServer } from "./rtsp-server.js";

const hasFfmpeg = (t: ExecutionContext): boolean => needs(t, spawnSync("ffmpeg", ["-version"]).status === 0, "ffmpeg", "apt-get install ffmpeg");
const folder = mkdtempSync(join(tmpdir(), "nightshift-suite-"));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

interface Case {
  /** Whether there is what it takes. */
  readonly can: (t: ExecutionContext) => boolean;
  /** A camera that delivers at least 30 frames. */
  readonly open: (t: ExecutionContext) => Promise<Camera>;
}

let made = 0;

const cases: Readonly<Record<string, Case>> = {
  folder: {
    can: () => true,
    open: async () => {
      const images = join(folder, `images${made++}`);
      mkdirSync(images);
      const raw = { width: 48, height: 32, channels: 3 } as const;
      for (let i = 0; i < 30; i++) await sharp(Buffer.alloc(48 * 32 * 3, i * 8), { raw }).png().toFile(join(images, `${i + 100}.png`));
      return openCamera(images, { fps: 200 });
    },
  },
  video: {
    can: hasFfmpeg,
    open: () => {
      const file = join(folder, `video${made++}.mkv`);
      const picture = ["-f", "lavfi", "-i", "testsrc=size=48x32:rate=100:duration=0.3"];
      execFileSync("ffmpeg", ["-loglevel", "error", ...picture, "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", file], { stdio: "pipe" });
      return Promise.resolve(openCamera(file));
    },
  },
  drive: {
    can: () => true,
    open: () => Promise.resolve(openCamera("drive", { size: { width: 96, height: 64 }, fps: 30 })),
  },
  rtsp: {
    can: canStream,
    open: async (t) => openCamera((await RtspServer.start(t)).address, { name: "front" }),
  },
};

for (const [name, { can, open }] of Object.entries(cases)) {
  test(`${name}: frames are whole, numbered, and never older than the ones before`, async (t) => {
    if (!can(t)) return;
    const camera = await open(t);
    let [expected, last] = [0, nowNs()];
    for await (const frame of camera.frames(new AbortController().signal)) {
      checkFrame(frame);
      t.is(frame.camera, camera.name);
      t.is(frame.sequence, expected++);
      t.true(frame.captureTimeNs >= last && frame.captureTimeNs <= nowNs());
      last = frame.captureTimeNs;
      if (expected === 30) break;
    }
    t.is(expected, 30);
  });

  test(`${name}: an abort ends the frames, before the first as well as later`, async (t) => {
    if (!can(t)) return;
    for (const after of [0, 5]) {
      const camera = await open(t);
      const abort = new AbortController();
      if (after === 0) abort.abort();
      let seen = 0;
      for await (const frame of camera.frames(abort.signal)) if (++seen === after && frame.sequence + 1 === after) abort.abort();
      t.is(seen, after);
    }
  });

  test(`${name}: through the slot, each frame is answered or dropped as the policy says`, async (t) => {
    if (!can(t)) return;
    const camera = await open(t);
    const slot = new NewestFrameSlot<Frame>(policyFor(camera));
    const abort = new AbortController();
    const pumping = pump(camera, slot, abort.signal, (error) => t.fail(String(error)));
    for await (const { item, answered } of slot) {
      // One frame is held until others had to give way to it: a live camera goes on, any other waits.
      do await sleep(item.sequence >= 2 ? 20 : 2);
      while (camera.live && item.sequence >= 2 && slot.counters.dropped === 0);
      answered();
      t.is(slot.counters.lost, 0);
      if (item.sequence >= 25 && camera.live) abort.abort();
    }
    await pumping;
    const { framesIn, answered, dropped, waiting, working, lost } = slot.counters;
    t.deepEqual([answered + dropped, waiting, working, lost], [framesIn, 0, 0, 0]);
    if (camera.live) t.true(dropped > 0);
    else t.deepEqual([framesIn, dropped], [30, 0]);
  });
}
