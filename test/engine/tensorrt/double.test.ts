import { spawnSync } from "node:child_process";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { nativeStatus } from "../../../sdk/engine/native.js";
import { packageRoot } from "../../../sdk/paths.js";
import { temporaryFolder } from "../../bundle/contents.js";
import { absent } from "../../support/absent.js";
import { json } from "../../support/command.js";

test("on a machine with a GPU, both of which are pretended, engines are built, cancelled, opened, run, refitted and given back", async (t) => {
  if ("missing" in nativeStatus("/nowhere").module) return absent(t, "the native module is not built; npm run build:native does");
  const folder = await temporaryFolder(t);
  const double = join(folder, "libcuda.so.1");
  const compiled = spawnSync("cc", ["-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-I", join(packageRoot(), "native", "shim"), "-o", double, join(packageRoot(), "test", "engine", "tensorrt", "double.c")], { encoding: "utf8" });
  if (compiled.error) return absent(t, "there is no C compiler");
  t.is(compiled.stderr, "");
  for (const library of ["libnvinfer.so.11", "libnvonnxparser.so.11", "libnightshift_tensorrt_11.so"]) await copyFile(double, join(folder, library));

  const script = fileURLToPath(new URL("./on-double.js", import.meta.url));
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, folder, join(folder, "engines")], { env: { ...process.env, LD_LIBRARY_PATH: folder }, encoding: "utf8" });
  t.is(status, 0, stderr);
  // The driver starts once; the second engine has what the first build measured; nothing is left.
  t.deepEqual(stderr.trim().split("\n"), ["driver starts", "built for core 1 with 0 bytes of timings", "opened on core 1", "built for core -1 with 7 bytes of timings", "opened on core -1", "opened on core -1"]);
  const told = json(stdout);
  t.like(told, { version: "11.4.0", layers: "{}", answers: [1, 2, 3].map((by) => Array<number>(6).fill(by)) });
  t.deepEqual(told["device"], { name: "Orin", computeCapability: "8.7", multiprocessors: 8, memoryBytes: 8e9, cuda: "12.6" });
  t.regex(String(told["shares"]), /^0,0\.125,0\.25,/);
  t.regex(String(told["cancelled"]), /^E_CANCELLED/);
  t.regex(String(told["closed"]), /^E_CLOSED/);
  t.regex(String(told["unset"]), /^E_TENSORRT: .*none for stem\.weight, stem\.bias/);
  t.regex(String(told["damaged"]), /^E_TENSORRT: expected an engine of this machine and version of TensorRT; received no plan/);
});
