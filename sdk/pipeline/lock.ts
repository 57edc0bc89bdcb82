import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NightshiftError } from "../errors.js";

/** Holds a folder for one process: two that learn in the same one would take each other's generations. */
export class FolderLock {
  private constructor(private readonly path: string) {}

  /** Throws `E_CONFIG` where a running process holds the folder. What a crashed one left is taken over. */
  static async take(folder: string): Promise<FolderLock> {
    // Pictures of people and places are kept in it.
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, "lock");
    for (let tries = 0; tries < 2; tries++) {
      try {
        await writeFile(path, `${process.pid}\n`, { flag: "wx" });
        return new FolderLock(path);
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      }
      const holder = Number(await readFile(path, "utf8").catch(() => ""));
      if (holder > 0 && isAlive(holder)) throw held(folder, holder);
      await rm(path, { force: true });
    }
    throw held(folder, undefined);
  }

  async release(): Promise<void> {
    await rm(this.path, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

const held = (folder: string, pid: number | undefined): NightshiftError =>
  new NightshiftError("E_CONFIG", {
    expected: `a state folder that no other Nightshift uses: ${folder}`,
    received: pid === undefined ? "one that others are after at the same moment" : `one that process ${pid} uses`,
    remedy: "Stop the other one, or name another folder with --state.",
  });
