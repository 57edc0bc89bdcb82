import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { type Disk, realDisk } from "../../sdk/bundle/disk.js";
import { makeFolders, replaceSynced } from "../../sdk/bundle/files.js";
import { refuseExisting, writeBundle } from "../../sdk/bundle/write.js";
import { temporaryFolder, tinyContents } from "./contents.js";

const refusing = (code: string): Disk => ({
  ...realDisk,
  create: async (path) => {
    const file = await realDisk.create(path);
    return { write: () => Promise.reject(Object.assign(new Error(`${code}: refused`), { code })), sync: () => file.sync(), close: () => file.close() };
  },
});

for (const code of ["ENOSPC", "EROFS", "EIO"])
  test(`a disk that refuses with ${code} is told, and what was there stays as it was`, async (t) => {
    const folder = await temporaryFolder(t);
    const path = join(folder, "shelf.json");
    await writeFile(path, "before");
    await t.throwsAsync(replaceSynced(path, `${path}.new`, new TextEncoder().encode("after"), refusing(code)), { code: "E_DISK", message: /Make room/ });
    t.is(await readFile(path, "utf8"), "before");
    t.deepEqual(await readdir(folder), ["shelf.json"], "and nothing half written beside it");
  });

test("what is not the disk's fault is told as it is", async (t) => {
  const path = join(await temporaryFolder(t), "shelf.json");
  await t.throwsAsync(replaceSynced(path, `${path}.new`, new Uint8Array(1), refusing("EINVAL")), { code: "EINVAL" });
});

for (const operation of ["makeFolder", "rename", "syncFolder"] as const)
  test(`a disk that is full when it comes to ${operation}: told as such, and nothing of the bundle is left`, async (t) => {
    const folder = await temporaryFolder(t);
    const full = (): Promise<never> => Promise.reject(Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" }));
    await t.throwsAsync(writeBundle(join(folder, "bundle"), tinyContents(), { ...realDisk, [operation]: full }), { code: "E_DISK" });
    t.deepEqual(await readdir(folder), []);
  });

test("a bundle that another process was first to write stays, and that is told", async (t) => {
  const folder = await temporaryFolder(t);
  const target = join(folder, "bundle");
  const second: Disk = {
    ...realDisk,
    rename: async (from, to) => {
      if (to === target) await writeBundle(target, tinyContents());
      return realDisk.rename(from, to);
    },
  };
  await t.throwsAsync(writeBundle(target, tinyContents(), second), { code: "E_BUNDLE_FORMAT", message: /no file or folder at .*bundle; received a folder/ });
  t.deepEqual(await readdir(folder), ["bundle"]);
});

test("a place where no bundle can be is told before there is one", async (t) => {
  const file = join(await temporaryFolder(t), "file");
  await writeFile(file, "no folder");
  for (const place of [join(file, "bundle"), join(file, "deeper", "bundle")]) {
    await t.throwsAsync(refuseExisting(place), { code: "E_DISK", message: /ENOTDIR/ });
    await t.throwsAsync(writeBundle(place, tinyContents()), { code: "E_DISK" });
  }
  await t.throwsAsync(writeBundle(join(file, "..", "b".repeat(300)), tinyContents()), { code: "E_DISK", message: /ENAMETOOLONG/ });
});

test("a disk that turns read-only in the middle of a bundle is told as such, although what is unfinished cannot be removed", async (t) => {
  const folder = await temporaryFolder(t);
  const readOnly = (): Promise<never> => Promise.reject(Object.assign(new Error("EROFS: read-only file system"), { code: "EROFS" }));
  await t.throwsAsync(writeBundle(join(folder, "bundle"), tinyContents(), { ...realDisk, create: readOnly, remove: readOnly }), { code: "E_DISK" });
});

test("where nothing can be written, below a file or by too long a name, is told before the work as after it", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "file"), "");
  for (const path of [join(folder, "file", "bundle"), join(folder, "b".repeat(300))]) {
    await t.throwsAsync(refuseExisting(path), { code: "E_DISK", message: /name another path/ });
    await t.throwsAsync(writeBundle(path, tinyContents()), { code: "E_DISK" });
  }
  await t.throwsAsync(makeFolders(join(folder, "file", "state")), { code: "E_DISK" });
  await t.notThrowsAsync(refuseExisting(join(folder, "nothing", "bundle")));
});
