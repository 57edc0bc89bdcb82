import test from "ava";
import { checkTrainingOptions, defaultTrainingOptions, trainingOptionsFor } from "../../../sdk/adaptation/trainer/index.js";

test("options of a training that can be are taken", (t) => {
  for (const options of [{}, defaultTrainingOptions, trainingOptionsFor("night"), { steps: 0, trains: "lora:8", mostCelsius: 80 } as const]) t.notThrows(() => checkTrainingOptions(options));
});

test("options that cannot be, or are none, are refused by name", (t) => {
  const rates = { ...defaultTrainingOptions.rates, encoder: NaN };
  for (const [options, named] of [[{ duty: 0 }, /training\.duty/], [{ duty: 1.5 }, /training\.duty/], [{ steps: 1.5 }, /training\.steps/], [{ niceness: 20 }, /training\.niceness/], [{ memoryMb: 0 }, /training\.memoryMb/], [{ statisticsMix: 2 }, /training\.statisticsMix/], [{ threads: 0 }, /training\.threads/], [{ rates }, /training\.rates\.encoder/], [{ trains: "most" }, /training\.trains.*lora:r/], [{ share: 0.5 }, /share/], [{ judgeEvery: 1 }, /training\.judgeEvery/]] as const)
    t.throws(() => checkTrainingOptions(options as object), { code: "E_CONFIG", message: named });
});
