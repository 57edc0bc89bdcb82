import { join } from "node:path";
import { textIn } from "./text-in.js";

/** Memory that a process takes, in megabytes, with what of it is swapped out; undefined where nobody tells: no Linux, or no such process. */
export async function residentMb(pid: number, proc: string): Promise<number | undefined> {
  const status = (await textIn(join(proc, String(pid), "status"))) ?? "";
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? NaN);
  const resident = kilobytes("VmRSS");
  return Number.isNaN(resident) ? undefined : (resident + (kilobytes("VmSwap") || 0)) / 1024;
}
