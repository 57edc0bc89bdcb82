import test, { type ExecutionContext } from "ava";
import { judge, type Measurements, type ModelMeasurement } from "../../sdk/adaptation/judge/index.js";
import { AdaptationLoop, type LoopParts } from "../../sdk/adaptation/loop.js";
import { FrameMemory } from "../../sdk/adaptation/memory.js";
import { WeatherMonitor } from "../../sdk/adaptation/monitor/index.js";
import type { LoopOptions } from "../../sdk/adaptation/options.js";
import type { Trainer, TrainingJob } from "../../sdk/adaptation/trainer/index.js";
import { GenerationStore, readBundle, readSignerOf, writeBundle } from "../../sdk/bundle/index.js";
import type { Perception } from "../../sdk/engine/perception.js";
import { NightshiftError } from "../../sdk/errors.js";
import type { StreamEvent } from "../../sdk/stream/events.js";
import { temporaryFolder } from "../bundle/contents.js";
import { type Look, picture } from "./pictures.js";
import { names, network, tinyBundle } from "./tiny-bundle.js";

const before: ModelMeasurement = {
  finite: true,
  exemplars: { miou: 60, perClass: { road: 60 }, frames: 8 },
  restyled: { miou: 30, perClass: { road: 30 }, frames: 8 },
  target: { consistency: 50, confidence: 60, shares: { road: 0.6, sky: 0.4 }, frames: 8 },
  latencyMs: 20,
};
const helpful: Measurements = { before, after: { ...before, restyled: { ...before.restyled, miou: 40 } }, deployedDisagreement: 0 };
const harmful: Measurements = { before, after: { ...before, exemplars: { miou: 20, perClass: { road: 20 }, frames: 8 } }, deployedDisagreement: 0 };

/** Writes the bundle that it started from as the new generation, and measures what it is told to. */
class InstantTrainer implements Trainer {
  readonly jobs: TrainingJob[] = [];
  outcome: Measurements | NightshiftError = helpful;
  /** Happens while it trains. */
  meanwhile: () => void = () => undefined;

  async train(job: TrainingJob, onProgress: Parameters<Trainer["train"]>[1], signal: AbortSignal) {
    this.jobs.push(job);
    onProgress({ phase: "learning", step: 1, steps: 1, losses: { total: 1, supervised: 1, lmc: 1, selfTraining: 1, align: 1 } });
    const bundle = await readBundle(job.bundleDirectory);
    const { manifest, weights, golden, notice } = bundle;
    const { formatVersion: _, files: __, exemplars: ___, ...description } = manifest;
    await writeBundle(job.outDirectory, { description: { ...description, generation: job.generation, parent: manifest.generation, condition: job.condition }, weights, embeddings: bundle.embeddings(), golden, notice });
    this.meanwhile();
    signal.throwIfAborted();
    if (this.outcome instanceof NightshiftError) throw this.outcome;
    onProgress({ phase: "measuring", step: 1, steps: 1 });
    return { directory: job.outDirectory, generation: job.generation, measurements: this.outcome, seconds: 1, losses: [] };
  }
}

class Setting {
  readonly events: StreamEvent[] = [];
  readonly trainer = new InstantTrainer();
  generation = 0;
  readonly swaps: string[] = [];
  nowMs = 0;
  confidence = 200;
  #sequence = 0;
  private constructor(
    readonly store: GenerationStore,
    readonly make: (parts: Pick<LoopParts, "engine" | "trainer" | "generations"> & { options: Partial<LoopOptions> }, onEvent: (event: StreamEvent) => void) => AdaptationLoop,
    readonly memory: FrameMemory,
    options: Partial<LoopOptions>,
  ) {
    const history: number[] = [];
    const engine = {
      swap: async (directory: string) => {
        const { manifest } = await readBundle(directory);
        history.push(this.generation);
        this.swaps.push(directory);
        return (this.generation = manifest.generation);
      },
      rollBack: async () => (this.generation = history.pop()!),
    };
    this.loop = make({ engine, trainer: this.trainer, generations: store, options: { framesWanted: 8, offerEvery: 1, triggerFrames: 3, now: () => this.nowMs, ...options } }, (event) => this.events.push(event));
  }

  readonly loop: AdaptationLoop;

  static async open(t: ExecutionContext, options: Partial<LoopOptions> = {}): Promise<Setting> {
    const folder = await temporaryFolder(t);
    const bundle = await tinyBundle(folder);
    const memory = new FrameMemory({ width: network.width, height: network.height, capacity: 16, leastNovelty: 0.0001 });
    const make: Setting["make"] = (parts, onEvent) => new AdaptationLoop({ bundle, delivered: bundle, memory, monitor: new WeatherMonitor(), judge: (measured) => judge(measured), ...parts }, onEvent);
    return new Setting(await GenerationStore.open(folder), make, memory, options);
  }

  /** Shows so many frames, each after what the one before it began has ended. */
  async show(look: Look, count: number, change: Partial<Perception> = {}): Promise<void> {
    for (let at = 0; at < count; at++) {
      this.see(look, change);
      await this.loop.settled();
    }
  }

  see(look: Look, change: Partial<Perception> = {}): void {
    const frame = picture(look, this.#sequence++, 160, 90);
    const { camera, sequence, captureTimeNs } = frame;
    const { width, height } = network;
    const mask = Uint8Array.from({ length: width * height }, (_, pixel) => (pixel < 500 ? 2 : pixel % 11 === 0 ? 1 : 0));
    const timings = { queueMs: 1, inferenceMs: 1, totalMs: 2 };
    const maskScore = new Uint8Array((width * height) / 16).fill(this.confidence);
    this.loop.observe(frame, { camera, sequence, captureTimeNs, generation: this.generation, vocabulary: names, width, height, mask, maskScore, boxes: [], cameraWidth: 160, cameraHeight: 90, valid: true, invalidReasons: [], timings, ...change });
  }

  kinds(): string[] {
    return this.events.map(({ kind }) => kind).filter((kind) => kind !== "trainer_progress");
  }
}

test("night falls, the network learns, the judge accepts, the weights change, probation passes", async (t) => {
  const setting = await Setting.open(t, { furtherRounds: 0 });
  await setting.show("day", 20);
  t.is(setting.loop.state, "idle");
  await setting.show("night", 40);
  t.is(setting.loop.state, "probation");
  t.deepEqual(setting.kinds(), ["weather_changed", "weather_changed", "trigger", "trainer_started", "verdict", "generation_swapped"]);
  await setting.show("night", 120);
  t.is(setting.loop.state, "idle");
  t.deepEqual(setting.loop.counters, { triggers: 1, verdicts: { accepted: 1, rejected: 0 }, generations: 1, rolledBack: 0, trainerFailures: 0 });
  t.is(await setting.store.current(), 1);
  t.is(await readSignerOf(setting.store.pathOf(1)), await setting.store.publicKey(), "what was judged is signed");
  const [job] = setting.trainer.jobs;
  t.is(job?.condition, "night");
  t.true((job?.targets.length ?? 0) >= 8);
  t.is(job?.targets[0]?.length, network.width * network.height * 3);
  const verdict = setting.events.find(({ kind }) => kind === "verdict");
  t.like(verdict?.details, { accepted: true, generation: 1, condition: "night", numbers: { targetScore: { gain: 7.5 } } });
});

test("what the judge rejects is never swapped in, leaves no files, and is not tried again at once", async (t) => {
  const setting = await Setting.open(t, { furtherRounds: 9, furtherAfterFrames: 5 });
  setting.trainer.outcome = harmful;
  await setting.show("day", 20);
  await setting.show("night", 60);
  t.is(setting.generation, 0);
  t.deepEqual(setting.swaps, []);
  t.deepEqual(await setting.store.list(), []);
  t.deepEqual(setting.loop.counters.verdicts, { accepted: 0, rejected: 1 });
  t.true(setting.kinds().includes("generation_rejected"));
  setting.nowMs += 10 * 60_000;
  await setting.show("night", 20);
  t.is(setting.loop.counters.verdicts.rejected, 2, "after the back-off, again");
});

test("worse answers after a swap bring the previous generation back", async (t) => {
  const setting = await Setting.open(t, { triggerFrames: 25 });
  await setting.show("day", 20);
  await setting.show("night", 50);
  t.is(setting.generation, 1);
  setting.confidence = 120;
  await setting.show("night", 30);
  t.is(setting.generation, 0);
  t.is(setting.loop.state, "idle");
  t.is(setting.loop.counters.rolledBack, 1);
  t.is(await setting.store.current(), undefined);
  const event = setting.events.find(({ kind }) => kind === "rolled_back");
  t.regex(event?.text ?? "", /mean confidence fell from 0.78 to 0\.\d\d/);
});

test("a trainer that fails leaves the stream alone, waits longer each time, and is paused in the end", async (t) => {
  const setting = await Setting.open(t, { mostFailures: 3 });
  setting.trainer.outcome = new NightshiftError("E_TRAINER", { expected: "life", received: "SIGKILL", remedy: "None." });
  await setting.show("day", 20);
  await setting.show("night", 40);
  t.is(setting.trainer.jobs.length, 1, "no second attempt within the back-off");
  for (const [waitMs, attempts] of [[31_000, 2], [31_000, 2], [31_000, 3]] as const) {
    setting.nowMs += waitMs;
    await setting.show("night", 3);
    t.is(setting.trainer.jobs.length, attempts);
  }
  t.deepEqual(setting.kinds().slice(-2), ["trainer_failed", "adaptation_paused"]);
  t.true(setting.loop.isPaused);
  t.deepEqual(await setting.store.list(), [], "half a generation is removed");
  t.is(setting.loop.weather?.condition, "night", "frames are still looked at");
});

test("parked and paused, nothing starts; a parked vehicle's frames are not learnt from", async (t) => {
  const setting = await Setting.open(t);
  setting.loop.vehicle({ parked: true });
  await setting.show("night", 40);
  t.is(setting.memory.counters.held, 0);
  t.throws(() => setting.loop.adaptNow(), { code: "E_CONTROL" });
  setting.loop.vehicle({ parked: false });
  setting.loop.pause();
  await setting.show("night", 40);
  t.throws(() => setting.loop.adaptNow(), { code: "E_CONTROL" });
  t.is(setting.trainer.jobs.length, 0);
  setting.loop.resume();
  await setting.show("night", 5);
  t.is(setting.trainer.jobs.length, 1);
});

test("unfit and invalid frames are not learnt from", async (t) => {
  const setting = await Setting.open(t);
  await setting.show("night", 15);
  const { held } = setting.memory.counters;
  await setting.show("black", 10);
  await setting.show("night", 10, { valid: false });
  t.is(setting.memory.counters.held, held);
});

test("adapts when asked, by day too", async (t) => {
  const setting = await Setting.open(t);
  await setting.show("day", 30);
  t.is(setting.trainer.jobs.length, 0);
  setting.loop.adaptNow();
  await setting.show("day", 2);
  t.is(setting.trainer.jobs.length, 1);
  t.is(setting.trainer.jobs[0]?.condition, "clear");
  t.is(setting.events.find(({ kind }) => kind === "trigger")?.details.reason, "it was asked for");
});

test("rolls back when asked, and refuses where there is nothing before", async (t) => {
  const setting = await Setting.open(t);
  await setting.show("day", 20);
  await setting.show("night", 40);
  t.is(setting.generation, 1);
  await setting.loop.rollBack();
  t.is(setting.generation, 0);
  t.is(setting.kinds().at(-1), "rolled_back");
});

test("goes on learning while a condition lasts, each time from what serves", async (t) => {
  const setting = await Setting.open(t, { furtherRounds: 2, furtherAfterFrames: 20 });
  await setting.show("day", 20);
  await setting.show("night", 500);
  t.deepEqual(setting.trainer.jobs.map(({ generation }) => generation), [1, 2, 3]);
  t.is(setting.trainer.jobs[1]?.bundleDirectory, setting.swaps[0]);
  t.is(setting.generation, 3);
});

test("the day brings the delivered weights back, and the next night what was learnt in the last one", async (t) => {
  const setting = await Setting.open(t, { furtherRounds: 0 });
  await setting.show("day", 20);
  await setting.show("night", 160);
  t.is(setting.generation, 1);
  await setting.show("day", 40);
  t.is(setting.generation, 0);
  t.is(await setting.store.current(), undefined);
  t.is(setting.loop.state, "idle");
  setting.trainer.outcome = harmful;
  await setting.show("night", 20);
  t.is(setting.generation, 1);
  t.is(await setting.store.current(), 1);
  t.deepEqual(await setting.store.shelf(), { night: 1 });
  t.is(setting.loop.state, "probation", "it is watched as a new one is");
  await setting.show("night", 120);
  t.is(setting.trainer.jobs.length, 2);
  t.is(setting.trainer.jobs[1]?.bundleDirectory, setting.store.pathOf(1), "learning goes on from it");
  t.is(setting.generation, 1);
  const turns = setting.events.filter(({ kind }) => kind === "generation_swapped").map(({ details: { from, generation, condition } }) => [from, generation, condition]);
  t.deepEqual(turns, [[0, 1, "night"], [1, 0, "clear"], [0, 1, "night"]]);
});

test("what is accepted when its night is over waits for the next", async (t) => {
  const setting = await Setting.open(t, { furtherRounds: 0 });
  await setting.show("day", 20);
  setting.trainer.meanwhile = () => {
    for (let at = 0; at < 30; at++) setting.see("day");
  };
  await setting.show("night", 40);
  t.is(setting.loop.weather?.condition, "night", "it was day while it trained, then night again");
  const kinds = setting.kinds();
  t.true(kinds.includes("generation_shelved"));
  t.is(setting.generation, 1);
  t.is(setting.loop.counters.generations, 1);
});

test("a generation that is taken back is off the shelf", async (t) => {
  const setting = await Setting.open(t, { furtherRounds: 1, furtherAfterFrames: 5 });
  await setting.show("day", 20);
  await setting.show("night", 300);
  t.deepEqual(await setting.store.shelf(), { night: 2 });
  await setting.loop.rollBack();
  t.deepEqual(await setting.store.shelf(), { night: 1 });
  await setting.show("day", 40);
  await setting.show("night", 20);
  t.is(setting.generation, 1);
});

test("while paused, the weights stay whatever the weather", async (t) => {
  const setting = await Setting.open(t, { furtherRounds: 0 });
  await setting.show("day", 20);
  await setting.show("night", 160);
  setting.loop.pause();
  await setting.show("day", 40);
  t.is(setting.generation, 1);
});
