import { spawnSync } from "node:child_process";
import test from "ava";
import { rtspCamera } from "../../adapters/cameras/rtsp.js";
import type { NightshiftError } from "../../sdk/errors.js";
import { needs } from "../support/shared.js";
import { RtspDouble } from "./rtsp-double.js";

const hasFfmpeg = spawnSync("ffmpeg", ["-version"]).status === 0;

for (const [how, stop] of [["hangs up", (double: RtspDouble) => double.vanish()], ["falls silent", (double: RtspDouble) => double.freeze()]] as const)
  test(`a network camera delivers frames, and is an error when it ${how}`, async (t) => {
    if (!needs(t, hasFfmpeg, "ffmpeg", "apt-get install ffmpeg")) return;
    const double = await RtspDouble.open();
    t.teardown(() => double.close());
    const seen: number[] = [];
    const run = async () => {
      for await (const frame of rtspCamera(double.address, { name: "front", stallMs: 1000 }).frames(new AbortController().signal)) {
        t.deepEqual([frame.camera, frame.width, frame.height, frame.rgb.length], ["front", 64, 48, 64 * 48 * 3]);
        seen.push(frame.sequence);
        if (seen.length === 10) stop(double);
      }
    };
    const error = await t.throwsAsync<NightshiftError>(run());
    t.is(error.code, "E_CAMERA");
    t.true(error.expected.includes(double.address));
    t.true(seen.length >= 10);
    t.deepEqual(seen, seen.map((_, i) => i));
  });
