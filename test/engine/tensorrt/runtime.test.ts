import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { type BuildWatch, type TensorRtOptions, TensorRtRuntime } from "../../../sdk/engine/tensorrt/runtime.js";
import { cast, Graph, matMul, writeOnnx } from "../../../sdk/graph/index.js";
import { float32 } from "../../../sdk/graph/tensor.js";
import { temporaryFolder } from "../../bundle/contents.js";
import { nativeDouble } from "./native-double.js";

function model(weight: number, type: "float32" | "float16" = "float32"): Uint8Array {
  const graph = new Graph("product");
  const x = graph.input("x", "uint8", [2, 3]);
  graph.output("y", matMul(cast(cast(x, type), "float32"), graph.constant(float32([3, 1], [weight, 10, 100]))));
  return writeOnnx(graph);
}

const tensors = [
  { name: "x", isInput: true, dtype: "uint8", shape: [2, 3], bytes: 6 },
  { name: "y", isInput: false, dtype: "float32", shape: [2, 1], bytes: 8 },
];
const x = { dtype: "uint8", shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) } as const;

async function setUp(t: ExecutionContext) {
  const double = nativeDouble(tensors);
  const cache = await temporaryFolder(t);
  const notices: string[] = [];
  const open = (options: TensorRtOptions = {}, watch: Partial<BuildWatch> = {}) =>
    TensorRtRuntime.open({ cache, ...options }, { onNotice: (line) => notices.push(line), ...watch }, double.module);
  return { ...double, open, notices };
}

test("an engine is built once, aloud, then found in silence, also by another process", async (t) => {
  const { open, notices, builds } = await setUp(t);
  const shares: number[] = [];
  const first = await open({ workspaceMiB: 64 }, { onProgress: ({ share }) => shares.push(share) }).engineFor(model(1), "default/0");
  t.false(first.reused);
  t.deepEqual(shares, [0.5]);
  t.is(notices.length, 1);
  t.regex(notices[0] ?? "", /default-0\.engine with TensorRT 11\.2\.1 for Orin: there is none yet/);
  const again = await open({ workspaceMiB: 64 }).engineFor(model(1), "default/0");
  t.true(again.reused);
  t.deepEqual([...again.plan], [...first.plan]);
  t.deepEqual([builds.length, notices.length], [1, 1]);
  t.is(builds[0]?.workspaceBytes, 64 * 2 ** 20);
  t.false((await open({ workspaceMiB: 64 }).engineFor(model(1), "default/0", true)).reused);
});

test("an engine of other weights, options, GPU or TensorRT is refused, and the notice says which", async (t) => {
  const { open, notices, machine } = await setUp(t);
  await open().engineFor(model(1), "e");
  const refusals: readonly (readonly [() => Promise<unknown>, RegExp])[] = [
    [() => open().engineFor(model(2), "e"), /built for weights/],
    [() => open({ refittable: true }).engineFor(model(2), "e"), /built for options of the build/],
    [() => ((machine.tensorRt = "11.4.0"), open({ refittable: true }).engineFor(model(2), "e")), /built for TensorRT 11\.2\.1 instead of 11\.4\.0/],
    [() => ((machine.multiprocessors = 4), open({ refittable: true }).engineFor(model(2), "e")), /built for multiprocessors 8 instead of 4/],
    [() => ((machine.gpu = "Thor"), open({ refittable: true }).engineFor(model(2), "e")), /built for GPU Orin instead of Thor/],
  ];
  for (const [at, [build, said]] of refusals.entries()) {
    await build();
    t.is(notices.length, at + 2);
    t.regex(notices.at(-1) ?? "", said);
  }
});

test("what a build measured is handed to the next on the same device", async (t) => {
  const { open, builds, machine } = await setUp(t);
  await open().engineFor(model(1), "a");
  await open().engineFor(model(2), "b");
  machine.gpu = "Thor";
  await open().engineFor(model(3), "c");
  t.deepEqual(builds.map(({ timingCache }) => [...(timingCache ?? [])]), [[], [1], []]);
});

test("a cancelled build says so and leaves nothing behind", async (t) => {
  const { open } = await setUp(t);
  const controller = new AbortController();
  const runtime = open({}, { signal: controller.signal, onProgress: () => controller.abort() });
  await t.throwsAsync(() => runtime.engineFor(model(1), "e"), { message: /^E_CANCELLED/ });
  t.false((await open().engineFor(model(1), "e")).reused);
});

test("a cache into which nothing can be written is told before the build", async (t) => {
  const { open, builds } = await setUp(t);
  const file = join(await temporaryFolder(t), "file");
  await writeFile(file, "no folder");
  await t.throwsAsync(() => open({ cache: join(file, "engines") }).engineFor(model(1), "e"), { message: /^E_DISK/ });
  t.is(builds.length, 0);
});

test("an engine for an accelerator is opened on the one that it was built for", async (t) => {
  const { open, builds, cores } = await setUp(t);
  for (const options of [{ dlaCore: 1 }, {}]) await (await open(options).open(model(1, "float16"), "e")).close();
  t.deepEqual(builds.map(({ dlaCore }) => dlaCore), [1, undefined]);
  t.deepEqual(cores, [1, undefined]);
});

test("a session takes and gives tensors, and refuses what does not fit", async (t) => {
  const { open } = await setUp(t);
  const session = await open().open(model(1), "e");
  t.deepEqual((await session.run({ x })).y, float32([2, 1], [321, 654]));
  await t.throwsAsync(() => session.run({ x: { ...x, shape: [3, 2] } }), { message: /^E_TENSORRT: expected inputs x uint8 \[2, 3\]; received x uint8 \[3, 2\]/ });
  await t.throwsAsync(() => session.run({ z: x }), { message: /^E_TENSORRT/ });
  await session.close();
});
