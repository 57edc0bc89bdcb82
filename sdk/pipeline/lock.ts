import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Disk } from "../bundle/disk.js";
import { onDisk, writeSynced } from "../bundle/files.js";
import { isRunning } from "../bundle/process.js";
import { NightshiftError, systemCodeOf } from "../errors.js";

/** Holds a folder for one process: two that learn in the same one would take each other's generations. */
export class FolderLock {
  private constructor(
    private readonly path: string,
    private readonly disk: Disk,
  ) {}

  /** The folder is there. Throws `E_CONFIG` where a running process holds the folder, `E_DISK`. What a crashed one left is taken over, also where its number is another's by now. */
  static async take(folder: string, disk: Disk): Promise<FolderLock> {
    const path = join(folder, "lock");
    for (let tries = 0; tries < 2; tries++) {
      try {
        await writeSynced(path, new TextEncoder().encode(`${process.pid} ${birthOf(process.pid)}\n`), disk);
        return new FolderLock(path, disk);
      } catch (error) {
        if (systemCodeOf(error) !== "EEXIST") throw error;
      }
      const [pid = "", birth] = (await readFile(path, "utf8").catch(() => "")).trim().split(" ");
      const holder = Number(pid);
      if (holder > 0 && isRunning(holder) && (birth === undefined || birth === birthOf(holder))) throw held(folder, holder);
      await onDisk(path, () => disk.remove(path));
    }
    throw held(folder, undefined);
  }

  async release(): Promise<void> {
    await this.disk.remove(this.path);
  }
}

/**
 * Tells a process from every other that has or had its number: after a power cut, or in a container that is started again, another has the same soon.
 * The boot and the tick of it in which the process began, on Linux; elsewhere nothing is known of that.
 */
function birthOf(pid: number): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    // After the name, which is in parentheses and may hold anything; the 22nd field of all.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
    return `${boot}/${fields[19]}`;
  } catch {
    return "unknown";
  }
}

const held = (folder: string, pid: number | undefined): NightshiftError =>
  new NightshiftError("E_CONFIG", {
    expected: `a state folder that no other Nightshift uses: ${folder}`,
    received: pid === undefined ? "one that others are after at the same moment" : `one that process ${pid} uses`,
    remedy: "Stop the other one, or name another folder with --state.",
  });
