import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { Machine } from "../../../sdk/adaptation/trainer/machine.js";
import { delegated, powerMonitor, PretendedMachine, thermalZone } from "./pretended-machine.js";

test("what holds a trainer is told, and what does not, with the reason", async (t) => {
  const all = await PretendedMachine.make(t, { ...delegated, proc: { ...delegated.proc, [`${process.pid}/status`]: "VmRSS:\t 2048 kB" } });
  const machine = await Machine.open(all.roots);
  t.teardown(() => machine.close());
  t.true(machine.holds.includes("cgroup: memory.max, cpu.weight, io.weight"));
  t.true(machine.holds.includes("resident memory, looked at while it learns"));
  t.true(machine.lacks.includes("cgroup: no memory.swap.max here"));
  t.true(machine.holds.includes("idle I/O priority") || machine.lacks.some((lack) => lack.startsWith("idle I/O priority: ")), "one or the other");

  const none = await Machine.open((await PretendedMachine.make(t)).roots);
  t.teardown(() => none.close());
  t.is(none.cgroup, undefined);
  t.true(none.lacks.some((lack) => /^cgroup: no cgroup v2 at /.test(lack)));
  t.true(none.lacks.some((lack) => /^resident memory: .*proc does not tell it$/.test(lack)));
});

test("the sensors are read while it is open; a limit of what is not measured is refused", async (t) => {
  const pretended = await PretendedMachine.make(t, { sys: thermalZone(0, "cpu-thermal", 60) });
  const machine = await Machine.open(pretended.roots);
  t.teardown(() => machine.close());
  t.deepEqual(machine.reading, { celsius: 60 });
  await pretended.heat(71);
  while (machine.reading.celsius !== 71) await sleep(20);
  machine.require({ mostCelsius: 80 });
  const error = t.throws(() => machine.require({ mostCelsius: 80, mostWatts: 10 }), { code: "E_CONFIG" });
  t.regex(error?.message ?? "", /adaptation\.mostWatts.*no ina3221/s);
  const powered = await Machine.open((await PretendedMachine.make(t, { sys: powerMonitor(0, [["VDD_IN", 5000, 1000]]) })).roots);
  t.teardown(() => powered.close());
  powered.require({ mostWatts: 10 });
  t.throws(() => powered.require({ mostCelsius: 80 }), { code: "E_CONFIG", message: /no thermal zone/ });
});
