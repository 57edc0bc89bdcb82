import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { FfmpegCamera } from "../../adapters/cameras/ffmpeg.js";
import { passthrough } from "../../adapters/cameras/ffmpeg-version.js";
import { FolderCamera } from "../../adapters/cameras/folder.js";
import { openCamera } from "../../adapters/cameras/open.js";
import { PpmReader } from "../../adapters/cameras/ppm.js";
import type { NightshiftOptions } from "../../sdk/index.js";
import { type CameraWatch, openSource, shownSource } from "../../sdk/pipeline/source.js";

const folder = mkdtempSync(join(tmpdir(), "nightshift-open-"));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

test("a source names its camera", (t) => {
  mkdirSync(join(folder, "day one"));
  writeFileSync(join(folder, "trip.v2.mp4"), "");
  const images = openCamera(join(folder, "day one"));
  const video = openCamera(join(folder, "trip.v2.mp4"));
  const network = openCamera("rtsp://10.0.0.7:554/stream");
  t.deepEqual([images instanceof FolderCamera, images.name, images.live], [true, "day-one", false]);
  t.deepEqual([video instanceof FfmpegCamera, video.name, video.live], [true, "trip-v2", false]);
  t.deepEqual([network instanceof FfmpegCamera, network.name, network.live], [true, "10-0-0-7", true]);
  t.is(openCamera(join(folder, "day one"), { name: "front_left" }).name, "front_left");
  const [paced, unpaced] = [openCamera("drive"), openCamera("drive", { fps: 0, name: "rear" })];
  t.deepEqual([paced.name, paced.live, unpaced.name, unpaced.live], ["drive", true, "rear", false]);
});

/** Nothing is told of cameras whose frames nobody asks for. */
const watch = (t: ExecutionContext): CameraWatch => ({ onError: ({ message }) => t.fail(message), onLost: ({ message }) => t.fail(message), onBack: () => t.fail() });

test("a dataset's folder is a camera of its name, not of that of its images", async (t) => {
  mkdirSync(join(folder, "dusk stream", "images"), { recursive: true });
  const named = async (options: NightshiftOptions) => (await openSource({ source: join(folder, "dusk stream"), ...options }, watch(t))).camera.name;
  t.deepEqual([await named({}), await named({ camera: "front" })], ["dusk-stream", "front"]);
});

test("a device that is not there is an error, unless others go on without it: it is then called as it will be", async (t) => {
  await t.throwsAsync(openSource({ source: "/dev/video99" }, watch(t)), { code: "E_CAMERA", message: /no such device/ });
  const { camera, policy } = await openSource({ source: "/dev/video99" }, watch(t), true);
  t.deepEqual([camera.name, camera.live, policy], ["video99", true, "newest"]);
  await t.throwsAsync(openSource({ source: "/dev/video99", fps: -1 }, watch(t), true), { code: "E_CONFIG" });
  await t.throwsAsync(openSource({ source: join(folder, "absent.mp4") }, watch(t), true), { code: "E_CAMERA" });
});

test("a source that names none says what would", (t) => {
  t.throws(() => openCamera(join(folder, "absent")), { code: "E_CAMERA", message: /a folder of images, a video file/ });
  writeFileSync(join(folder, "a.mp4"), "");
  for (const path of [join(folder, "a.mp4", "b"), join(folder, "x".repeat(300)), "a\0b"]) t.throws(() => openCamera(path), { code: "E_CAMERA" });
  for (const options of [{ loop: 0 }, { loop: 1.5 }, { loop: NaN }, { fps: -1 }, { fps: NaN }, { fps: Infinity }]) t.throws(() => openCamera(join(folder, "a.mp4"), options), { code: "E_CONFIG" }, JSON.stringify(options));
  t.notThrows(() => openCamera(join(folder, "a.mp4"), { loop: Infinity, fps: 0.5 }));
  t.throws(() => openCamera("/dev/video99"), { code: "E_CAMERA" });
  t.throws(() => openCamera("https://example.org/video"), { code: "E_CONFIG" });
  t.throws(() => openCamera("rtsp://"), { code: "E_CONFIG" });
  t.throws(() => openCamera(join(folder, "day one"), { name: "a b" }), { code: "E_CONFIG" });
});

test("a source is shown without its password", (t) => {
  const shown = ["drive", "/dev/video0", "csi:0", "C:\\a@b", "rtsp://camera:554/a"];
  t.deepEqual(shown.map(shownSource), shown);
  for (const secret of ["rtsp://user:se@cret@camera/a", "rtsps://camera/a?password=secret", "rtsp://camera/user=a&password=secret&b=1", "rtsp://user:sec/ret@camera/a", "rtmp2+tls://user:secret@camera/a"]) t.notRegex(shownSource(secret), /user:|cret|ret@/);
  t.throws(() => openCamera("https://user:secret@example.org/video"), { code: "E_CONFIG", message: /^(?!.*secret)/s });
});

test("pictures are cut from a stream wherever its pieces end", (t) => {
  const [first, second] = [Buffer.from(Array.from({ length: 36 }, (_, i) => i)), Buffer.from(Array.from({ length: 6 }, (_, i) => 200 + i))];
  const stream = Buffer.concat([Buffer.from("P6\n4 3\n255\n"), first, Buffer.from("P6\n1 2\n255\n"), second]);
  for (let size = 1; size <= stream.length; size++) {
    const reader = new PpmReader();
    const pictures = [];
    for (let at = 0; at < stream.length; at += size) pictures.push(...reader.push(stream.subarray(at, at + size)));
    t.deepEqual(pictures.map(({ width, height, rgb }) => [width, height, ...rgb]), [[4, 3, ...first], [1, 2, ...second]]);
    t.false(reader.isInside);
  }
  t.throws(() => new PpmReader().push(Buffer.from("GIF89a")), { code: "E_CAMERA" });
  t.throws(() => new PpmReader().push(Buffer.from("P6\n" + "1".repeat(40))), { code: "E_CAMERA" });
});

test("each ffmpeg is spoken to in words that it knows", (t) => {
  for (const old of ["4.4.2-0ubuntu0.22.04.1", "n4.3", "5.0.1"]) t.is(passthrough(`ffmpeg version ${old} Copyright`)[0], "-vsync", old);
  for (const now of ["5.1.9-0+deb12u1", "n7.1", "10.0", "9.0-full_build", "N-109000-g1234567"])
    t.is(passthrough(`ffmpeg version ${now} Copyright`)[0], "-fps_mode", now);
});
