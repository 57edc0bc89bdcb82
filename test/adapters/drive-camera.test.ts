import test from "ava";
import { DriveCamera } from "../../adapters/cameras/drive/camera.js";
import { Drive } from "../../adapters/cameras/drive/drive.js";
import { checkFrame, type Frame } from "../../sdk/frame.js";
import { NightshiftError } from "../../sdk/errors.js";

const options = { seed: 4, width: 160, height: 96, condition: "dusk" } as const;

test("an unpaced camera delivers each frame of its drive once, as the drive renders it", async (t) => {
  const frames: Frame[] = [];
  for await (const frame of new DriveCamera({ ...options, frames: 6, paced: false }).frames(new AbortController().signal)) frames.push(frame);
  t.deepEqual(frames.map((frame) => frame.sequence), [0, 1, 2, 3, 4, 5]);
  const drive = new Drive(options);
  for (const frame of frames) {
    checkFrame(frame);
    t.deepEqual(frame.rgb, drive.renderPicture(frame.sequence));
  }
});

test("a live camera keeps its pace and stops at the signal", async (t) => {
  const camera = new DriveCamera({ ...options, fps: 25 });
  t.true(camera.live);
  const stop = new AbortController();
  const times: number[] = [];
  for await (const frame of camera.frames(stop.signal)) {
    times.push(performance.now());
    if (frame.sequence === 5) stop.abort();
  }
  t.is(times.length, 6);
  t.true((times[5] ?? 0) - (times[0] ?? 0) >= 5 * 40 - 10);
});

test("a camera refuses wrong options at once", (t) => {
  const error = t.throws(() => new DriveCamera({ ...options, fps: -1 }), { instanceOf: NightshiftError });
  t.is(error?.code, "E_CONFIG");
});
