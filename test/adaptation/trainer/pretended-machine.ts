import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ExecutionContext } from "ava";
import type { Roots } from "../../../sdk/adaptation/trainer/machine.js";
import { temporaryFolder } from "../../bundle/contents.js";

/** Files by their paths below a folder. */
export type Files = Readonly<Record<string, string>>;

/** What Linux would tell of a machine, as folders of plain files. */
export class PretendedMachine {
  private constructor(readonly roots: Roots) {}

  static async make(t: ExecutionContext, { proc = {}, sys = {}, cgroups = {} }: { readonly proc?: Files; readonly sys?: Files; readonly cgroups?: Files } = {}): Promise<PretendedMachine> {
    const folder = await temporaryFolder(t);
    const machine = new PretendedMachine({ proc: join(folder, "proc"), sys: join(folder, "sys"), cgroups: join(folder, "cgroup") });
    for (const [root, files] of Object.entries({ proc, sys, cgroups })) for (const [path, text] of Object.entries(files)) await machine.write(root as keyof Roots, path, text);
    return machine;
  }

  async write(root: keyof Roots, path: string, text: string): Promise<void> {
    const file = join(this.roots[root], path);
    await mkdir(dirname(file), { recursive: true });
    // Nobody ever reads half of what Linux tells.
    await writeFile(`${file}.new`, `${text}\n`);
    await rename(`${file}.new`, file);
  }

  /** Of its only thermal zone. */
  heat(celsius: number): Promise<void> {
    return this.write("sys", "class/thermal/thermal_zone0/temp", String(celsius * 1000));
  }
}

export const thermalZone = (at: number, type: string, celsius: number): Files => ({ [`class/thermal/thermal_zone${at}/type`]: type, [`class/thermal/thermal_zone${at}/temp`]: String(celsius * 1000) });

/** An INA3221 with rails of a name, millivolts and milliamperes; one without a name is not connected. */
export function powerMonitor(at: number, rails: readonly (readonly [name: string, millivolts: number, milliamperes: number] | undefined)[]): Files {
  const chip = `class/hwmon/hwmon${at}`;
  const files = rails.flatMap((rail, index) => {
    const channel = index + 1;
    if (!rail) return [[`${chip}/in${channel}_enable`, "0"], [`${chip}/in${channel}_label`, ""]];
    const [name, millivolts, milliamperes] = rail;
    return [[`in${channel}_label`, name], [`in${channel}_enable`, "1"], [`in${channel}_input`, millivolts], [`curr${channel}_input`, milliamperes]].map(([file, value]) => [`${chip}/${file}`, String(value)]);
  });
  return { [`${chip}/name`]: "ina3221", [`${chip}/in7_label`]: "sum of shunt voltages", [`${chip}/in7_input`]: "7", [`${chip}/curr4_input`]: "9999", ...(Object.fromEntries(files) as Files) };
}

/** A service's group that systemd delegated, with this process alone in it, and the files that each leaf of it has. */
export const delegated: { readonly proc: Files; readonly cgroups: Files } = {
  proc: { "self/cgroup": "0::/system.slice/nightshift.service" },
  cgroups: {
    "cgroup.controllers": "cpuset cpu io memory pids",
    "system.slice/nightshift.service/cgroup.controllers": "cpu io memory pids",
    "system.slice/nightshift.service/cgroup.procs": String(process.pid),
    "system.slice/nightshift.service/cgroup.subtree_control": "",
    "system.slice/nightshift.service/nightshift-stream/memory.max": "max",
    "system.slice/nightshift.service/nightshift-stream/cpu.weight": "100",
    "system.slice/nightshift.service/nightshift-stream/io.weight": "default 100",
  },
};
