import test, { type ExecutionContext } from "ava";
import { Serving, type SwapTarget } from "../../sdk/adaptation/serving.js";
import { readBundle, writeBundle } from "../../sdk/bundle/index.js";
import { GenerationStore } from "../../sdk/bundle/generations.js";
import { NightshiftError } from "../../sdk/errors.js";
import type { ConditionName } from "../../sdk/stream/events.js";
import { description, temporaryFolder, tinyContents } from "../bundle/contents.js";

/** A store and an engine that does as it is told; `refuse` says which folders it does not load. */
async function opened(t: ExecutionContext, refuse: (directory: string) => NightshiftError | undefined = () => undefined) {
  const directory = await temporaryFolder(t);
  const delivered = await writeBundle(`${directory}/delivered`, tinyContents({})).then(() => readBundle(`${directory}/delivered`));
  const store = await GenerationStore.open(`${directory}/state`);
  const told: unknown[] = [];
  const history = [0];
  const engine: SwapTarget = {
    swap(bundle) {
      const refusal = refuse(bundle);
      if (refusal) return Promise.reject(refusal);
      history.push(bundle === delivered.directory ? 0 : Number(bundle.split("/").at(-1)));
      return Promise.resolve(history.at(-1) ?? 0);
    },
    rollBack() {
      history.pop();
      return Promise.resolve(history.at(-1) ?? 0);
    },
  };
  const serving = new Serving({ bundle: delivered, delivered, engine, store, kept: 1, onError: (error) => told.push(error) });
  /** A generation of the delivered bundle's, learnt in a condition. */
  const learnt = async (generation: number, condition: ConditionName) => {
    await store.write(tinyContents({ description: { ...description, generation, parent: 0, condition } }));
    return { directory: store.pathOf(generation), generation, condition };
  };
  return { serving, store, told, learnt };
}

test("what a generation took the place of stays on disk, as it may be put back", async (t) => {
  const { serving, store, told, learnt } = await opened(t);
  for (const generation of [1, 2, 3]) t.true(await serving.accept(await learnt(generation, "night"), () => "night"));
  t.deepEqual(await store.list(), [2, 3]);
  t.like(await serving.rollBack(), { from: { generation: 3 }, to: { generation: 2 } });
  t.deepEqual([await store.current(), await store.shelf(), told], [2, { night: 2 }, []]);
});

test("a generation that is not what was signed is told of and discarded as a damaged one is, and the next best serves", async (t) => {
  const untrusted = new NightshiftError("E_UNTRUSTED", { expected: "a signature", received: "none", remedy: "Sign it." });
  let isRefused = false;
  const { serving, store, told, learnt } = await opened(t, (directory) => (isRefused && directory.endsWith("1") ? untrusted : undefined));
  await serving.accept(await learnt(1, "night"), () => "night");
  t.like(await serving.turnTo("clear"), { to: { generation: 0 } });
  isRefused = true;
  t.is(await serving.turnTo("night"), undefined, "the delivered bundle serves already");
  t.deepEqual([told, await store.shelf(), await store.list()], [[untrusted], {}, []]);
});
