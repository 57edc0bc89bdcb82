import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Disk } from "../bundle/disk.js";
import { onDisk, writeSynced } from "../bundle/files.js";
import { isRunning } from "../bundle/process.js";
import { NightshiftError, systemCodeOf } from "../errors.js";

/**
 * Holds a folder for one process: two that learn in the same one would take each other's generations. Each process makes a file that is named after itself, and then looks for those of others: of two that come
 * at the same moment at least one sees the other, and what is removed is never the file of one that lives.
 */
export class FolderLock {
  private constructor(
    private readonly path: string,
    private readonly disk: Disk,
  ) {}

  /** The folder is there. Throws `E_CONFIG` where a running process holds the folder, or is after it too; `E_DISK`. What crashed ones left is removed, also where their number is another's by now. */
  static async take(folder: string, disk: Disk): Promise<FolderLock> {
    const own = `lock-${process.pid}-${birthOf(process.pid)}`;
    const lock = new FolderLock(join(folder, own), disk);
    try {
      // Not empty, so that a disk that is full is found out here.
      await writeSynced(lock.path, new TextEncoder().encode(`${process.pid}\n`), disk);
    } catch (error) {
      if (systemCodeOf(error) === "EEXIST") throw held(folder, process.pid);
      await lock.#leave();
      throw error;
    }
    try {
      for (const name of await onDisk(folder, () => readdir(folder))) {
        const [, number, birth] = /^lock-(\d+)-(.+)$/.exec(name) ?? [];
        if (number === undefined || name === own) continue;
        // Of other users' processes the system may tell no more than that they run.
        if (isRunning(Number(number)) && [birth, unknownBirth].includes(birthOf(Number(number)))) throw held(folder, Number(number));
        await onDisk(folder, () => disk.remove(join(folder, name)));
      }
    } catch (error) {
      await lock.#leave();
      throw error;
    }
    return lock;
  }

  async release(): Promise<void> {
    await this.disk.remove(this.path);
  }

  /** Where not even that can be done, why the folder is not held is what is to be told. */
  async #leave(): Promise<void> {
    await this.release().catch(() => undefined);
  }
}

const unknownBirth = "unknown";

/**
 * Tells a process from every other that has or had its number: after a power cut, or in a container that is started again, another has the same soon.
 * The boot and the tick of it in which the process began, on Linux; elsewhere nothing is known of that.
 */
function birthOf(pid: number): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    // After the name, which is in parentheses and may hold anything; the 22nd field of all.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
    return `${boot}-${fields[19]}`;
  } catch {
    return unknownBirth;
  }
}

const held = (folder: string, pid: number): NightshiftError =>
  new NightshiftError("E_CONFIG", {
    expected: `a state folder that no other Nightshift uses: ${folder}`,
    received: `one that process ${pid} uses`,
    remedy: "Stop the other one, or name another folder with --state.",
  });
