import { readFile } from "node:fs/promises";

let flags: Promise<ReadonlySet<string> | undefined> | undefined;

/** The instruction sets of this machine's processor, by what Linux calls them, read once. Undefined on other systems, which do not tell. */
export const processorFlags = (): Promise<ReadonlySet<string> | undefined> => (flags ??= readFlags());

async function readFlags(): Promise<ReadonlySet<string> | undefined> {
  try {
    const text = await readFile("/proc/cpuinfo", "utf8");
    const line = /^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1];
    return line === undefined ? undefined : new Set(line.trim().split(/\s+/));
  } catch {
    // Linux alone has it.
    return undefined;
  }
}

/** What sums products of uint8 and int8 in 32 bits, which is exact. */
export const vnni = ["avx512_vnni", "avx_vnni"] as const;
