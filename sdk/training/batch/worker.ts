/** The thread behind `PrefetchingLoader`: opens the datasets and keeps a few batches ahead of the trainer. */
import { parentPort, workerData } from "node:worker_threads";
import { failureOf } from "../../errors.js";
import { inTaughtWords, openerOf, withoutNames } from "../dataset.js";
import { BatchLoader } from "./loader.js";
import type { WorkerAnswer, WorkerRequest, WorkerSetup } from "./prefetch.js";

if (parentPort) await serve(parentPort, workerData as WorkerSetup);

async function serve(port: NonNullable<typeof parentPort>, setup: WorkerSetup): Promise<void> {
  let wanted = setup.ahead;
  let closed = false;
  let wake = (): void => undefined;
  port.on("message", (request: WorkerRequest) => {
    if (request === "take") wanted++;
    else closed = true;
    wake();
  });
  try {
    const openDataset = await openerOf(setup.openModule);
    const sources = await Promise.all(setup.sources.map(async ({ spec, finer, also, heldOut = [], ...source }) => ({ ...source, dataset: withoutNames(inTaughtWords(await openDataset(spec), { finer, also }), heldOut) })));
    const loader = new BatchLoader(sources, setup.options);
    for (let step = setup.firstStep; !closed; step++) {
      while (wanted === 0 && !closed) await new Promise<void>((resolve) => (wake = resolve));
      if (closed) break;
      const batch = await loader.batch(step);
      wanted--;
      const arrays = [batch.frames, batch.labels, batch.boxes, batch.boxLabels, batch.hasMask, batch.hasBoxes, ...(batch.labelsFull ? [batch.labelsFull] : []), ...(batch.depth ? [batch.depth] : [])];
      port.postMessage({ batch } satisfies WorkerAnswer, arrays.map(({ buffer }) => buffer as ArrayBuffer));
      // Lets "take" and "close" arrive even where every sample is already in memory.
      await new Promise((resolve) => setImmediate(resolve));
    }
  } catch (error) {
    port.postMessage({ failure: failureOf(error, { code: "E_DATASET", expected: "a batch", remedy: "See the message." }) } satisfies WorkerAnswer);
  }
  port.close();
}
