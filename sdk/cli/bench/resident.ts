import { readFileSync, writeFileSync } from "node:fs";

/** VmRSS or VmHWM of this process. The peak of getrusage would include the parent's, from before exec. */
export const residentMb = (field: "VmRSS" | "VmHWM"): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readFileSync("/proc/self/status", "utf8"))?.[1]) / 1024;

/** The most that this process held since this was made, above what it held then, megabytes; what is done aside does not count. For a process with --expose-gc. */
export class Peak {
  readonly #beforeMb = residentMb("VmRSS");
  #mostMb = 0;

  get mb(): number {
    return this.#most() - this.#beforeMb;
  }

  async aside(work: () => Promise<void>): Promise<void> {
    this.#mostMb = this.#most();
    await work();
    globalThis.gc?.();
    // VmHWM begins anew (proc_pid_clear_refs(5)).
    writeFileSync("/proc/self/clear_refs", "5");
  }

  #most(): number {
    return Math.max(this.#mostMb, residentMb("VmHWM"));
  }
}
