import { existsSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { BundleContents } from "../../sdk/bundle/bundle.js";
import { GenerationStore } from "../../sdk/bundle/generations.js";
import { unfinishedName } from "../../sdk/bundle/write.js";
import { description, temporaryFolder, tinyContents } from "./contents.js";

const contentsOf = (generation: number): BundleContents =>
  tinyContents({ description: { ...description, generation, parent: generation > 0 ? generation - 1 : null } });

test("generations are written, chosen, and the oldest removed", async (t) => {
  const store = await GenerationStore.open(await temporaryFolder(t));
  t.is(await store.current(), undefined);
  t.is(await store.next(), 1);
  for (const generation of [1, 2, 3, 4, 10]) await store.write(contentsOf(generation));
  t.deepEqual(await store.list(), [1, 2, 3, 4, 10]);
  t.is(await store.next(), 11);
  await store.setCurrent(3);
  t.is(await store.current(), 3);
  t.is(await store.previous(3), 2);
  t.is(await store.previous(1), undefined, "the delivered bundle is not in the store");
  t.deepEqual(await store.keepLast(1), [1, 4], "the current one and its parent stay");
  t.deepEqual(await store.list(), [2, 3, 10]);
  const again = await GenerationStore.open(store.directory);
  t.is(await again.current(), 3);
  await again.setCurrent(undefined);
  t.is(await store.current(), undefined);
});

test("a generation that is not there cannot become current", async (t) => {
  const store = await GenerationStore.open(await temporaryFolder(t));
  await t.throwsAsync(() => store.setCurrent(5), { message: /^E_BUNDLE_MISSING/ });
  t.is(await store.current(), undefined);
});

test("a generation that was moved to another's place by hand is none", async (t) => {
  const store = await GenerationStore.open(await temporaryFolder(t));
  await store.write(contentsOf(2));
  await rename(store.pathOf(2), store.pathOf(5));
  await t.throwsAsync(() => store.setCurrent(5), { message: /^E_BUNDLE_FORMAT/ });
  await t.throwsAsync(() => store.shelve("night", 5), { message: /^E_BUNDLE_FORMAT/ });
});

test("each condition has its generation, which stays however old it is", async (t) => {
  const store = await GenerationStore.open(await temporaryFolder(t));
  for (const generation of [1, 2, 3, 4]) await store.write(contentsOf(generation));
  t.deepEqual(await store.shelf(), {});
  await store.shelve("night", 1);
  await store.shelve("fog", 2);
  await store.shelve("fog", 3);
  t.deepEqual(await (await GenerationStore.open(store.directory)).shelf(), { night: 1, fog: 3 });
  t.deepEqual(await store.keepLast(1), [2]);
  await store.shelve("night", undefined);
  t.deepEqual(await store.shelf(), { fog: 3 });
  await t.throwsAsync(() => store.shelve("dusk", 9), { message: /^E_BUNDLE_MISSING/ });
  for (const damaged of ["{", '{"night": 0}', '{"noon": 1}', '{"night": "1"}']) {
    await writeFile(join(store.directory, "shelf.json"), damaged);
    await t.throwsAsync(() => store.shelf(), { message: /^E_BUNDLE_FORMAT/ }, damaged);
  }
});

test("a damaged pointer is told, not followed", async (t) => {
  const store = await GenerationStore.open(await temporaryFolder(t));
  await writeFile(join(store.directory, "current"), "../../elsewhere\n");
  await t.throwsAsync(() => store.current(), { message: /^E_BUNDLE_FORMAT/ });
});

test("what a crashed writer left is removed, what a living one writes is not", async (t) => {
  const folder = await temporaryFolder(t);
  // No process has this number: it is above the largest that Linux gives.
  const crashed = join(folder, "generations", ".unfinished-7-4194999-00ff00ff-0");
  // As in a container, where each process has the number of the one before it.
  const itsPredecessors = join(folder, "generations", `.unfinished-8-${process.pid}-00ff00ff-0`);
  const writing = join(folder, "generations", unfinishedName("9"));
  const anothers = join(folder, "generations", `.unfinished-10-${process.ppid}-00ff00ff-0`);
  for (const each of [crashed, itsPredecessors, writing, anothers]) await mkdir(each, { recursive: true });
  const store = await GenerationStore.open(folder);
  t.false(existsSync(crashed));
  t.false(existsSync(itsPredecessors));
  t.true(existsSync(writing));
  t.true(existsSync(anothers));
  t.deepEqual(await store.list(), []);
});
