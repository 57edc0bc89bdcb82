import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { defaultLearningRates } from "../../../sdk/adaptation/learner.js";
import { defaultTrainingOptions, Machine, TrainerProcess, type TrainingJob, type TrainingOptions, type TrainingProgress } from "../../../sdk/adaptation/trainer/index.js";
import { readBundle } from "../../../sdk/bundle/index.js";
import { temporaryFolder } from "../../bundle/contents.js";
import { noNative } from "../../engine/engines.js";
import { absent } from "../../support/absent.js";
import { needs } from "../../support/shared.js";
import { exemplars, frames, names, tinyBundle } from "../tiny-bundle.js";
import { delegated, PretendedMachine } from "./pretended-machine.js";

async function jobIn(t: ExecutionContext, options: Partial<TrainingOptions> = {}): Promise<TrainingJob> {
  const folder = await temporaryFolder(t);
  const { directory } = await tinyBundle(folder);
  return {
    bundleDirectory: directory,
    outDirectory: join(folder, "1"),
    generation: 1,
    condition: "night",
    vocabulary: names,
    targets: frames("night", 16),
    exemplars: [],
    options: { ...defaultTrainingOptions, learner: "in-memory", niceness: 0, steps: 5, ...options },
  };
}

const never = new AbortController().signal;

test.serial("trains in another process and leaves a judged, readable bundle", async (t) => {
  const job = await jobIn(t);
  const trainer = new TrainerProcess();
  const seen: TrainingProgress[] = [];
  const result = await trainer.train({ ...job, exemplars: [{ name: "own", names, boxNames: [], samples: exemplars(8) }] }, (progress) => seen.push(progress), never);
  t.deepEqual([...new Set(seen.map(({ phase }) => phase))], ["statistics", "learning", "writing", "measuring"]);
  t.deepEqual(seen.filter(({ phase }) => phase === "learning").map(({ step }) => step), [1, 2, 3, 4, 5]);
  t.is(result.losses.length, 5);
  const { manifest, weights } = await readBundle(result.directory);
  t.is(manifest.generation, 1);
  t.is(manifest.parent, 0);
  t.is(manifest.condition, "night");
  t.deepEqual(manifest.exemplars?.ids.length, 20, "exemplars travel on");
  const parent = await readBundle(job.bundleDirectory);
  t.notDeepEqual([...weights.values()][0]?.data, [...parent.weights.values()][0]?.data);
  const { before, after, deployedDisagreement } = result.measurements;
  t.true(after.finite && before.finite);
  t.is(before.target.frames, 4);
  t.is(before.exemplars.frames, 7, "every fourth of 20 and of 8");
  t.true(Object.keys(before.exemplars.perClass).includes("own: road"));
  t.true(deployedDisagreement >= 0 && deployedDisagreement < 20);
  t.is(trainer.pid, undefined, "the process is gone");
});

test.serial("learns with language-guided masked consistency", async (t) => {
  const job = await jobIn(t, { learner: "lmc", steps: 3 });
  const { losses, measurements } = await new TrainerProcess().train(job, () => {}, never);
  t.is(losses.length, 3);
  for (const { total, supervised } of losses) t.true(Number.isFinite(total) && supervised > 0);
  t.true(measurements.after.finite);
});

test.serial("learns the same to the bit with steps from the native module, or tells why it does not", async (t) => {
  const job = await jobIn(t, { learner: "lmc", steps: 2, engine: "native" });
  const refused = await t.throwsAsync(new TrainerProcess().train({ ...job, options: { ...job.options, provider: "abacus" } }, () => {}, never), { code: "E_TRAINER" });
  t.regex(refused?.message ?? "", noNative === undefined ? /E_PROVIDER/ : /E_NATIVE/);
  if (noNative !== undefined) return absent(t, noNative);
  const native = await new TrainerProcess().train(job, () => {}, never);
  const usual = await new TrainerProcess().train({ ...job, outDirectory: `${job.outDirectory}-usual`, options: { ...job.options, engine: "onnxruntime" } }, () => {}, never);
  t.deepEqual(native.losses, usual.losses);
  t.deepEqual((await readBundle(native.directory)).weights, (await readBundle(usual.directory)).weights);
});

test.serial("runs at low priority, first to go where memory runs out, one training at a time", async (t) => {
  const job = await jobIn(t, { steps: 12, niceness: 19 });
  const trainer = new TrainerProcess();
  let [niceness, score]: (string | undefined)[] = [];
  const training = trainer.train(job, ({ phase }) => {
    if (phase !== "learning" || process.platform !== "linux") return;
    niceness ??= readFileSync(`/proc/${trainer.pid}/stat`, "utf8").split(") ")[1]?.split(" ")[16];
    score ??= readFileSync(`/proc/${trainer.pid}/oom_score_adj`, "utf8").trim();
  }, never);
  await t.throwsAsync(trainer.train(job, () => {}, never), { code: "E_TRAINER" });
  await training;
  if (process.platform === "linux") t.deepEqual([niceness, score], ["19", "1000"]);
});

test.serial("uses the disk when nobody else does, in every thread, where ionice is there", async (t) => {
  if (!needs(t, spawnSync("ionice", ["-c", "3", "true"]).status === 0, "ionice", "apt-get install util-linux")) return;
  const machine = await Machine.open((await PretendedMachine.make(t)).roots);
  const trainer = new TrainerProcess({}, machine);
  let told = "";
  await trainer.train(await jobIn(t), ({ phase }) => {
    if (phase === "learning") told ||= spawnSync("sh", ["-c", `ionice -p $(ls /proc/${trainer.pid}/task)`], { encoding: "utf8" }).stdout;
  }, never);
  t.deepEqual([...new Set(told.trim().split("\n"))], ["idle"]);
});

test.serial("is in a cgroup of its own, with its limits, where that was delegated", async (t) => {
  const pretended = await PretendedMachine.make(t, delegated);
  const machine = await Machine.open(pretended.roots);
  const trainer = new TrainerProcess({}, machine);
  let pid = 0;
  await trainer.train(await jobIn(t, { memoryMb: 700 }), () => void (pid = trainer.pid ?? pid), never);
  const [held, limit] = ["cgroup.procs", "memory.max"].map((file) => readFileSync(join(pretended.roots.cgroups, "system.slice/nightshift.service", `trainer-${pid}`, file), "utf8"));
  t.deepEqual([held, limit], [String(pid), String(700 * 2 ** 20)]);
});

test.serial("a cgroup that cannot be made any more is told, and nothing is trained outside of one", async (t) => {
  const { roots } = await PretendedMachine.make(t, delegated);
  const trainer = new TrainerProcess({}, await Machine.open(roots));
  const group = join(roots.cgroups, "system.slice/nightshift.service");
  rmSync(group, { recursive: true });
  writeFileSync(group, "");
  const error = await t.throwsAsync(trainer.train(await jobIn(t), () => t.fail("it trains"), never), { code: "E_TRAINER" });
  t.regex(error?.message ?? "", /a cgroup to train in.*(ENOTDIR|EEXIST)/s);
  t.is(trainer.pid, undefined);
});

test.serial("a training that the kernel ends at its limit is told as such", async (t) => {
  const pretended = await PretendedMachine.make(t, delegated);
  const trainer = new TrainerProcess({}, await Machine.open(pretended.roots));
  const training = trainer.train(await jobIn(t, { steps: 100_000, memoryMb: 700 }), ({ step }) => {
    if (step !== 2 || trainer.pid === undefined) return;
    writeFileSync(join(pretended.roots.cgroups, "system.slice/nightshift.service", `trainer-${trainer.pid}`, "memory.events"), "oom 1\noom_kill 1\n");
    process.kill(trainer.pid, "SIGKILL");
  }, never);
  t.regex((await t.throwsAsync(training, { code: "E_TRAINER" }))?.message ?? "", /a training in 700 MB.*the kernel ended it/s);
});

test.serial("a killed trainer is an error, and nothing is left where the generation would be", async (t) => {
  const job = await jobIn(t, { steps: 100_000 });
  const trainer = new TrainerProcess();
  const training = trainer.train(job, ({ step }) => void (step === 3 && trainer.pid !== undefined && process.kill(trainer.pid, "SIGKILL")), never);
  const error = await t.throwsAsync(training, { code: "E_TRAINER" });
  t.regex(error?.message ?? "", /SIGKILL/);
  t.false(existsSync(job.outDirectory));
  t.is(trainer.pid, undefined);
});

test.serial("a trainer that falls silent is ended", async (t) => {
  const job = await jobIn(t, { steps: 100_000 });
  const trainer = new TrainerProcess({ silenceMs: 3000 });
  const training = trainer.train(job, ({ step }) => void (step === 2 && trainer.pid !== undefined && process.kill(trainer.pid, "SIGSTOP")), never);
  const error = await t.throwsAsync(training, { code: "E_TRAINER" });
  t.regex(error?.message ?? "", /none for 3000 ms/);
});

test.serial("can be stopped at any time", async (t) => {
  const job = await jobIn(t, { steps: 100_000 });
  const trainer = new TrainerProcess();
  const abort = new AbortController();
  const training = trainer.train(job, ({ step }) => void (step === 2 && abort.abort()), abort.signal);
  await t.throwsAsync(training, { code: "E_TRAINER" });
  t.false(existsSync(job.outDirectory));
});

test.serial("learning that diverges is told as such", async (t) => {
  const job = await jobIn(t, { rates: { ...defaultLearningRates, decoder: 1e30 } });
  const error = await t.throwsAsync(new TrainerProcess().train(job, () => {}, never), { code: "E_TRAINER" });
  t.regex(error?.message ?? "", /E_WEIGHTS_NOT_FINITE|E_GOLDEN/);
  t.false(existsSync(job.outDirectory));
});

test.serial("a bundle that is not there, too few frames, and no exemplars are told as such", async (t) => {
  const job = await jobIn(t);
  const failing = (change: Partial<TrainingJob>) => t.throwsAsync(new TrainerProcess().train({ ...job, ...change }, () => {}, never), { code: "E_TRAINER" });
  t.regex((await failing({ bundleDirectory: "/nowhere" }))?.message ?? "", /E_BUNDLE_MISSING/);
  t.regex((await failing({ targets: job.targets.slice(0, 2) }))?.message ?? "", /target frames/);
  const bare = await tinyBundle(await temporaryFolder(t), undefined, 0);
  t.regex((await failing({ bundleDirectory: bare.directory }))?.message ?? "", /E_DATASET_UNLABELLED/);
});

test.serial("a training that is given up leaves no process", async (t) => {
  const job = await jobIn(t, { steps: 100_000 });
  const trainer = new TrainerProcess();
  const abort = new AbortController();
  let pid = 0;
  await t.throwsAsync(trainer.train(job, ({ step }) => {
    pid = trainer.pid ?? 0;
    if (step === 1) abort.abort();
  }, abort.signal));
  for (let tries = 0; tries < 50 && isAlive(pid); tries++) await sleep(100);
  t.false(isAlive(pid));
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test.serial("where no share of what was learnt passes, all of it is written, as without shares", async (t) => {
  // Steps that only move weights at random: nothing passes.
  const job = await jobIn(t, { steps: 3 });
  const alone = await new TrainerProcess().train(job, () => {}, never);
  const tried = await new TrainerProcess().train({ ...job, outDirectory: `${job.outDirectory}-tried`, lesserShares: [0.5] }, () => {}, never);
  t.is(tried.share, 1);
  t.deepEqual((await readBundle(tried.directory)).weights, (await readBundle(alone.directory)).weights);
});
