import { readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { realDisk } from "../../../sdk/bundle/disk.js";
import { defaultEngineFolder, EngineCache } from "../../../sdk/engine/tensorrt/cache.js";
import { differences, type EngineKey, modelKey } from "../../../sdk/engine/tensorrt/key.js";
import { cast, Graph, matMul, writeOnnx } from "../../../sdk/graph/index.js";
import { float32 } from "../../../sdk/graph/tensor.js";
import { temporaryFolder } from "../../bundle/contents.js";

function model(weights: readonly number[], type: "float32" | "float16" = "float32", name = "x"): Uint8Array {
  const graph = new Graph("product");
  const x = graph.input(name, "float32", [2, 3]);
  graph.output("y", matMul(cast(x, type), cast(graph.constant(float32([3, 1], weights), "w"), type)));
  return writeOnnx(graph);
}

const machine = { tensorRt: "11.2.1", gpu: "Orin", computeCapability: "8.7", multiprocessors: 8, options: "{}" };
const key: EngineKey = { ...modelKey(model([1, 2, 3])), ...machine };
const plan = Uint8Array.from({ length: 5000 }, (_, at) => at % 251);

test("a model's key tells its graph from its weights, and its precision", (t) => {
  const other = modelKey(model([1, 2, 4]));
  t.is(other.graph, key.graph);
  t.not(other.weights, key.weights);
  t.deepEqual([key.precision, key.calibration], ["float32", "none"]);
  const half = modelKey(model([1, 2, 3], "float16"));
  t.is(half.precision, "float16");
  t.not(half.graph, key.graph);
  t.not(modelKey(model([1, 2, 3], "float32", "frame")).graph, key.graph);
  t.deepEqual(modelKey(model([1, 2, 3])), modelKey(model([1, 2, 3])));
});

test("an engine is found for exactly what it was built for", async (t) => {
  const cache = new EngineCache(join(await temporaryFolder(t), "engines"));
  t.deepEqual(await cache.find("default-0", key), { refused: "there is none yet" });
  const record = await cache.keep("default-0", key, plan, 61.5);
  t.deepEqual(await cache.find("default-0", key), { plan: Buffer.from(plan), record });
  t.deepEqual(await cache.find("default-1", key), { refused: "there is none yet" });
});

test("a mismatch in any part of the key is refused, and named", async (t) => {
  const cache = new EngineCache(await temporaryFolder(t));
  await cache.keep("default-0", key, plan, 1);
  const hash = "a".repeat(64);
  const others: readonly (readonly [Partial<EngineKey>, RegExp])[] = [
    [{ graph: hash }, /^it was built for graph [0-9a-f]{12} instead of aaaaaaaaaaaa$/],
    [{ weights: hash }, /weights/],
    [{ precision: "int8" }, /precision float32 instead of int8/],
    [{ calibration: hash }, /calibration none instead of aaaaaaaaaaaa/],
    [{ tensorRt: "10.3.0" }, /TensorRT 11\.2\.1 instead of 10\.3\.0/],
    [{ gpu: "Thor" }, /GPU Orin instead of Thor/],
    [{ computeCapability: "11.0" }, /compute capability 8\.7 instead of 11\.0/],
    [{ multiprocessors: 16 }, /multiprocessors 8 instead of 16/],
    [{ options: '{"refittable":true}' }, /options of the build/],
    [{ gpu: "Thor", tensorRt: "10.3.0" }, /TensorRT 11\.2\.1 instead of 10\.3\.0, GPU Orin instead of Thor/],
  ];
  for (const [other, refused] of others) {
    const found = await cache.find("default-0", { ...key, ...other });
    t.regex("refused" in found ? found.refused : "", refused);
  }
  t.deepEqual(differences(key, key), []);
});

test("a damaged or half written engine is refused, and replaced", async (t) => {
  const cache = new EngineCache(await temporaryFolder(t));
  const refused = async (): Promise<string> => {
    const found = await cache.find("e", key);
    return "refused" in found ? found.refused : "found";
  };
  await cache.keep("e", key, plan, 1);
  const bytes = await readFile(cache.path("e"));
  await writeFile(cache.path("e"), bytes.subarray(0, 4000));
  t.is(await refused(), "its file is missing or damaged");
  bytes[77] = (bytes[77] ?? 0) ^ 1;
  await writeFile(cache.path("e"), bytes);
  t.is(await refused(), "its file is missing or damaged");
  await writeFile(join(cache.folder, "e.json"), '{"formatVersion":1}');
  t.is(await refused(), "what it was built for cannot be read");
  await cache.keep("e", key, plan, 1);
  t.is(await refused(), "found");
});

test("of many engines those stay that were used last", async (t) => {
  const folder = await temporaryFolder(t);
  const cache = new EngineCache(folder, realDisk, 2);
  for (const [at, name] of ["a", "b"].entries()) {
    await cache.keep(name, key, plan, 1);
    await cache.keepLayers(name, "{}");
    await utimes(join(folder, `${name}.json`), at, at);
  }
  t.true("plan" in (await cache.find("a", key)));
  await cache.keep("c", key, plan, 1);
  t.deepEqual((await readdir(folder)).sort(), ["a.engine", "a.engine.layers.json", "a.json", "c.engine", "c.json"]);
});

test("what builds measured is kept for each device and version", async (t) => {
  const cache = new EngineCache(await temporaryFolder(t));
  t.is((await cache.timings(key)).length, 0);
  await cache.keepTimings({ ...key, gpu: "NVIDIA Orin / nano" }, plan);
  t.deepEqual(await cache.timings({ ...key, gpu: "NVIDIA Orin / nano" }), Buffer.from(plan));
  t.is((await cache.timings(key)).length, 0);
});

test("what TensorRT made of the layers is written once, so that a cache that has all may be read-only", async (t) => {
  const folder = await temporaryFolder(t);
  const writable = new EngineCache(folder);
  await writable.keepLayers("e", "{}");
  const readOnly = (): Promise<never> => Promise.reject(Object.assign(new Error("EROFS: read-only file system"), { code: "EROFS" }));
  const cache = new EngineCache(folder, { ...realDisk, create: readOnly, remove: readOnly });
  await cache.keepLayers("e", "{}");
  await t.throwsAsync(cache.keepLayers("e", "[]"), { code: "E_DISK" });
  t.is(await readFile(join(folder, "e.engine.layers.json"), "utf8"), "{}");
});

test("a disk that takes no folder, no engine or nothing at all is told as such", async (t) => {
  const full = (): Promise<never> => Promise.reject(Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" }));
  for (const trouble of [{ makeFolder: full }, { create: full }, { remove: full }]) {
    const cache = new EngineCache(join(await temporaryFolder(t), "engines"), { ...realDisk, ...trouble });
    await t.throwsAsync(cache.keep("e", key, plan, 1), { code: "E_DISK" });
    await t.throwsAsync(cache.keepTimings(key, plan), { code: "E_DISK" });
  }
});

test.serial("engines are kept in the user's cache folder; one that is empty or relative counts for none", (t) => {
  const before = process.env["XDG_CACHE_HOME"];
  t.teardown(() => (before === undefined ? delete process.env["XDG_CACHE_HOME"] : (process.env["XDG_CACHE_HOME"] = before)));
  process.env["XDG_CACHE_HOME"] = "/caches";
  t.is(defaultEngineFolder(), "/caches/nightshift/engines");
  for (const none of ["", "caches"]) {
    process.env["XDG_CACHE_HOME"] = none;
    t.is(defaultEngineFolder(), join(homedir(), ".cache", "nightshift", "engines"), none);
  }
});
