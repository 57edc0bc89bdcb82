import test from "ava";
import { createEngine } from "../../sdk/pipeline/engine.js";
import { ThreadEngine } from "../../sdk/engine/thread-engine.js";
import { noNative } from "../engine/engines.js";

test("the engine that is asked for computes, on the provider that is asked for, or it is an error", async (t) => {
  const usual = createEngine({ threads: 1 });
  t.true(usual instanceof ThreadEngine);
  await usual.close();
  t.throws(() => createEngine({ provider: "abacus" }), { message: /^E_PROVIDER/ });
  t.throws(() => createEngine({ engine: "native", provider: "abacus" }), { message: noNative === undefined ? /^E_PROVIDER/ : /^E_NATIVE/ });
  t.throws(() => createEngine({ engine: "tensorrt", provider: "cuda" }), { message: /^E_CONFIG: expected no provider/ });
});
