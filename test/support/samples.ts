import { execFile, spawnSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { ExecutionContext } from "ava";
import { packageRoot } from "../../sdk/paths.js";
import { needs } from "./shared.js";

export const samples = join(packageRoot(), "samples");
// Kept between runs, as compiling takes seconds; make compares times.
const built = join(packageRoot(), ".cache/samples");

const succeeds = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;
const canMake = (): boolean => ["protoc", "make", "flock"].every((each) => succeeds(each, "--version"));

/** One at a time, as tests run beside each other. Throws with what make said where it fails. */
async function make(what: string): Promise<void> {
  await mkdir(dirname(built), { recursive: true });
  await promisify(execFile)("flock", [`${built}.lock`, "make", "-C", samples, what, `OUT=${built}`]);
}

/** The Python that runs the samples, and in which environment, with their code generated; undefined, and the test skipped, where something that they need is missing. */
export async function pythonSamples(t: ExecutionContext): Promise<{ readonly command: string; readonly env: NodeJS.ProcessEnv } | undefined> {
  const command = ["python3", "/usr/bin/python3"].find((each) => succeeds(each, "-c", "import zmq, zmq.auth, google.protobuf; assert zmq.has('curve')"));
  const isReady = command !== undefined && canMake();
  if (!needs(t, isReady, "Python with pyzmq and protobuf, protoc, make and flock", "apt-get install make util-linux protobuf-compiler python3-zmq python3-protobuf") || command === undefined) return undefined;
  await make("python");
  return { command, env: { ...process.env, PYTHONPATH: built, PYTHONDONTWRITEBYTECODE: "1" } };
}

/** The subscriber in C++, compiled; undefined, and the test skipped, where something that it needs is missing. */
export async function cppSubscriber(t: ExecutionContext): Promise<string | undefined> {
  const libraries = succeeds("pkg-config", "--exists", "protobuf", "libzmq", "zlib");
  const headers = spawnSync("g++", ["-fsyntax-only", "-x", "c++", "-"], { input: "#include <zmq.hpp>\n" }).status === 0;
  const install = "apt-get install make util-linux g++ pkg-config protobuf-compiler libprotobuf-dev libzmq3-dev cppzmq-dev zlib1g-dev";
  if (!needs(t, libraries && headers && canMake(), "a C++ compiler with protobuf, cppzmq and zlib, protoc, make and flock", install)) return undefined;
  t.timeout(180_000);
  await make("cpp");
  return join(built, "subscriber");
}
