import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { textIn } from "./text-in.js";

/** What a machine says of itself; left out where it does not. */
export interface Reading {
  /** Of the hottest sensor. */
  readonly celsius?: number;
  /** Of the whole module, as it is supplied. */
  readonly watts?: number;
}

/** One supply that a power monitor measures: files of millivolts and milliamperes. */
interface Rail {
  readonly name: string;
  readonly millivolts: string;
  readonly milliamperes: string;
}

/** Power-management chips of older Jetsons say 100 degrees whatever they have. */
const isMadeUp = (type: string): boolean => /pmic/i.test(type);

/** The supply of the whole module: Orin NX and Nano, Xavier NX, TX2; the first Nano. */
const inputs = ["VDD_IN", "POM_5V_IN", "5V_IN"];

/** On an AGX Orin, which has no such rail, memory is measured within VIN_SYS_5V0 already; NC is connected to nothing. */
const isCountedElsewhere = (name: string): boolean => name === "VDDQ_VDD2_1V8AO" || name === "NC";

/**
 * Temperature and power as Linux tells them in sysfs: thermal zones, and the INA3221 that Jetsons measure their supply with
 * (https://docs.kernel.org/hwmon/ina3221.html). Other machines seldom tell their power.
 */
export class Sensors {
  private constructor(
    private readonly zones: readonly string[],
    private readonly rails: readonly Rail[],
  ) {}

  /** Looks for them below a sysfs. */
  static async open(sys: string): Promise<Sensors> {
    return new Sensors(await thermalZones(join(sys, "class", "thermal")), await supply(join(sys, "class", "hwmon")));
  }

  /** What is measured, in words; empty where nothing is. */
  get temperatureOf(): string {
    return this.zones.length === 0 ? "" : `the hottest of ${this.zones.length} thermal zones`;
  }

  /** The same of power. */
  get powerOf(): string {
    return this.rails.map(({ name }) => name).join(" + ");
  }

  async read(): Promise<Reading> {
    // Zones of what is switched off cannot be read, or say -256 degrees.
    const temperatures = (await Promise.all(this.zones.map((zone) => numberIn(join(zone, "temp"))))).filter((value) => value !== undefined);
    const milliwatts = await Promise.all(this.rails.map(power));
    const isWhole = this.rails.length > 0 && milliwatts.every((value) => value !== undefined);
    return {
      ...(temperatures.length > 0 && { celsius: Math.max(...temperatures) / 1000 }),
      ...(isWhole && { watts: milliwatts.reduce((sum, value) => sum + value, 0) / 1000 }),
    };
  }
}

async function thermalZones(folder: string): Promise<readonly string[]> {
  const zones = (await namesIn(folder)).filter((name) => name.startsWith("thermal_zone")).map((name) => join(folder, name));
  const types = await Promise.all(zones.map((zone) => textIn(join(zone, "type"))));
  return zones.filter((_, at) => types[at] !== undefined && !isMadeUp(types[at]));
}

/** The module's input where it is measured, else all rails that it is made of. */
async function supply(folder: string): Promise<readonly Rail[]> {
  const rails: Rail[] = [];
  for (const chip of (await namesIn(folder)).sort()) {
    const path = join(folder, chip);
    if ((await textIn(join(path, "name"))) !== "ina3221") continue;
    // Further channels are sums that the chip makes.
    for (const channel of [1, 2, 3]) {
      const name = await textIn(join(path, `in${channel}_label`));
      const isOn = (await textIn(join(path, `in${channel}_enable`))) !== "0";
      if (name !== undefined && name !== "" && isOn) rails.push({ name, millivolts: join(path, `in${channel}_input`), milliamperes: join(path, `curr${channel}_input`) });
    }
  }
  const input = rails.find(({ name }) => inputs.includes(name));
  return input ? [input] : rails.filter(({ name }) => !isCountedElsewhere(name));
}

async function power({ millivolts, milliamperes }: Rail): Promise<number | undefined> {
  const [volts, amperes] = [await numberIn(millivolts), await numberIn(milliamperes)];
  return volts === undefined || amperes === undefined ? undefined : (volts * amperes) / 1000;
}

async function numberIn(path: string): Promise<number | undefined> {
  const text = await textIn(path);
  const value = text === undefined || text === "" ? NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** None where there is no such folder. */
const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);
