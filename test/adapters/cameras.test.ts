import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import sharp from "sharp";
import { FfmpegCamera } from "../../adapters/cameras/ffmpeg.js";
import { FolderCamera, imagesAmong } from "../../adapters/cameras/folder.js";
import { rtspCamera } from "../../adapters/cameras/rtsp.js";
import { v4l2Camera } from "../../adapters/cameras/v4l2.js";
import { videoCamera } from "../../adapters/cameras/video.js";
import type { NightshiftError } from "../../sdk/errors.js";
import type { Frame } from "../../sdk/frame.js";
import type { Camera } from "../../sdk/stream/camera.js";
import { needs } from "../support/shared.js";

const hasFfmpeg = spawnSync("ffmpeg", ["-version"]).status === 0;
const installFfmpeg = "apt-get install ffmpeg";
const folder = mkdtempSync(join(tmpdir(), "nightshift-cameras-"));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

/** A picture whose left part is red and the rest blue, the border moving with `step`. */
function picture(width: number, height: number, step: number): Uint8Array {
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) rgb[i * 3 + (i % width < step * 8 ? 0 : 2)] = 250;
  return rgb;
}

const encode = (rgb: Uint8Array, width: number, height: number) => sharp(rgb, { raw: { width, height, channels: 3 } });

/** Where the border lies in a row in the middle. */
function border(frame: Frame): number {
  const start = (frame.height >> 1) * frame.width * 3;
  let x = 0;
  while (x < frame.width && (frame.rgb[start + x * 3] ?? 0) > 125) x++;
  return x;
}

async function all(camera: Camera, signal = new AbortController().signal): Promise<Frame[]> {
  const frames = [];
  for await (const frame of camera.frames(signal)) frames.push(frame);
  return frames;
}

function isMonotone(frames: readonly Frame[]): boolean {
  return frames.every((frame, i) => i === 0 || frame.captureTimeNs >= (frames[i - 1]?.captureTimeNs ?? 0n));
}

function makeVideo(name: string, frames: number): string {
  const [width, height] = [160, 96];
  const raw = Buffer.concat(Array.from({ length: frames }, (_, i) => picture(width, height, i % 20)));
  const file = join(folder, name);
  const input = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", `${width}x${height}`, "-r", "25", "-i", "pipe:0"];
  execFileSync("ffmpeg", ["-loglevel", "error", "-y", ...input, "-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj444p", file], { input: raw });
  return file;
}

test("a folder delivers its images in the order of their names, loops, and reports what it cannot read", async (t) => {
  const images = join(folder, "images");
  mkdirSync(images);
  await encode(picture(64, 48, 1), 64, 48).png().toFile(join(images, "a.png"));
  await encode(picture(64, 48, 2), 64, 48).jpeg({ quality: 95, chromaSubsampling: "4:4:4" }).toFile(join(images, "b.jpg"));
  writeFileSync(join(images, "c.jpg"), "not an image");
  await encode(picture(32, 16, 3), 32, 16).png().toFile(join(images, "d.PNG"));
  await encode(picture(64, 48, 0), 64, 48).greyscale().toColourspace("b-w").png().toFile(join(images, "e.png"));
  await sharp(Buffer.alloc(20 * 20 * 4, 128), { raw: { width: 20, height: 20, channels: 4 } }).png().toFile(join(images, "f.png"));
  writeFileSync(join(images, "notes.txt"), "not listed");
  const errors: NightshiftError[] = [];
  const frames = await all(new FolderCamera(images, { fps: 0, loop: 2, onError: (error) => errors.push(error) }));
  t.deepEqual(frames.map((frame) => frame.sequence), [0, 1, 3, 4, 5, 6, 7, 9, 10, 11]);
  t.deepEqual(frames.slice(0, 3).map(border), [8, 16, 24]);
  const sizes = frames.slice(0, 5).map(({ width, height, rgb }) => `${width}x${height} ${rgb.length}`);
  t.deepEqual(sizes, ["64x48 9216", "64x48 9216", "32x16 1536", "64x48 9216", "20x20 1200"]);
  t.deepEqual(frames[0]?.rgb, Buffer.from(picture(64, 48, 1)));
  t.true(isMonotone(frames));
  t.deepEqual(errors.map((error) => [error.code, error.message.includes("c.jpg")]), [["E_IMAGE", true], ["E_IMAGE", true]]);
  await t.throwsAsync(all(new FolderCamera(images, { fps: 0 })), { code: "E_IMAGE" });
});

test("a folder's images come in the order of their numbers, in each format that is read; hidden files are none of them", async (t) => {
  const images = join(folder, "numbered");
  mkdirSync(images);
  const suffixes = ["jpg", "png", "webp", "tif", "TIFF"] as const;
  const names = [1, 2, 9, 10, 100].map((number, at) => `frame${number}.${suffixes[at]}`);
  for (const [at, name] of names.entries()) await encode(picture(64, 48, at + 1), 64, 48).toFormat(name.endsWith("jpg") ? "jpeg" : name.endsWith("png") ? "png" : name.endsWith("webp") ? "webp" : "tiff").toFile(join(images, name));
  writeFileSync(join(images, "._frame1.jpg"), "what macOS leaves");
  const frames = await all(new FolderCamera(images, { fps: 0 }));
  t.deepEqual(frames.map((frame) => Math.round(border(frame) / 8)), [1, 2, 3, 4, 5]);
  t.deepEqual(imagesAmong(["b2.png", "b02.png", "a.JPG", "B1.png", "b10.png", "notes.txt", "b1-3.png", "b1-20.png"]), ["B1.png", "a.JPG", "b1-3.png", "b1-20.png", "b02.png", "b2.png", "b10.png"]);
  const outer = join(folder, "outer");
  mkdirSync(join(outer, "inner"), { recursive: true });
  await t.throwsAsync(all(new FolderCamera(outer)), { code: "E_CAMERA", message: /such as inner.*folders inside of it/ });
});

test("a folder goes at the rate it is given", async (t) => {
  const images = join(folder, "paced");
  mkdirSync(images);
  for (let i = 0; i < 6; i++) await encode(picture(32, 32, i), 32, 32).png().toFile(join(images, `${i}.png`));
  const start = performance.now();
  t.is((await all(new FolderCamera(images, { fps: 20 }))).length, 6);
  t.true(performance.now() - start > 240, "five waits of 50 ms");
});

test("a truncated image is an unreadable one, a folder without images no camera", async (t) => {
  const images = join(folder, "broken");
  mkdirSync(images);
  const file = join(images, "cut.jpg");
  await encode(picture(256, 256, 5), 256, 256).jpeg().toFile(file);
  truncateSync(file, statSync(file).size >> 1);
  const errors: NightshiftError[] = [];
  await t.throwsAsync(all(new FolderCamera(images, { onError: (error) => errors.push(error), loop: Infinity })), { code: "E_CAMERA" });
  t.deepEqual(errors.map((error) => error.code), ["E_IMAGE"]);
  await t.throwsAsync(all(new FolderCamera(join(folder, "absent"))), { code: "E_CAMERA" });
  t.throws(() => new FolderCamera(images, { name: "front/left" }), { code: "E_CONFIG" });
});

test("a video file delivers each of its frames once, in order", async (t) => {
  if (!needs(t, hasFfmpeg, "ffmpeg", installFfmpeg)) return;
  const file = makeVideo("drive.mkv", 40);
  const frames = await all(videoCamera(file, { fps: 0 }));
  t.deepEqual(frames.map((frame) => frame.sequence), Array.from({ length: 40 }, (_, i) => i));
  t.true(frames.every((frame) => frame.width === 160 && frame.height === 96 && frame.rgb.length === 160 * 96 * 3));
  t.deepEqual(frames.map((frame) => Math.round(border(frame) / 8)), Array.from({ length: 40 }, (_, i) => i % 20));
  t.true(isMonotone(frames));
  t.is((await all(videoCamera(file, { fps: 0, loop: 2 }))).length, 80);
});

test("a video is left early by its reader or by a signal", async (t) => {
  if (!needs(t, hasFfmpeg, "ffmpeg", installFfmpeg)) return;
  const file = makeVideo("long.mkv", 200);
  const abort = new AbortController();
  let seen = 0;
  for await (const frame of videoCamera(file).frames(abort.signal)) if (++seen === 5 && frame.sequence === 4) abort.abort();
  t.is(seen, 5);
  for await (const frame of videoCamera(file, { fps: 0 }).frames(new AbortController().signal)) if (frame.sequence === 3) break;
  t.pass();
});

test("what is no video, or only half of one, is an error that says so", async (t) => {
  if (!needs(t, hasFfmpeg, "ffmpeg", installFfmpeg)) return;
  const text = join(folder, "text.mp4");
  writeFileSync(text, "this is no video");
  const error = await t.throwsAsync<NightshiftError>(all(videoCamera(text, { fps: 0 })));
  t.is(error.code, "E_CAMERA");
  t.regex(error.message, /text\.mp4/);
  t.throws(() => videoCamera(join(folder, "absent.mp4")), { code: "E_CAMERA" });
  const damaged = join(folder, "damaged.mkv");
  const bytes = readFileSync(makeVideo("whole.mkv", 40));
  bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 3000);
  writeFileSync(damaged, bytes);
  const complaints: NightshiftError[] = [];
  const frames = await all(videoCamera(damaged, { fps: 0, onError: (complaint) => complaints.push(complaint) }));
  t.true(frames.length > 0);
  t.deepEqual(complaints.map((complaint) => complaint.code), ["E_CAMERA"]);
});

test("ffmpeg that is not installed is named with the command that installs it", async (t) => {
  const source = { name: "a", live: true, what: "a", input: [], fps: 0 };
  const error = await t.throwsAsync<NightshiftError>(all(new FfmpegCamera(source, { ffmpeg: join(folder, "no-ffmpeg") })));
  t.is(error.code, "E_MISSING_TOOL");
  t.regex(error.remedy, /apt-get install ffmpeg/);
});

test("a live camera that vanishes is an error after the frames it delivered", async (t) => {
  if (!needs(t, hasFfmpeg, "ffmpeg", installFfmpeg)) return;
  const input = ["-re", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=50:duration=0.3"];
  let seen = 0;
  const run = async () => {
    const camera = new FfmpegCamera({ name: "front", live: true, what: "a test picture", input, fps: 0 });
    for await (const frame of camera.frames(new AbortController().signal)) seen = frame.sequence + 1;
  };
  await t.throwsAsync(run(), { code: "E_CAMERA" });
  t.is(seen, 15);
});

test("a live camera that falls silent is an error too", async (t) => {
  if (!needs(t, hasFfmpeg, "ffmpeg", installFfmpeg)) return;
  const input = ["-re", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=0.01"];
  const camera = new FfmpegCamera({ name: "front", live: true, what: "a slow picture", input, fps: 0 }, { stallMs: 700 });
  const error = await t.throwsAsync<NightshiftError>(all(camera));
  t.is(error.code, "E_CAMERA");
  t.regex(error.received, /700 ms/);
});

for (const live of [true, false])
  test(`a ${live ? "camera" : "video"} whose program is stuck is left at once, and the program does not stay`, async (t) => {
    const program = join(folder, `stuck-${live}`);
    writeFileSync(program, `#!/bin/sh\n[ "$1" = -version ] && exit 0\ntrap "" TERM\necho $$ > ${program}.pid\nprintf 'P6\\n1 1\\n255\\nrgb'\nexec sleep 60\n`, { mode: 0o755 });
    const abort = new AbortController();
    let [seen, abortedMs] = [0, 0];
    const leave = (): void => {
      abortedMs = performance.now();
      abort.abort();
    };
    for await (const _ of new FfmpegCamera({ name: "front", live, what: "a stuck one", input: [], fps: 0 }, { ffmpeg: program }).frames(abort.signal)) {
      seen++;
      setTimeout(leave, 50);
    }
    t.is(seen, 1);
    t.true(performance.now() - abortedMs < 4500, `${performance.now() - abortedMs} ms`);
    t.throws(() => process.kill(Number(readFileSync(`${program}.pid`, "utf8")), 0), { code: "ESRCH" });
  });

test("a device is asked for a rate only where there is one to ask for", async (t) => {
  const [program, told] = [join(folder, "pretended-ffmpeg"), join(folder, "told")];
  writeFileSync(program, `#!/bin/sh\necho "$@" > ${told}\n`, { mode: 0o755 });
  for (const [fps, asked] of [[15, /-framerate 15 .*-i \/dev\/null/], [0, /nobuffer -i \/dev\/null/], [undefined, /nobuffer -i \/dev\/null/]] as const) {
    await t.throwsAsync(all(v4l2Camera("/dev/null", { ffmpeg: program, ...(fps !== undefined && { fps }) })), { code: "E_CAMERA" });
    t.regex(readFileSync(told, "utf8"), asked);
  }
});

test("devices and addresses that are not there", async (t) => {
  t.throws(() => v4l2Camera("/dev/video-none"), { code: "E_CAMERA" });
  t.throws(() => rtspCamera("http://camera/"), { code: "E_CONFIG" });
  if (!needs(t, hasFfmpeg, "ffmpeg", installFfmpeg)) return;
  const addresses = ["//user:secret@127.0.0.1:9/stream", "//user:se@cret@127.0.0.1:9/stream", "//127.0.0.1:9/stream?password=secret", "//127.0.0.1:9/user=a&password=secret&channel=1"];
  for (const address of addresses) {
    const error = await t.throwsAsync<NightshiftError>(all(rtspCamera(`rtsp:${address}`)));
    t.is(error.code, "E_CAMERA");
    t.regex(error.message, /127\.0\.0\.1:9\/.*refused/s);
    t.notRegex(error.message, /cret/, address);
  }
  const misspelt = t.throws<NightshiftError>(() => rtspCamera("rtsp://user:sec/ret@camera/"));
  t.is(misspelt.code, "E_CONFIG");
  t.notRegex(misspelt.message, /sec|ret@/);
});

test("what a program says at length is told without the password that its address begins with", async (t) => {
  const program = join(folder, "talks");
  const address = `rtsp://user:secret@camera/${"x".repeat(1963)}`; // so long that what is kept of it begins in the password
  writeFileSync(program, `#!/bin/sh\n[ "$1" = -version ] && exit 0\necho "${address}: refused" >&2\necho "and more of it" >&2\nexit 1\n`, { mode: 0o755 });
  const error = await t.throwsAsync<NightshiftError>(all(rtspCamera(address, { ffmpeg: program })));
  t.regex(error.received, /and more of it/);
  t.notRegex(error.received, /cret|xx/);
});
