import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { NightshiftError } from "../../errors.js";
import { CgroupTree, delegation } from "./cgroup.js";
import { residentMb } from "./resident.js";
import type { Limits } from "./rest.js";
import { type Reading, Sensors } from "./sensors.js";

/** Where Linux tells of itself. */
export interface Roots {
  readonly proc: string;
  readonly sys: string;
  readonly cgroups: string;
}

export const systemRoots: Roots = { proc: "/proc", sys: "/sys", cgroups: "/sys/fs/cgroup" };

/** How often the sensors are read, milliseconds: those of power answer slowly, over a bus. */
const readEveryMs = 1000;

/** What this machine offers to hold a trainer to its budget, and why it does not offer the rest. */
export class Machine {
  #reading: Reading = {};
  readonly #clock: NodeJS.Timeout | undefined;

  private constructor(
    readonly roots: Roots,
    /** Divided between this process and trainings, where that is permitted. */
    readonly cgroup: CgroupTree | undefined,
    /** Whether programs can be started so that they use the disk when nobody else does. */
    readonly hasIdleIo: boolean,
    private readonly sensors: Sensors,
    /** What holds the trainer, in words. */
    readonly holds: readonly string[],
    /** What does not, and why. */
    readonly lacks: readonly string[],
  ) {
    if (sensors.temperatureOf || sensors.powerOf) this.#clock = setInterval(() => void this.#read(), readEveryMs).unref();
  }

  /** Divides the cgroup of this process, where it may. */
  static async open(roots: Roots = systemRoots): Promise<Machine> {
    const given = await delegation(roots);
    const cgroup = "missing" in given ? given : await CgroupTree.divide(given);
    const [sensors, watched, noIdleIo] = [await Sensors.open(roots.sys), (await residentMb(process.pid, roots.proc)) !== undefined, await whyNoIdleIo()];
    const holds = [...("missing" in cgroup ? [] : [`cgroup: ${cgroup.holds.join(", ")}`]), ...(watched ? ["resident memory, looked at while it learns"] : []), ...(noIdleIo === undefined ? ["idle I/O priority"] : [])];
    const noGroup = "missing" in cgroup ? [`cgroup: ${cgroup.missing}`] : cgroup.lacks.map((file) => `cgroup: no ${file} here`);
    const lacks = [...noGroup, ...(watched ? [] : [`resident memory: ${roots.proc} does not tell it`]), ...(noIdleIo === undefined ? [] : [`idle I/O priority: ${noIdleIo}`])];
    const machine = new Machine(roots, "missing" in cgroup ? undefined : cgroup, noIdleIo === undefined, sensors, holds, lacks);
    await machine.#read();
    return machine;
  }

  /** Of the last second. */
  get reading(): Reading {
    return this.#reading;
  }

  /** Throws `E_CONFIG` where a limit is of something that this machine does not measure. */
  require({ mostCelsius, mostWatts }: Limits): void {
    const { temperatureOf, powerOf } = this.sensors;
    if (mostCelsius !== undefined && !temperatureOf) throw unmeasured("mostCelsius", "a machine that tells its temperature", `no thermal zone in ${this.roots.sys}/class/thermal`);
    if (mostWatts !== undefined && !powerOf) throw unmeasured("mostWatts", "a machine that tells its power", `no ina3221 in ${this.roots.sys}/class/hwmon`);
  }

  close(): void {
    clearInterval(this.#clock);
  }

  async #read(): Promise<void> {
    this.#reading = await this.sensors.read();
  }
}

const unmeasured = (key: string, expected: string, received: string): NightshiftError => new NightshiftError("E_CONFIG", { expected: `${expected}, as adaptation.${key} limits it`, received, remedy: `Leave ${key} out here.` });

/** Why programs cannot be started at idle I/O priority; undefined where they can. */
export async function whyNoIdleIo(): Promise<string | undefined> {
  try {
    await promisify(execFile)("ionice", ["-c", "3", "true"]);
    return undefined;
  } catch (error) {
    const { code, stderr = "" } = error as { code?: unknown; stderr?: string };
    return code === "ENOENT" ? "no ionice on the PATH" : stderr.trim() || String(error);
  }
}
