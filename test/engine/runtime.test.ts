import test from "ava";
import { OnnxSession } from "../../sdk/engine/onnxruntime.js";
import { availableProviders } from "../../sdk/engine/providers.js";
import { runModel } from "../../sdk/engine/run.js";
import { ThreadEngine } from "../../sdk/engine/thread-engine.js";
import { float32 } from "../../sdk/graph/tensor.js";
import { factors as x, product } from "./models.js";

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
