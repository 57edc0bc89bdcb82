import test from "ava";
import { Sensors } from "../../../sdk/adaptation/trainer/sensors.js";
import { type Files, powerMonitor, PretendedMachine, thermalZone } from "./pretended-machine.js";

const read = async (t: Parameters<typeof PretendedMachine.make>[0], sys: Files) => {
  const { roots } = await PretendedMachine.make(t, { sys });
  const sensors = await Sensors.open(roots.sys);
  return { ...(await sensors.read()), temperatureOf: sensors.temperatureOf, powerOf: sensors.powerOf };
};

test("an Orin NX or Nano: its hottest zone, and the rail that feeds the module", async (t) => {
  const zones = { ...thermalZone(0, "cpu-thermal", 51.5), ...thermalZone(1, "tj-thermal", 53.25), "class/thermal/thermal_zone2/type": "cv0-thermal", "class/thermal/cooling_device0/type": "pwm-fan" };
  const rails = powerMonitor(1, [["VDD_IN", 5000, 1620], ["VDD_CPU_GPU_CV", 5000, 900], ["VDD_SOC", 5000, 400]]);
  t.deepEqual(await read(t, { ...zones, ...rails }), { celsius: 53.25, watts: 8.1, temperatureOf: "the hottest of 3 thermal zones", powerOf: "VDD_IN" });
});

test("an AGX Orin, which has no such rail: the sum of those it is made of, none of them twice", async (t) => {
  const rails = { ...powerMonitor(3, [["VDD_GPU_SOC", 20000, 150], ["VDD_CPU_CV", 20000, 50], ["VIN_SYS_5V0", 5000, 600]]), ...powerMonitor(4, [["NC", 0, 0], ["VDDQ_VDD2_1V8AO", 5000, 200], undefined]) };
  t.deepEqual(await read(t, rails), { watts: 7, temperatureOf: "", powerOf: "VDD_GPU_SOC + VDD_CPU_CV + VIN_SYS_5V0" });
});

test("what is made up, switched off or not a number is left out; half a power is none", async (t) => {
  const zones = { ...thermalZone(0, "PMIC-Die", 100), ...thermalZone(1, "GPU-therm", -256), ...thermalZone(2, "CPU-therm", 47), ...thermalZone(3, "AO-therm", 60), "class/thermal/thermal_zone3/temp": "" };
  const rails = { ...powerMonitor(0, [["VDD_GPU_SOC", 20000, 150], ["VDD_CPU_CV", 20000, 50]]), "class/hwmon/hwmon0/curr2_input": "n/a", "class/hwmon/hwmon9/name": "coretemp" };
  t.deepEqual(await read(t, { ...zones, ...rails }), { celsius: 47, temperatureOf: "the hottest of 3 thermal zones", powerOf: "VDD_GPU_SOC + VDD_CPU_CV" });
});

test("a machine that tells neither", async (t) => {
  t.deepEqual(await read(t, {}), { temperatureOf: "", powerOf: "" });
});
