import { constants } from "node:fs";
import { access, mkdir, rmdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Roots } from "./machine.js";
import { textIn } from "./text-in.js";

/** A group of cgroup v2 that this process may divide. */
export interface Delegation {
  readonly directory: string;
  /** `memory`, and what else of `cpu` and `io` may be shared out. */
  readonly controllers: readonly string[];
}

/** Why not, in words. */
export interface Refusal {
  readonly missing: string;
}

const wanted = ["memory", "cpu", "io"] as const;

/** Where this process and all of its others go: a group that shares out what it has may hold no processes itself. */
const ownLeaf = "nightshift-stream";

/**
 * Whether the group that this process is in may be divided: of cgroup v2, writable (`Delegate=` of systemd), with memory to share out, and with no processes but this one and its
 * children (https://docs.kernel.org/admin-guide/cgroup-v2.html). Changes nothing.
 */
export async function delegation({ proc, cgroups }: Pick<Roots, "proc" | "cgroups">): Promise<Delegation | Refusal> {
  const path = /^0::(\/.*)$/m.exec((await textIn(join(proc, "self", "cgroup"))) ?? "")?.[1];
  if (path === undefined || (await textIn(join(cgroups, "cgroup.controllers"))) === undefined) return { missing: `no cgroup v2 at ${cgroups}` };
  const own = resolve(cgroups, `.${path}`);
  const directory = basename(own) === ownLeaf ? dirname(own) : own;
  const controllers = (await textIn(join(directory, "cgroup.controllers")))?.split(/\s+/);
  if (controllers === undefined) return { missing: `${directory} cannot be read` };
  for (const file of [".", "cgroup.procs", "cgroup.subtree_control"])
    if (!(await isWritable(join(directory, file)))) return { missing: `${resolve(directory, file)} is not writable: nobody delegated the group to this process` };
  if (!controllers.includes("memory")) return { missing: `memory is not shared out to ${directory}` };
  for (const pid of await processesOf(directory)) if (!(await isOurs(pid, proc))) return { missing: `process ${pid}, which is not ours, is in ${directory} too` };
  return { directory, controllers: wanted.filter((controller) => controllers.includes(controller)) };
}

/** What holds a training, by files of its group: no more memory, none of it swapped out, and the least of processor and disk where others want them. */
const limits = (memoryMb: number): Readonly<Record<string, string>> => ({ "memory.max": String(memoryMb * 2 ** 20), "memory.swap.max": "0", "cpu.weight": "1", "io.weight": "1" });

/** A delegated group, divided: this process and its children in one leaf, each training in another. It stays divided for as long as there is a group. */
export class CgroupTree {
  private constructor(
    private readonly directory: string,
    /** Files that hold a training. */
    readonly holds: readonly string[],
    /** Files that would, and that this kernel or whoever delegated the group does not give. */
    readonly lacks: readonly string[],
  ) {}

  static async divide({ directory, controllers }: Delegation): Promise<CgroupTree | Refusal> {
    const leaf = join(directory, ownLeaf);
    try {
      await mkdir(leaf, { recursive: true });
      // This process first: whatever it starts from then on is in the leaf already. Others may be gone by now.
      await writeFile(join(leaf, "cgroup.procs"), String(process.pid));
      for (const pid of await processesOf(directory)) await writeFile(join(leaf, "cgroup.procs"), pid).catch(() => undefined);
      for (const controller of controllers)
        await writeFile(join(directory, "cgroup.subtree_control"), `+${controller}`).catch((error: unknown) => {
          // Of the others, the files are missing then, which is told.
          if (controller === "memory") throw error;
        });
    } catch (error) {
      return { missing: `${directory} cannot be divided: ${String(error)}` };
    }
    const files = Object.keys(limits(0));
    // Each leaf has the same.
    const there = await Promise.all(files.map((file) => isWritable(join(leaf, file))));
    const holds = files.filter((_, at) => there[at]);
    return holds.includes("memory.max") ? new CgroupTree(directory, holds, files.filter((file) => !holds.includes(file))) : { missing: `${leaf} has no memory.max` };
  }

  /** A leaf of its own for one process and its children. */
  async confine(pid: number, memoryMb: number): Promise<CgroupLeaf> {
    const leaf = join(this.directory, `trainer-${pid}`);
    await mkdir(leaf, { recursive: true });
    for (const [file, value] of Object.entries(limits(memoryMb))) if (this.holds.includes(file)) await writeFile(join(leaf, file), value);
    await writeFile(join(leaf, "cgroup.procs"), String(pid));
    return new CgroupLeaf(leaf);
  }
}

export class CgroupLeaf {
  constructor(private readonly directory: string) {}

  /** Whether the kernel ended a process of it at its limit of memory. */
  async ranOut(): Promise<boolean> {
    return /^oom_kill [1-9]/m.test((await textIn(join(this.directory, "memory.events"))) ?? "");
  }

  /** Once its processes are gone. */
  async remove(): Promise<void> {
    await rmdir(this.directory);
  }
}

/** By their numbers; 0 for what this process cannot see. */
const processesOf = async (directory: string): Promise<readonly string[]> => ((await textIn(join(directory, "cgroup.procs"))) ?? "").split(/\s+/).filter((pid) => pid !== "");

/** Whether it is this process, or was started by it or by one that is ours. */
async function isOurs(pid: string, proc: string): Promise<boolean> {
  if (pid === String(process.pid)) return true;
  // The name before it, in brackets, may hold anything.
  const parent = /^.*\) \S (\d+)/s.exec((await textIn(join(proc, pid, "stat"))) ?? "")?.[1];
  return parent !== undefined && parent !== "0" && isOurs(parent, proc);
}

const isWritable = (path: string): Promise<boolean> => access(path, constants.W_OK).then(() => true, () => false);
