import { spawnSync } from "node:child_process";
import { PassThrough } from "node:stream";
import test from "ava";
import { FfmpegCamera } from "../../../adapters/cameras/ffmpeg.js";
import { FrameTimes } from "../../../adapters/cameras/frame-times.js";
import type { NightshiftError } from "../../../sdk/errors.js";
import { nowNs } from "../../../sdk/frame.js";
import { needs } from "../../support/shared.js";

const hasFfmpeg = spawnSync("ffmpeg", ["-version"]).status === 0;
const monotonicUs = (): bigint => process.hrtime.bigint() / 1000n;

/** Ten frames a second that say they were captured from `fromUs` on, by a clock in microseconds: in the place of a driver, which there is none of here. */
function device(fromUs: bigint, errors: NightshiftError[]): FfmpegCamera {
  const input = ["-re", "-f", "lavfi", "-i", `testsrc=rate=10:size=64x48,settb=1/1000000,setpts=N*100000+${fromUs}`];
  return new FfmpegCamera({ name: "front", live: true, what: "a device", input, isTimed: true, fps: 0 }, { onError: (error) => errors.push(error) });
}

async function captured(camera: FfmpegCamera, count: number): Promise<bigint[]> {
  const times: bigint[] = [];
  for await (const { captureTimeNs } of camera.frames(new AbortController().signal)) if (times.push(captureTimeNs) === count) break;
  return times;
}

test("frames have the times of the driver's clock, not of their arrival", async (t) => {
  if (!needs(t, hasFfmpeg, "ffmpeg", "apt-get install ffmpeg")) return;
  const errors: NightshiftError[] = [];
  // The difference of the two clocks, which stays.
  const [epochNs, sinceUs] = [nowNs(), monotonicUs()];
  const fromUs = sinceUs - 1_000_000n;
  const times = await captured(device(fromUs, errors), 6);
  for (const [at, time] of times.entries()) {
    const expectedNs = epochNs + (fromUs + BigInt(at) * 100_000n - sinceUs) * 1000n;
    const apart = Number(time - expectedNs) / 1e6;
    // They arrive a second late.
    t.true(Math.abs(apart) < 50, `frame ${at} is ${apart} ms apart`);
  }
  t.deepEqual(errors, []);
});

test("times of another clock are told once, and frames are timed as they arrive", async (t) => {
  if (!needs(t, hasFfmpeg, "ffmpeg", "apt-get install ffmpeg")) return;
  const errors: NightshiftError[] = [];
  const before = nowNs();
  const times = await captured(device(0n, errors), 3);
  t.true(times.every((time) => time >= before && time <= nowNs()));
  t.is(errors.length, 1);
  t.is(errors[0]?.code, "E_CAMERA");
  t.regex(errors[0]?.message ?? "", /timed as they arrive/);
});

test("a frame without a time takes no other frame's", async (t) => {
  const from = new PassThrough();
  const strange: string[] = [];
  const times = new FrameTimes(from, (time) => strange.push(time));
  const now = monotonicUs();
  from.end(`frame:0    pts:NOPTS  pts_time:NOPTS\nt=0\nframe:1    pts:${now - 2_000_000n} pts_time:1\nt=0\n`);
  const [first, second, third] = [await times.next(), await times.next(), await times.next()];
  t.true(first - second > 1_900_000_000n && third >= first);
  t.deepEqual(strange, ["NOPTS"]);
});
