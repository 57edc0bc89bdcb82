/**
 * Fetches NVIDIA's libraries of TensorRT from Maven Central (NVIDIA's licence, 1.1 GB in all), checks their hashes and unpacks what the tests need into
 * .cache/tensorrt, once; and builds what stands between Node and them. Needs mvn, unzip, cargo and a C++ compiler.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const cache = join(root, ".cache", "tensorrt");
const releases = [
  { major: 11, version: "11.2-1.5.14", sha256: "909dea6c768a0db60ab53d76d9f089c78cada1b55ad5d3d78b308b140f669f6d" },
  { major: 10, version: "10.15-1.5.13", sha256: "8543a6bda95c5d42141d409e1b74024b444e96334a3815d53997cc4ec3cfce83" },
];

for (const release of releases) await fetchRelease(release);
run(process.execPath, join(root, "native", "build.mjs"));
run(process.execPath, join(root, "native", "shim", "build.mjs"), "--fetch");

async function fetchRelease({ major, version, sha256 }) {
  const folder = join(cache, String(major));
  const done = join(folder, sha256);
  if (existsSync(done)) return;
  console.error(`Fetching org.bytedeco:tensorrt ${version} (over 500 MB).`);
  const maven = join(cache, "maven");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  run("mvn", "--quiet", "--batch-mode", "dependency:get", `-Dartifact=org.bytedeco:tensorrt:${version}:jar:linux-x86_64-redist`, "-Dtransitive=false", `-Dmaven.repo.local=${maven}`);
  const jar = join(maven, "org", "bytedeco", "tensorrt", version, `tensorrt-${version}-linux-x86_64-redist.jar`);
  const found = await hashOf(jar);
  if (found !== sha256) fail(`${jar} has the SHA-256 ${found}, not ${sha256}. Remove ${maven} and try again.`);
  run("unzip", "-q", "-j", "-o", jar, `*/libnvinfer.so.${major}`, `*/libnvonnxparser.so.${major}`, "-d", folder);
  rmSync(dirname(jar), { recursive: true });
  writeFileSync(done, "");
}

async function hashOf(path) {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

function run(command, ...args) {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", 2, 2] });
  if (error) fail(`${command} could not be started (${error.message}): install it.`);
  if (status !== 0) fail(`${command} failed; see above.`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
