import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { fromNative, loadNative, loadTensorRt, nativeStatus, type Presence } from "../../sdk/engine/native.js";
import { NightshiftError } from "../../sdk/errors.js";
import { needs } from "../support/shared.js";

const status = nativeStatus("/nowhere");
const isBuilt = "present" in status.module;
const how = "run npm run build:native";
const codeOf = <T>(presence: Presence<T>): string => ("missing" in presence ? presence.missing.code : "present");

test("the native module is there, or asking for it says how to get it", (t) => {
  if (isBuilt) return void t.is(typeof loadNative().native.cudaDevices, "function");
  const error = t.throws(() => loadNative(), { instanceOf: NightshiftError, message: /^E_NATIVE/ });
  t.regex(error?.remedy ?? "", /npm run build:native/);
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
  if (!needs(t, isBuilt, "the native module", how)) return;
  if ("present" in status.devices) return void t.true(status.devices.present.length > 0);
  t.is(codeOf(status.devices), "E_GPU");
  t.regex(status.devices.missing.remedy, /nvidia-smi/);
});

test("libraries of TensorRT that are missing, of an unknown version, truncated or something else are told apart", async (t) => {
  if (!needs(t, isBuilt, "the native module", how)) return;
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
