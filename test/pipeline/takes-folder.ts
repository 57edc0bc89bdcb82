/** A program that takes a folder when it is told to, says whether it has it, and gives it back when told so. Argument: the folder. */
import { realDisk } from "../../sdk/bundle/disk.js";
import { FolderLock } from "../../sdk/pipeline/lock.js";

const [folder = ""] = process.argv.slice(2);
let lock: FolderLock | undefined;

process.on("message", (message) => {
  void (async () => {
    if (message === "take") lock = await FolderLock.take(folder, realDisk).catch(() => undefined);
    else await lock?.release();
    process.send?.(lock !== undefined);
  })();
});
process.on("disconnect", () => process.exit());
process.send?.(true);
