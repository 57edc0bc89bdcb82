import { execFileSync } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { fromNative, loadNative, loadTensorRt, nativeStatus, type Presence } from "../../sdk/engine/native.js";
import { toRgb } from "../../sdk/engine/to-rgb.js";
import { NightshiftError } from "../../sdk/errors.js";
import { absent } from "../support/absent.js";

const status = nativeStatus("/nowhere");
const isBuilt = "present" in status.module;
const notBuilt = "the native module is not built; npm run build:native does";
const codeOf = <T>(presence: Presence<T>): string => ("missing" in presence ? presence.missing.code : "present");

test("the native module is there, or asking for it says how to get it", (t) => {
  if (isBuilt) return void t.is(typeof loadNative().native.cudaDevices, "function");
  const error = t.throws(() => loadNative(), { instanceOf: NightshiftError, message: /^E_NATIVE/ });
  t.regex(error?.remedy ?? "", /npm run build:native/);
  // Packages of the module are not published: whoever took such a name could put anything there.
  t.notRegex(error?.remedy ?? "", /npm install/);
  t.is(codeOf(status.module), "E_NATIVE");
  t.is(codeOf(status.tensorRt), "E_NATIVE");
  t.is(codeOf(status.devices), "E_NATIVE");
});

test("an error of the native module keeps its parts; others stay what they are", (t) => {
  const cause = new Error(["E_GPU", "a device", "none", "Plug one in."].join("\u001f"));
  t.like(fromNative(cause), { code: "E_GPU", expected: "a device", received: "none", remedy: "Plug one in.", cause });
  for (const other of [new Error("E_GPU"), new Error("E_FUN\u001fa\u001fb\u001fc"), "text"]) t.is(fromNative(other), other);
});

test("a GPU that is not there is an error with a code", (t) => {
  if (!isBuilt) return absent(t, notBuilt);
  if ("present" in status.devices) return void t.true(status.devices.present.length > 0);
  t.is(codeOf(status.devices), "E_GPU");
  t.regex(status.devices.missing.remedy, /nvidia-smi/);
});

test("libraries of TensorRT that are missing, of an unknown version, truncated or something else are told apart", async (t) => {
  if (!isBuilt) return absent(t, notBuilt);
  const folder = await mkdtemp(join(tmpdir(), "nightshift-tensorrt-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const { folder: shims } = loadNative();
  const inFolder = async (name: string, file: string | Uint8Array): Promise<string> => {
    const place = join(folder, name);
    await mkdir(place);
    for (const library of ["libnvinfer.so.11"]) await (typeof file === "string" ? copyFile(file, join(place, library)) : writeFile(join(place, library), file));
    return place;
  };
  t.throws(() => loadTensorRt(folder), { message: /^E_TENSORRT_MISSING: expected libnvinfer\.so\.11 in .*no such file/ });
  await writeFile(join(folder, "libnvinfer.so.9"), "");
  t.throws(() => loadTensorRt(folder), { message: /^E_TENSORRT_VERSION: .*11\.x or 10\.x.*libnvinfer\.so\.9/ });
  const truncated = await inFolder("truncated", new Uint8Array(100));
  t.throws(() => loadTensorRt(truncated), { message: /^E_TENSORRT_MISSING: .*truncated/ });
  const other = await inFolder("other", join(shims, `nightshift.${process.platform}-${process.arch}-gnu.node`));
  t.throws(() => loadTensorRt(other), { message: /^E_TENSORRT_MISSING: .*getInferLibVersion.*another library/ });
});

test("of TensorRT that the system finds, the newest is taken or the reason told why not: nothing older takes its place", async (t) => {
  if (!isBuilt) return absent(t, notBuilt);
  const folder = await mkdtemp(join(tmpdir(), "nightshift-tensorrt-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const engine = new URL("../../sdk/engine/native.js", import.meta.url).href;
  const script = `import { loadTensorRt } from "${engine}"; try { loadTensorRt(""); } catch ({ message }) { console.log(message); }`;
  const told = (): string => execFileSync(process.execPath, ["--input-type=module", "--eval", script], { env: { ...process.env, LD_LIBRARY_PATH: folder }, encoding: "utf8" });
  const isNowhere = /^E_TENSORRT_MISSING: expected libnvinfer\.so\.11 in the system's library folders; received no such file/.test(told());
  t.true(isNowhere || "present" in nativeStatus("").tensorRt);
  await writeFile(join(folder, "libnvinfer.so.11"), new Uint8Array(100));
  // Loads, and is no TensorRT.
  await copyFile(join(loadNative().folder, `nightshift.${process.platform}-${process.arch}-gnu.node`), join(folder, "libnvinfer.so.10"));
  t.regex(told(), /^E_TENSORRT_MISSING: expected a library of TensorRT, libnvinfer\.so\.11; received .*libnvinfer\.so\.11: (?!cannot open)/);
  await rm(join(folder, "libnvinfer.so.11"));
  // Where the system has one of its own, that is found.
  if (isNowhere) t.regex(told(), /^E_TENSORRT_MISSING: expected a library of TensorRT, libnvinfer\.so\.10; received .*getInferLibVersion/);
});

test("camera formats become RGB; sizes that do not fit are refused", (t) => {
  if (!isBuilt) return absent(t, notBuilt);
  // White, black, red and blue in studio range.
  t.deepEqual([...toRgb("yuyv", Uint8Array.of(235, 128, 16, 128), 2, 1)], [255, 255, 255, 0, 0, 0]);
  t.deepEqual([...toRgb("nv12", Uint8Array.of(81, 81, 81, 81, 90, 240), 2, 2)].slice(0, 3), [254, 0, 0]);
  const into = new Uint8Array(6);
  t.is(toRgb("bgr", Uint8Array.of(1, 2, 3, 4, 5, 6), 2, 1, into), into);
  t.deepEqual([...into], [3, 2, 1, 6, 5, 4]);
  t.throws(() => toRgb("nv12", new Uint8Array(6), 3, 2), { message: /^E_FRAME_SIZE/ });
  t.throws(() => toRgb("yuyv", new Uint8Array(7), 2, 2), { message: /^E_FRAME_SIZE/ });
  t.throws(() => toRgb("bgr", new Uint8Array(12), 2, 2, new Uint8Array(11)), { message: /^E_FRAME_SIZE/ });
  for (const [width, height] of [[-1, 2], [1.5, 2], [2 ** 32 + 2, 2], [1e6, 1e6], [NaN, 2]] as const) t.throws(() => toRgb("bgr", new Uint8Array(12), width, height), { message: /^E_FRAME_SIZE/ }, `${width}`);
  t.throws(() => toRgb("rgba" as "bgr", new Uint8Array(16), 2, 2), { message: /^E_FRAME_FORMAT: expected nv12, yuyv or bgr; received "rgba"/ });
  const same = new Uint8Array(12);
  t.throws(() => toRgb("bgr", same, 2, 2, same), { message: /^E_FRAME_SIZE: expected memory of its own/ });
});

test("what the native module is given and gives is not kept", async (t) => {
  if (!isBuilt) return absent(t, notBuilt);
  const { native } = loadNative();
  const grown = async (rounds: number): Promise<number> => {
    const before = process.memoryUsage().rss;
    for (let round = 0; round < rounds; round++) {
      toRgb("nv12", new Uint8Array(640 * 480 * 1.5), 640, 480);
      t.throws(() => toRgb("nv12", new Uint8Array(5), 640, 480));
      new native.Cancellation().cancel();
      // Native memory goes when the collector has looked; it needs a turn of the loop.
      if (round % 50 === 49) await new Promise((done) => setTimeout(done, 1));
    }
    return process.memoryUsage().rss - before;
  };
  await grown(300);
  // 1,500 frames and answers are 2 GB.
  t.true((await grown(1500)) < 200e6);
});
