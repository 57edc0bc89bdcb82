import { spawnSync } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { csiCamera } from "../../../adapters/cameras/csi.js";
import { openCamera } from "../../../adapters/cameras/open.js";
import { RawReader } from "../../../adapters/cameras/raw.js";
import type { Frame } from "../../../sdk/frame.js";
import { temporaryFolder } from "../../bundle/contents.js";
import { needs } from "../../support/shared.js";

const hasGStreamer = spawnSync("gst-launch-1.0", ["--version"]).status === 0 && spawnSync("gst-inspect-1.0", ["videotestsrc"]).status === 0;
const lacking = ["GStreamer", "apt-get install gstreamer1.0-tools gstreamer1.0-plugins-base"] as const;

/** gst-launch-1.0 with a test picture in the place of a Jetson's sensor, and plain memory in the place of its GPU's; it notes what it was called with, and talks as Argus does. */
async function withoutJetson(t: ExecutionContext, source = "videotestsrc is-live=true pattern=red"): Promise<{ readonly gstLaunch: string; readonly called: () => Promise<string> }> {
  const folder = await temporaryFolder(t);
  const gstLaunch = join(folder, "gst-launch-1.0");
  const lines = [
    "#!/bin/sh",
    '[ "$1" = --version ] && exec gst-launch-1.0 --version',
    `echo "$@" > ${folder}/called`,
    'echo "GST_ARGUS: Creating output stream"',
    `exec gst-launch-1.0 $(echo "$@" | sed -e 's/nvarguscamerasrc sensor-id=[0-9]/${source}/' -e 's/(memory:NVMM)//' -e 's/nvvidconv/videoconvert/')`,
  ];
  await writeFile(gstLaunch, `${lines.join("\n")}\n`);
  await chmod(gstLaunch, 0o755);
  return { gstLaunch, called: async () => (await readFile(join(folder, "called"), "utf8")).trim() };
}

test("a sensor is asked for in Argus's words", async (t) => {
  if (!needs(t, hasGStreamer, ...lacking)) return;
  const { gstLaunch, called } = await withoutJetson(t);
  const camera = openCamera("csi:1", { gstLaunch, fps: 15, size: { width: 64, height: 48 } });
  t.deepEqual([camera.name, camera.live], ["csi-1", true]);
  for await (const { sequence } of camera.frames(new AbortController().signal)) if (sequence === 0) break;
  t.is(
    await called(),
    "--quiet nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM),width=64,height=48,framerate=15/1 ! nvvidconv ! video/x-raw,format=BGRx ! queue leaky=downstream max-size-buffers=1 ! videoconvert ! video/x-raw,format=RGB ! fdsink fd=3 sync=false",
  );
});

test("frames come whole, whatever the pipeline says on standard output", async (t) => {
  if (!needs(t, hasGStreamer, ...lacking)) return;
  const { gstLaunch } = await withoutJetson(t);
  const frames: Frame[] = [];
  for await (const frame of csiCamera(0, { gstLaunch, name: "front", size: { width: 64, height: 48 } }).frames(new AbortController().signal)) {
    frames.push(frame);
    if (frames.length === 5) break;
  }
  t.deepEqual(frames.map(({ camera, sequence, width, height }) => [camera, sequence, width, height]), [0, 1, 2, 3, 4].map((sequence) => ["front", sequence, 64, 48]));
  for (const { rgb } of frames) t.true(rgb.every((value, at) => (at % 3 === 0 ? value > 250 : value < 5)), "red all over");
});

test("a sensor that is not there, or ends, is an error; so is a size that GStreamer would pad, and a missing GStreamer", async (t) => {
  const all = async (camera: ReturnType<typeof csiCamera>): Promise<number> => {
    let count = 0;
    for await (const _ of camera.frames(new AbortController().signal)) count++;
    return count;
  };
  t.throws(() => csiCamera(0, { size: { width: 66, height: 48 } }), { code: "E_CONFIG" });
  t.throws(() => csiCamera(0, { fps: 29.97 }), { code: "E_CONFIG" });
  t.throws(() => openCamera("csi:front"), { code: "E_CAMERA" });
  await t.throwsAsync(all(csiCamera(0, { gstLaunch: "/nowhere/gst-launch-1.0" })), { code: "E_MISSING_TOOL", message: /gstreamer1\.0-tools/ });
  if (!needs(t, hasGStreamer, ...lacking)) return;
  await t.throwsAsync(all(csiCamera(0)), { code: "E_CAMERA", message: /CSI camera 0.*nvarguscamerasrc/ });
  const { gstLaunch } = await withoutJetson(t, "videotestsrc num-buffers=3");
  await t.throwsAsync(all(csiCamera(0, { gstLaunch, size: { width: 64, height: 48 } })), { code: "E_CAMERA" });
});

test("raw pictures are cut wherever the pieces end", (t) => {
  const stream = Buffer.from(Array.from({ length: 36 }, (_, i) => i));
  for (let size = 1; size <= stream.length; size++) {
    const reader = new RawReader({ width: 2, height: 3 });
    const pictures = [];
    for (let at = 0; at < stream.length; at += size) pictures.push(...reader.push(stream.subarray(at, at + size)));
    t.deepEqual(pictures.flatMap(({ rgb }) => [...rgb]), [...stream]);
    t.false(reader.isInside);
    reader.push(Buffer.from([1]));
    t.true(reader.isInside);
  }
});
