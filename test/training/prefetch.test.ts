import test from "ava";
import { NightshiftError } from "../../sdk/errors.js";
import { BatchLoader, PrefetchingLoader } from "../../sdk/training/batch/index.js";
import { syntheticDataset } from "../support/synthetic-dataset.js";

const openModule = new URL("../support/synthetic-dataset.js", import.meta.url);
const size = { width: 64, height: 32 };

test("a loader in its own thread gives the same batches, from the step it resumes at", async (t) => {
  const loader = new PrefetchingLoader({ openModule, sources: [{ spec: { length: 5 }, share: 1, boxes: true }], batch: size, firstStep: 3 });
  const here = new BatchLoader([{ dataset: syntheticDataset(5), share: 1, boxes: true }], size);
  for (let step = 3; step < 10; step++) t.deepEqual(await loader.next(), await here.batch(step));
  await loader.close();
  t.is((await t.throwsAsync(loader.next(), { instanceOf: NightshiftError }))?.code, "E_CLOSED");
});

test("what goes wrong in the thread is told with its code, also to those who ask later", async (t) => {
  const loader = new PrefetchingLoader({ openModule, sources: [{ spec: { length: 0 }, share: 1, boxes: true }] });
  for (let ask = 0; ask < 2; ask++) t.is((await t.throwsAsync(loader.next(), { instanceOf: NightshiftError }))?.code, "E_DATASET");
  await loader.close();
});

test("closing answers those who wait", async (t) => {
  const loader = new PrefetchingLoader({ openModule, sources: [{ spec: { length: 5 }, share: 1, boxes: true }], batch: size, ahead: 1 });
  await loader.next();
  const [outcome] = await Promise.allSettled([loader.next(), loader.close()]);
  t.true(outcome.status === "fulfilled" || (outcome.reason instanceof NightshiftError && outcome.reason.code === "E_CLOSED"));
});
