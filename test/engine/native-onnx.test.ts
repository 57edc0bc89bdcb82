import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test, { type ExecutionContext } from "ava";
import { Learner } from "../../sdk/engine/learner.js";
import { NativeOnnxEngine } from "../../sdk/engine/native-onnx/engine.js";
import { loadOnnxRuntime } from "../../sdk/engine/native-onnx/library.js";
import { NativeOnnxRuntime } from "../../sdk/engine/native-onnx/runtime.js";
import { availableProviders } from "../../sdk/engine/providers.js";
import { runModel } from "../../sdk/engine/run.js";
import { cast, Graph, mul, writeOnnx } from "../../sdk/graph/index.js";
import { float32 } from "../../sdk/graph/tensor.js";
import { initialWeights } from "../../sdk/network/initial.js";
import { supervisedStep } from "../../sdk/network/steps/supervised.js";
import { Random } from "../../sdk/random.js";
import { absent } from "../support/absent.js";
import { tinyBatch, tinyNetwork } from "../support/tiny.js";
import { noNative } from "./engines.js";
import { factors as x, product } from "./models.js";

/** A test of what the native module does; skipped by name where it is not built. */
const check = (title: string, run: (t: ExecutionContext) => Promise<void> | void): void =>
  test.serial(title, async (t) => (noNative === undefined ? run(t) : absent(t, noNative)));

test("asked for where the module is not built, it says how to get it", async (t) => {
  if (noNative === undefined) return void t.pass("it is built");
  t.throws(() => new NativeOnnxEngine(), { message: /^E_NATIVE.*npm run build:native/ });
  const step = supervisedStep(tinyNetwork, initialWeights(tinyNetwork, 3), { batch: 1, names: 16, boxes: 4 });
  await t.throwsAsync(Learner.create(step, { engine: "native" }), { message: /^E_NATIVE/ });
});

check("a model runs as it does from JavaScript, on the same library", async (t) => {
  const runtime = NativeOnnxRuntime.open({ threads: 1 });
  const session = await runtime.open(product());
  t.deepEqual(await session.run({ x }), await runModel(product(), { x }));
  t.regex(runtime.version, /^1\.\d+\.\d+$/);
  const several = await Promise.all([1, 2, 3].map((by) => session.run({ x: { ...x, data: Uint8Array.of(by, 0, 0, 0, by, 0) } })));
  t.deepEqual(several.map(({ y }) => [...(y?.data ?? [])]), [1, 2, 3].map((by) => [by, 10 * by]));
  await session.close();
  await t.throwsAsync(session.run({ x }), { message: /^E_CLOSED/ });
});

check("inputs and models that do not fit are refused", async (t) => {
  const runtime = NativeOnnxRuntime.open({ threads: 1 });
  const session = await runtime.open(product());
  await t.throwsAsync(session.run({}), { message: /^E_ENGINE: expected inputs x; received no x/ });
  await t.throwsAsync(session.run({ x, z: x }), { message: /^E_ENGINE.*"z"/ });
  await t.throwsAsync(session.run({ x: { ...x, shape: [3, 2] } }), { message: /^E_ENGINE.*invalid dimensions/s });
  await t.throwsAsync(session.run({ x: { ...x, shape: [4, 2] } }), { message: /^E_ENGINE.*6 bytes/ });
  await t.throwsAsync(session.run({ x: float32([2, 3], [1, 2, 3, 4, 5, 6]) }), { message: /^E_ENGINE.*data type/ });
  t.deepEqual([...((await session.run({ x })).y?.data ?? [])], [321, 654], "it runs on");
  await session.close();
  await t.throwsAsync(runtime.open(product().subarray(0, 40)), { message: /^E_ENGINE/ });
});

check("a provider that is not there is refused instead of replaced by the CPU", async (t) => {
  const step = supervisedStep(tinyNetwork, initialWeights(tinyNetwork, 3), { batch: 1, names: 16, boxes: 4 });
  for (const provider of ["abacus", ...["tensorrt", "cuda"].filter((each) => !availableProviders().includes(each))]) {
    t.throws(() => NativeOnnxRuntime.open({ provider }), { message: /^E_PROVIDER/ });
    t.throws(() => new NativeOnnxEngine({ provider }), { message: /^E_PROVIDER/ });
    await t.throwsAsync(Learner.create(step, { engine: "native", provider }), { message: /^E_PROVIDER/ });
  }
});

check("a library that is missing, truncated, something else or a second one is refused", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "nightshift-onnxruntime-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const { path } = loadOnnxRuntime();
  t.is(loadOnnxRuntime(path).path, path, "the same again");
  const second = join(folder, "libonnxruntime.so.1");
  await copyFile(path, second);
  t.throws(() => loadOnnxRuntime(second), { message: /^E_ONNXRUNTIME: expected one ONNX Runtime in a process/ });
  t.throws(() => loadOnnxRuntime(join(folder, "none.so")), { message: /^E_ONNXRUNTIME.*No such file/ });
  // What is loaded already is asked first, so these are told in a process of their own.
  await writeFile(join(folder, "truncated.so"), new Uint8Array(100));
  const told = async (library: string): Promise<string> => {
    const program = `import("${new URL("../../sdk/engine/native-onnx/library.js", import.meta.url).href}").then(({ loadOnnxRuntime }) => loadOnnxRuntime()).catch((error) => console.log(error.message));`;
    const child = spawn(process.execPath, ["-e", program], { env: { ...process.env, NIGHTSHIFT_ONNXRUNTIME: library }, stdio: ["ignore", "pipe", "inherit"] });
    const text: Buffer[] = [];
    child.stdout.on("data", (data: Buffer) => text.push(data));
    await once(child, "close");
    return Buffer.concat(text).toString();
  };
  t.regex(await told(join(folder, "truncated.so")), /^E_ONNXRUNTIME.*no 64-bit ELF library/);
  t.regex(await told(process.execPath), /^E_ONNXRUNTIME/);
  t.is(await told(second), "", "the library that was named, and not the package's");
});

check("what is run is not kept", async (t) => {
  const runtime = NativeOnnxRuntime.open({ threads: 1 });
  const graph = new Graph("wide");
  graph.output("y", cast(graph.input("x", "uint8", [1000, 1000]), "float32"));
  const model = writeOnnx(graph);
  const grown = async (rounds: number): Promise<number> => {
    const before = process.memoryUsage().rss;
    const session = await runtime.open(model);
    for (let round = 0; round < rounds; round++) await session.run({ x: { dtype: "uint8", shape: [1000, 1000], data: new Uint8Array(1e6) } });
    await session.close();
    return process.memoryUsage().rss - before;
  };
  await grown(100);
  // 400 answers are 1.6 GB.
  t.true((await grown(400)) < 300e6);
});

check("a program may end in the middle of runs: its exit code stands", async (t) => {
  const program = spawn(process.execPath, [fileURLToPath(new URL("./ends-during-runs.js", import.meta.url)), "native"], { stdio: "inherit" });
  const [code] = (await once(program, "exit")) as [number | null];
  t.is(code, 7);
});

const weights = initialWeights(tinyNetwork, 3);
/** A graph is for one learner. */
const graphOf = () => supervisedStep(tinyNetwork, weights, { batch: 2, names: 16, boxes: 4 });

check("steps are those from JavaScript to the bit: losses, weights, moments and teacher, also where a share is put back", async (t) => {
  const [script, native] = await Promise.all((["onnxruntime", "native"] as const).map((engine) => Learner.create(graphOf(), { threads: 1, engine, keepsStart: true })));
  for (let step = 0; step < 4; step++) {
    const batch = tinyBatch(2, 16, 4, step);
    const rates = { rateEncoder: 1e-3, rateDecoder: 1e-3, alpha: 0.9 };
    t.deepEqual(await native.step(batch, rates), await script.step(batch, rates));
    for (const learner of [script, native]) learner.restore(0.1, new Random(step));
  }
  t.deepEqual(native.state(), script.state());
  t.deepEqual(native.weights("teacher"), script.weights("teacher"));
  t.notDeepEqual(native.weights("student").get("encoder.stem.weight"), weights.get("encoder.stem.weight"));
  const resumed = await Learner.create(graphOf(), { threads: 1, engine: "native", state: script.state(), steps: script.steps });
  const batch = tinyBatch(2, 16, 4, 9);
  t.deepEqual(await resumed.step(batch), await script.step(batch));
  for (const learner of [script, native, resumed]) await learner.close();
});

check("a step whose loss is not finite leaves the state as it was, and the next one goes on from there", async (t) => {
  const [script, native] = await Promise.all((["onnxruntime", "native"] as const).map((engine) => Learner.create(graphOf(), { threads: 1, engine })));
  const batch = tinyBatch(2, 16, 4, 1);
  for (const learner of [script, native]) {
    await learner.step(batch);
    const before = [...learner.state()].map(([name, { data }]) => [name, data.slice()] as const);
    await t.throwsAsync(learner.step({ ...batch, text: float32([2, 18, 384], new Float32Array(2 * 18 * 384).fill(NaN)) }), { code: "E_WEIGHTS_NOT_FINITE" });
    t.deepEqual([...learner.state()].map(([name, { data }]) => [name, data] as const), before);
  }
  t.deepEqual(await native.step(batch), await script.step(batch));
  for (const learner of [script, native]) await learner.close();
  await t.throwsAsync(native.step(batch), { message: /^E_CLOSED/ });
});

check("steps are refused data that lacks an input, and state that the model does not hand on", async (t) => {
  const runtime = NativeOnnxRuntime.open({ threads: 1 });
  const graph = new Graph("sum");
  const sum = graph.input("sum", "float32", [2, 1]);
  const was = cast(sum, "float64");
  // Written where the sum was, which has been read by then.
  graph.output("next/sum", mul(graph.constant(float32([2, 1], [2, 3])), cast(was, "float32")));
  graph.output("was", was);
  graph.input("unused", "float32", [1]);
  const state = { sum: float32([2, 1], [1, 1]) };
  const steps = await runtime.openSteps(writeOnnx(graph), state, "next/");
  await t.throwsAsync(steps.step({}), { message: /^E_ENGINE.*no unused/ });
  t.deepEqual([...steps.read("sum")], [1, 1]);
  const unused = float32([1], [0]);
  t.deepEqual([...((await steps.step({ unused })).was?.data ?? [])], [1, 1]);
  t.deepEqual([...steps.read("sum")], [2, 3]);
  steps.change("sum", (numbers) => numbers.fill(5));
  t.deepEqual([...((await steps.step({ unused })).was?.data ?? [])], [5, 5]);
  t.throws(() => steps.read("total"), { message: /^E_ENGINE.*"total"/ });
  await steps.close();
  t.throws(() => steps.read("sum"), { message: /^E_CLOSED/ });
  await t.throwsAsync(runtime.openSteps(product(), { x: float32([2, 3], [1, 2, 3, 4, 5, 6]) }, "next/"), { message: /^E_ENGINE: expected an input x and an output next\/x/ });
});
