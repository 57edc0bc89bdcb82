import test from "ava";
import { OnnxSession } from "../../sdk/engine/onnxruntime.js";
import { availableProviders } from "../../sdk/engine/providers.js";
import { runModel } from "../../sdk/engine/run.js";
import { ThreadEngine } from "../../sdk/engine/thread-engine.js";
import { cast, Graph, matMul, writeOnnx } from "../../sdk/graph/index.js";
import { float32, type Tensor } from "../../sdk/graph/tensor.js";

function product(): Uint8Array {
  const graph = new Graph("product");
  const x = graph.input("x", "uint8", [2, 3]);
  graph.output("y", matMul(cast(x, "float32"), graph.constant(float32([3, 1], [1, 10, 100]))));
  return writeOnnx(graph);
}

const x: Tensor = { dtype: "uint8", shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) };

test.serial("a model runs once", async (t) => {
  t.deepEqual((await runModel(product(), { x })).y, float32([2, 1], [321, 654]));
});

test.serial("outputs are written where they are wanted", async (t) => {
  const session = await OnnxSession.create(product());
  const y = float32([2, 1], [0, 0]);
  t.is((await session.run({ x }, { y })).y, y);
  t.deepEqual([...y.data], [321, 654]);
  t.deepEqual([session.inputs, session.outputs], [["x"], ["y"]]);
  await session.close();
  await t.throwsAsync(() => session.run({ x }), { message: /^E_CLOSED/ });
});

test.serial("inputs that do not fit are refused", async (t) => {
  await t.throwsAsync(() => runModel(product(), {}), { message: /^E_ENGINE/ });
  await t.throwsAsync(() => runModel(product(), { x: { ...x, shape: [3, 2] } }), { message: /^E_ENGINE/ });
  await t.throwsAsync(() => runModel(product(), { x: float32([2, 3], [1, 2, 3, 4, 5, 6]) }), { message: /^E_ENGINE/ });
  await t.throwsAsync(() => runModel(product(), { x, z: x }), { message: /^E_ENGINE.*"z"/ });
  await t.throwsAsync(() => runModel(product().subarray(0, 40), { x }), { message: /^E_ENGINE/ });
});

test.serial("a provider that is not there is refused instead of replaced by the CPU", async (t) => {
  t.true(availableProviders().includes("cpu"));
  const missing = ["tensorrt", "cuda"].filter((provider) => !availableProviders().includes(provider));
  for (const provider of ["abacus", ...missing]) {
    await t.throwsAsync(() => runModel(product(), { x }, { provider }), { message: /^E_PROVIDER/ });
    t.throws(() => new ThreadEngine({ provider }), { message: /^E_PROVIDER/ });
  }
});
