import { readFileSync } from "node:fs";

/** VmRSS or VmHWM of this process. The peak of getrusage would include the parent's, from before exec. */
export const residentMb = (field: "VmRSS" | "VmHWM"): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readFileSync("/proc/self/status", "utf8"))?.[1]) / 1024;
