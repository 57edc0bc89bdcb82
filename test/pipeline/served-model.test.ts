import test from "ava";
import { readBundle } from "../../sdk/bundle/index.js";
import { SwappableEngine } from "../../sdk/engine/hot-swap.js";
import { ThreadEngine } from "../../sdk/engine/thread-engine.js";
import { ServedModel } from "../../sdk/pipeline/served-model.js";
import { bundleOf, frameOf, manyNames } from "../engine/models.js";

test("words that changed since a swap stay in force when it is taken back, from the first frame on", async (t) => {
  const engine = new SwappableEngine(() => new ThreadEngine({ threads: 1 }));
  t.teardown(() => engine.close());
  const served = await ServedModel.load(engine, await readBundle(await bundleOf(t, 0)));
  await served.swap(await bundleOf(t, 1));
  await served.setVocabulary(manyNames);
  let isBack = false;
  const rolledBack = served.rollBack().finally(() => (isBack = true));
  while (!isBack) t.deepEqual((await engine.infer(frameOf(0))).vocabulary, manyNames);
  t.is(await rolledBack, 0);
  const { generation, vocabulary } = await engine.infer(frameOf(0));
  t.deepEqual([generation, vocabulary, served.names], [0, manyNames, manyNames]);
});
