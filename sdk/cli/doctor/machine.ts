import { constants } from "node:fs";
import { access, stat, statfs } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { dirname } from "node:path";
import { processorFlags, vnni } from "../../engine/processor.js";
import { reasonOf } from "../../errors.js";
import { type Check, type Finding, missing, notNeeded, ok } from "./finding.js";

/** Bytes. Streaming with the default bundle takes 0.4 GB, learning beside it 0.9 more. */
const memory = { toStream: 0.75e9, toLearn: 2e9 };

/** Bytes that a few generations of weights take. */
const leastDisk = 0.5e9;

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** By what Linux calls them. */
const sets = [
  ["AVX2", ["avx2"]],
  ["AVX-512", ["avx512f"]],
  ["VNNI", vnni],
  ["AMX int8", ["amx_int8"]],
  ["dot product", ["asimddp"]],
] as const;

export const processor: Check = async () => {
  const cores = availableParallelism();
  const flags = await processorFlags();
  const has = sets.filter(([, names]) => names.some((name) => flags?.has(name))).map(([set]) => set);
  const found = `${cores} ${cores === 1 ? "core" : "cores"}, ${process.arch}${flags ? `, ${has.join(", ") || "none of the instruction sets that help"}` : ", instruction sets not told by this system"}`;
  return [ok("processor", found), int8With(has, process.arch)];
};

/** What int8 is worth with these instruction sets, by the names above. Sessions make its sums exact on any x86; without VNNI that takes slower instructions. */
export function int8With(has: readonly string[], architecture: string): Finding {
  const what = "int8 on this processor";
  if (["VNNI", "AMX int8", "dot product"].some((set) => has.includes(set))) return ok(what, "its sums are exact");
  if (architecture === "x64") return notNeeded(what, "its sums are exact; neither VNNI nor AMX seen", "int8 as fast as elsewhere", "How fast it is beside float was not measured; nightshift bench precision measures it.");
  return notNeeded(what, "no dot product seen", "int8 as fast and exact as elsewhere", "Serve bundles in float; a bundle in int8 whose answers differ is refused with E_GOLDEN.");
}

export const memories: Check = async () => {
  const limit = process.constrainedMemory();
  // No limit is told as none, or as one beyond what there is.
  const isLimited = limit > 0 && limit < totalmem();
  const there = isLimited ? limit : totalmem();
  const found = `${gigabytes(there)}${isLimited ? ", the limit of this container" : ""}`;
  if (there < memory.toStream) return [missing("memory", found, `Give it ${gigabytes(memory.toStream)} or more.`)];
  if (there < memory.toLearn) return [ok("memory", found), notNeeded("memory to learn", found, "learning beside the stream", `Give it ${gigabytes(memory.toLearn)}, or let less learn.`)];
  return [ok("memory", found)];
};

/** The folder that what is learnt is kept in, which may not be there yet. */
export const stateFolder = (folder: string): Check => async () => {
  const kept = `What is learnt is kept there: name another folder with --state.`;
  try {
    const existing = await nearestExisting(folder);
    if (!(await stat(existing)).isDirectory()) return [missing("state folder", `${existing} is no folder`, kept)];
    await access(existing, constants.W_OK);
    const { bavail, bsize } = await statfs(existing);
    const free = bavail * bsize;
    return [
      ok("state folder", `${folder}, writable`),
      free >= leastDisk ? ok("disk", `${gigabytes(free)} free there`) : missing("disk", `${gigabytes(free)} free in ${existing}`, `Free ${gigabytes(leastDisk)}. ${kept}`),
    ];
  } catch (error) {
    return [missing("state folder", `${folder}: ${reasonOf(error)}`, kept)];
  }
};

async function nearestExisting(folder: string): Promise<string> {
  try {
    await access(folder);
    return folder;
  } catch (error) {
    if (dirname(folder) === folder) throw error;
    return nearestExisting(dirname(folder));
  }
}
