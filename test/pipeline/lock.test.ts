import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { realDisk } from "../../sdk/bundle/disk.js";
import { FolderLock } from "../../sdk/pipeline/lock.js";
import { temporaryFolder } from "../bundle/contents.js";

/** As of a process that is no more. */
const leftBehind = "lock-4194304-boot-1";

test("of those who take a folder at the same moment in one process, one has it", async (t) => {
  const folder = await temporaryFolder(t);
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => FolderLock.take(folder, realDisk)));
  const [lock, ...others] = tries.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  t.deepEqual(others, []);
  for (const each of tries) if (each.status === "rejected") t.like(each.reason, { code: "E_CONFIG" });
  await lock.release();
  await (await FolderLock.take(folder, realDisk)).release();
  t.deepEqual(await readdir(folder), []);
});

test("of processes that take a folder at the same moment, where one left it behind, at most one has it", async (t) => {
  const folder = await temporaryFolder(t);
  const program = fileURLToPath(new URL("./takes-folder.js", import.meta.url));
  const children = [0, 1, 2].map(() => fork(program, [folder]));
  t.teardown(() => children.forEach((child) => child.disconnect()));
  const ask = async (child: ChildProcess, message?: string): Promise<unknown> => {
    const answer = once(child, "message");
    if (message !== undefined) child.send(message);
    return ((await answer) as unknown[])[0];
  };
  const all = (message?: string): Promise<unknown[]> => Promise.all(children.map((child) => ask(child, message)));
  await all();
  for (let round = 0; round < 30; round++) {
    await writeFile(join(folder, leftBehind), "");
    const holders = (await all("take")).filter(Boolean).length;
    t.true(holders <= 1, `${holders} have it in round ${round}`);
    await all("give back");
  }
  t.true(await ask(children[0], "take"), "who comes alone has it");
  t.is((await readdir(folder)).length, 1);
});
