/**
 * `npm run build:tensorrt`: compiles the shim once for each major version of TensorRT whose headers are at hand: in TENSORRT_INCLUDE (folders separated by
 * colons), or installed on the system, as on a Jetson. With `--fetch`, where there are none of version 11, those that the crate trtx-sys carries are fetched
 * by cargo. CXX names another compiler.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const crate = { name: "trtx-sys", version: "0.9.1+rtx1.7", headers: "TensorRT-Headers/TRT-Enterprise-11.4" };
const systemFolders = ["/usr/include", "/usr/include/aarch64-linux-gnu", "/usr/include/x86_64-linux-gnu", "/usr/local/tensorrt/include", "/usr/local/include"];
const cudaFolders = ["/usr/local/cuda/include", "/usr/include"];

const folders = [...(process.env.TENSORRT_INCLUDE ?? "").split(":").filter((folder) => folder !== ""), ...systemFolders];
const found = new Map();
for (const folder of folders) {
  const major = majorOf(folder);
  if (major !== undefined && !found.has(major)) found.set(major, { folder, cuda: [folder, ...cudaFolders].find((path) => existsSync(join(path, "cuda_runtime_api.h"))) });
}
if (process.argv.includes("--fetch") && !found.has(11)) found.set(11, fetchHeaders());
if (found.size === 0) fail("No headers of TensorRT were found. Install them (on a Jetson: apt-get install libnvinfer-headers-dev), name their folder in TENSORRT_INCLUDE, or use --fetch.");
for (const [major, { folder, cuda }] of found) compile(major, folder, cuda);

function majorOf(folder) {
  const path = join(folder, "NvInferVersion.h");
  if (!existsSync(path) || !existsSync(join(folder, "NvOnnxParser.h"))) return undefined;
  const text = readFileSync(path, "utf8");
  const major = /^#define (?:NV_TENSORRT_MAJOR|TRT_MAJOR_ENTERPRISE) (\d+)/m.exec(text)?.[1];
  return major === undefined ? undefined : Number(major);
}

/** Cargo verifies what it unpacks; nothing of the crate is compiled. */
function fetchHeaders() {
  run("cargo", ["info", "--quiet", `${crate.name}@${crate.version}`], "cargo could not fetch the headers.", "ignore");
  const registry = join(process.env.CARGO_HOME ?? join(homedir(), ".cargo"), "registry", "src");
  const root = readdirSync(registry).map((index) => join(registry, index, `${crate.name}-${crate.version}`)).find((path) => existsSync(join(path, crate.headers)));
  if (!root) fail(`cargo fetched ${crate.name} ${crate.version}, but not into ${registry}.`);
  return { folder: join(root, crate.headers), cuda: dirname(join(root, crate.headers)) };
}

function compile(major, folder, cuda) {
  if (!cuda) fail("cuda_runtime_api.h was not found: install the CUDA headers (on a Jetson: apt-get install cuda-cudart-dev), or name their folder in TENSORRT_INCLUDE.");
  const output = join(here, "..", `libnightshift_tensorrt_${major}.so`);
  const flags = ["-std=c++17", "-O2", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror", "-Wno-deprecated-declarations"];
  run(process.env.CXX ?? "c++", [...flags, "-isystem", folder, "-isystem", cuda, "-o", output, join(here, "shim.cpp")], "The shim does not compile; see above.");
  console.error(`nightshift: the shim for TensorRT ${major} was built with the headers in ${folder}.`);
}

function run(command, args, failure, stdout = 2) {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", stdout, 2] });
  if (error) fail(`${command} could not be started (${error.message}).`);
  if (status !== 0) fail(failure);
}

function fail(message) {
  console.error(`nightshift: ${message}`);
  process.exit(1);
}
