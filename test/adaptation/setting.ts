import type { ExecutionContext } from "ava";
import { judge, type Measurements, type ModelMeasurement } from "../../sdk/adaptation/judge/index.js";
import { AdaptationLoop, type LoopParts } from "../../sdk/adaptation/loop.js";
import { FrameMemory } from "../../sdk/adaptation/memory.js";
import { WeatherMonitor } from "../../sdk/adaptation/monitor/index.js";
import type { LoopOptions } from "../../sdk/adaptation/options.js";
import type { Trainer, TrainingJob, TrainingProgress } from "../../sdk/adaptation/trainer/index.js";
import type { Disk } from "../../sdk/bundle/disk.js";
import { descriptionOf, GenerationStore, readBundle, writeBundle } from "../../sdk/bundle/index.js";
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
export const helpful: Measurements = { before, after: { ...before, restyled: { ...before.restyled, miou: 40 } }, deployedDisagreement: 0 };
export const harmful: Measurements = { before, after: { ...before, exemplars: { miou: 20, perClass: { road: 20 }, frames: 8 } }, deployedDisagreement: 0 };

/** Writes the bundle that it started from as the new generation, and measures what it is told to. */
export class InstantTrainer implements Trainer {
  readonly jobs: TrainingJob[] = [];
  outcome: Measurements | NightshiftError = helpful;
  /** What it tells first. */
  progress: readonly TrainingProgress[] = [{ phase: "learning", step: 1, steps: 1, losses: { total: 1, supervised: 1, lmc: 1, selfTraining: 1, align: 1 } }];
  /** Happens while it trains. */
  meanwhile: () => void = () => undefined;

  async train(job: TrainingJob, onProgress: Parameters<Trainer["train"]>[1], signal: AbortSignal) {
    this.jobs.push(job);
    this.progress.forEach(onProgress);
    const bundle = await readBundle(job.bundleDirectory);
    const { manifest, weights, golden, notice } = bundle;
    const description = descriptionOf(manifest);
    await writeBundle(job.outDirectory, { description: { ...description, generation: job.generation, parent: manifest.generation, condition: job.condition }, weights, embeddings: bundle.embeddings(), golden, notice });
    this.meanwhile();
    signal.throwIfAborted();
    if (this.outcome instanceof NightshiftError) throw this.outcome;
    onProgress({ phase: "measuring", step: 1, steps: 1 });
    return { directory: job.outDirectory, generation: job.generation, share: 1, measurements: this.outcome, seconds: 1, losses: [] };
  }
}

/** A loop with everything around it pretended: frames are shown, answers made up, time stands. */
export class Setting {
  readonly events: StreamEvent[] = [];
  readonly trainer = new InstantTrainer();
  generation = 0;
  readonly swaps: string[] = [];
  /** Why the engine swaps nothing. */
  swapFailure: NightshiftError | undefined;
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
        if (this.swapFailure) throw this.swapFailure;
        const { manifest } = await readBundle(directory);
        history.push(this.generation);
        this.swaps.push(directory);
        return (this.generation = manifest.generation);
      },
      rollBack: async () => {
        const previous = history.pop();
        if (previous === undefined) throw new NightshiftError("E_ENGINE", { expected: "a previous generation", received: "none", remedy: "Swap first." });
        return (this.generation = previous);
      },
    };
    this.loop = make({ engine, trainer: this.trainer, generations: store, options: { framesWanted: 8, offerEvery: 1, triggerFrames: 3, now: () => this.nowMs, ...options } }, (event) => this.events.push(event));
  }

  readonly loop: AdaptationLoop;

  static async open(t: ExecutionContext, options: Partial<LoopOptions> = {}, disk?: Disk): Promise<Setting> {
    const folder = await temporaryFolder(t);
    const bundle = await tinyBundle(folder);
    const memory = new FrameMemory({ width: network.width, height: network.height, capacity: 16, leastNovelty: 0.0001 });
    const make: Setting["make"] = (parts, onEvent) => new AdaptationLoop({ bundle, delivered: bundle, memory, monitor: new WeatherMonitor(), judge: (measured) => judge(measured), ...parts }, onEvent);
    return new Setting(await GenerationStore.open(folder, disk), make, memory, options);
  }

  /** Shows so many frames, each after what the one before it began has ended. */
  async show(look: Look, count: number, change: Partial<Perception> = {}): Promise<void> {
    for (let at = 0; at < count; at++) {
      this.see(look, change);
      await this.loop.settled();
    }
  }

  see(look: Look, change: Partial<Perception> = {}): void {
    const pictured = picture(look, this.#sequence++, 160, 90);
    const { camera = pictured.camera } = change;
    const frame = { ...pictured, camera };
    const { sequence, captureTimeNs } = frame;
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
