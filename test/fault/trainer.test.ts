import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { defaultLearningRates } from "../../sdk/adaptation/learner.js";
import { defaultTrainingOptions, Machine, TrainerProcess, type TrainingJob, type TrainingOptions, type TrainingProgress } from "../../sdk/adaptation/trainer/index.js";
import { NightshiftError } from "../../sdk/errors.js";
import { Setting } from "../adaptation/setting.js";
import { frames, names, tinyBundle } from "../adaptation/tiny-bundle.js";
import { PretendedMachine, thermalZone } from "../adaptation/trainer/pretended-machine.js";
import { temporaryFolder } from "../bundle/contents.js";
import { needs } from "../support/shared.js";

async function jobIn(t: ExecutionContext, options: Partial<TrainingOptions>): Promise<TrainingJob> {
  const folder = await temporaryFolder(t);
  const { directory } = await tinyBundle(folder);
  const all = { ...defaultTrainingOptions, learner: "in-memory", niceness: 0, judgeFrames: 4, ...options } as const;
  return { bundleDirectory: directory, outDirectory: join(folder, "1"), generation: 1, condition: "night", vocabulary: names, targets: frames("night", 16), exemplars: [], options: all };
}

const never = new AbortController().signal;

test.serial("a trainer that hangs: ended after its time of silence, and the next training goes through", async (t) => {
  const job = await jobIn(t, { steps: 100_000 });
  const trainer = new TrainerProcess({ silenceMs: 8000 });
  const hung = trainer.train(job, ({ step }) => void (step === 2 && trainer.pid !== undefined && process.kill(trainer.pid, "SIGSTOP")), never);
  t.regex((await t.throwsAsync(hung, { code: "E_TRAINER" }))?.message ?? "", /none for 8000 ms/);
  t.is(trainer.pid, undefined);
  t.is((await trainer.train({ ...job, options: { ...job.options, steps: 1 } }, () => undefined, never)).generation, 1);
});

test.serial("a trainer that runs out of memory: its process ends, the stream's does not, and nothing is left where the generation would be", async (t) => {
  const job = await jobIn(t, { steps: 2 });
  await t.throwsAsync(new TrainerProcess({ heapMb: 6 }).train(job, () => undefined, never), { code: "E_TRAINER" });
  t.false(existsSync(job.outDirectory));
});

test.serial("a trainer that takes more memory than its budget: ended and told, and the stream's process is not touched", async (t) => {
  if (!needs(t, process.platform === "linux", "Linux's /proc", "run it there")) return;
  const trainer = new TrainerProcess({ lookEveryMs: 20 });
  const job = await jobIn(t, { steps: 100_000, memoryMb: 128 });
  const training = trainer.train({ ...job, targets: Array.from({ length: 4000 }, () => new Uint8Array(job.targets[0]?.length ?? 0)) }, () => undefined, never);
  t.regex((await t.throwsAsync(training, { code: "E_TRAINER" }))?.message ?? "", /a training in 128 MB.*\d+ MB.*adaptation\.memoryMb/s);
  t.is(trainer.pid, undefined);
  t.deepEqual(trainer.present, {});
});

test.serial("a machine that gets too hot: learning rests between two steps, is not taken to be hung, and goes on when it has cooled", async (t) => {
  const pretended = await PretendedMachine.make(t, { sys: thermalZone(0, "tj-thermal", 60) });
  const machine = await Machine.open(pretended.roots);
  t.teardown(() => machine.close());
  const trainer = new TrainerProcess({ silenceMs: 8000, lookEveryMs: 50, leastRestMs: 0 }, machine);
  const seen: TrainingProgress[] = [];
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  const training = trainer.train(await jobIn(t, { steps: 100_000, mostCelsius: 80 }), (progress) => void seen.push(progress), abort.signal);
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await sleep(10);
  };
  await until(() => (seen.at(-1)?.step ?? 0) >= 2);
  t.is(trainer.present.restsFor, undefined);
  await pretended.heat(85);
  await until(() => trainer.present.restsFor === "temperature");
  t.deepEqual(seen.find(({ rest }) => rest)?.rest, { because: "temperature", celsius: 85 });
  // What was begun is ended first.
  let length = 0;
  while (seen.length > length) {
    ({ length } = seen);
    await sleep(1000);
  }
  await sleep(8000);
  t.is(seen.length, length, "it rests, for longer than a trainer may be silent");
  await pretended.heat(70);
  await until(() => seen.length > length + 2);
  t.is(seen[length]?.rest, undefined);
  t.is(trainer.present.restsFor, undefined);
  abort.abort();
  await t.throwsAsync(training, { code: "E_TRAINER" });
});

test.serial("a training that explodes: no generation comes of it", async (t) => {
  const job = await jobIn(t, { steps: 2, rates: { ...defaultLearningRates, decoder: 1e30 } });
  const error = await t.throwsAsync(new TrainerProcess().train(job, () => undefined, never), { code: "E_TRAINER" });
  t.regex(error?.message ?? "", /E_WEIGHTS_NOT_FINITE/);
  t.false(existsSync(job.outDirectory));
});

test.serial("a trainer that fails again and again: adaptation is off in the end, with an event, and frames are looked at as ever", async (t) => {
  const setting = await Setting.open(t, { mostFailures: 3 });
  setting.trainer.outcome = new NightshiftError("E_TRAINER", { expected: "life", received: "SIGKILL", remedy: "None." });
  await setting.show("day", 20);
  for (let round = 0; round < 4; round++) {
    await setting.show("night", 20);
    setting.nowMs += 20 * 60_000;
  }
  t.is(setting.trainer.jobs.length, 3);
  t.deepEqual(setting.kinds().slice(-2), ["trainer_failed", "adaptation_paused"]);
  t.is(setting.loop.weather?.condition, "night");
});
