import { systemCodeOf } from "../errors.js";

/** Whether there is a process of this number on the machine, of whichever user. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCodeOf(error) === "EPERM";
  }
}
