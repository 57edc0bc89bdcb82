import test from "ava";
import { checkTrainingOptions, defaultTrainingOptions, trainingOptionsFor } from "../../../sdk/adaptation/trainer/index.js";

test("options of a training that can be are taken", (t) => {
  for (const options of [{}, defaultTrainingOptions, trainingOptionsFor("night"), { steps: 0, trains: "lora:8", mostCelsius: 80 }, { method: "entropy" }] as const) t.notThrows(() => checkTrainingOptions(options));
});

test("options that cannot be, or are none, are refused by name", (t) => {
  const rates = { ...defaultTrainingOptions.rates, encoder: NaN };
  for (const [options, named] of [[{ duty: 0 }, /training\.duty/], [{ duty: 1.5 }, /training\.duty/], [{ steps: 1.5 }, /training\.steps/], [{ niceness: 20 }, /training\.niceness/], [{ memoryMb: 0 }, /training\.memoryMb/], [{ statisticsMix: 2 }, /training\.statisticsMix/], [{ threads: 0 }, /training\.threads/], [{ rates }, /training\.rates\.encoder/], [{ trains: "most" }, /training\.trains.*lora:r/], [{ share: 0.5 }, /share/], [{ judgeEvery: 1 }, /training\.judgeEvery/], [{ method: "magic" }, /training\.method/]] as const)
    t.throws(() => checkTrainingOptions(options as object), { code: "E_CONFIG", message: named });
});

test("a method changes what it must of a condition's options, and what is told besides goes before it", (t) => {
  const night = trainingOptionsFor("night");
  const { rates, ...entropy } = trainingOptionsFor("night", { method: "entropy", threads: 3 });
  t.deepEqual(entropy, { ...entropy, statisticsMix: night.statisticsMix, trains: "norm", threads: 3 });
  t.deepEqual(rates, { ...night.rates, supervised: 0, selfTraining: 0, lmc: 0, align: 0, entropy: 1, alpha: 0 });
  t.is(trainingOptionsFor("dusk", { method: "entropy", steps: 5 }).steps, 5);
  t.is(trainingOptionsFor("dusk", { method: "statistics" }).steps, 0);
  t.deepEqual(trainingOptionsFor("night", { method: "whole" }), night);
  t.false("method" in trainingOptionsFor("night", { method: "self-training" }), "options are what it became");
});
