import { delegation } from "../../adaptation/trainer/cgroup.js";
import { type Roots, systemRoots, whyNoIdleIo } from "../../adaptation/trainer/machine.js";
import { Sensors } from "../../adaptation/trainer/sensors.js";
import { type Check, notNeeded, ok } from "./finding.js";

/** What holds the trainer to its budget beside its own priority and a look at its memory. Changes nothing. */
export const budget = (roots: Roots = systemRoots): Check => async () => {
  const [given, noIdleIo, sensors] = [await delegation(roots), await whyNoIdleIo(), await Sensors.open(roots.sys)];
  const { celsius, watts } = await sensors.read();
  return [
    "missing" in given
      ? notNeeded("cgroup to learn in", given.missing, "the kernel to hold the trainer's memory, processor and disk; its memory is looked at anyway", "Run it as a service with Delegate=cpu memory io, as samples/nightshift.service does; this is the group of doctor itself.")
      : ok("cgroup to learn in", `${given.directory} may be divided: ${given.controllers.join(", ")}`),
    noIdleIo === undefined ? ok("idle I/O priority", "by ionice") : notNeeded("idle I/O priority", noIdleIo, "a trainer that uses the disk when nobody else does", "Install util-linux."),
    celsius === undefined
      ? notNeeded("temperature", `nothing to read in ${roots.sys}/class/thermal`, "resting when it is hot (adaptation.mostCelsius)", "Leave mostCelsius out here.")
      : ok("temperature", `${celsius.toFixed(1)} °C, ${sensors.temperatureOf}`),
    watts === undefined
      ? notNeeded("power", `no ina3221 to read in ${roots.sys}/class/hwmon`, "resting when much power is taken (adaptation.mostWatts)", "Leave mostWatts out here.")
      : ok("power", `${watts.toFixed(1)} W, ${sensors.powerOf}`),
  ];
};
