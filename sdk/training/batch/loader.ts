import type { Dataset, Sample } from "../dataset.js";
import { defaultBatchOptions, type Batch, type BatchOptions } from "./batch.js";
import { cached, type CacheBudget } from "./cached.js";
import { blur, randomColour, recolour, unitGrain } from "./colour.js";
import { darken, randomDarkness } from "./darkness.js";
import { hang, randomHaze } from "./haze.js";
import { viewDepth, viewLabels, viewSky } from "./labels.js";
import { Random } from "../../random.js";
import { pasteRare } from "./paste.js";
import { pad, resample } from "./resample.js";
import { Schedule } from "./schedule.js";
import { boxInView, plainView, randomView, type View } from "./view.js";

export interface BatchSource {
  readonly dataset: Dataset;
  /** Relative to the other sources: 2, 1, 1 make half of each batch come from the first. */
  readonly share: number;
  /** Whether the dataset's boxes are taught. */
  readonly boxes: boolean;
  /** How likely a sample is given what is rare in another one of the dataset; 0 unless told otherwise, and without `augment`. */
  readonly paste?: number;
  /** How likely a sample is seen through fog, as `randomHaze` has it; 0 unless told otherwise, and without `augment`. */
  readonly haze?: number;
  /** How likely one without fog is seen after sunset, as `randomDarkness` has it; 0 unless told otherwise, and without `augment`. */
  readonly darkness?: number;
}

/** Makes batches in the calling thread. `PrefetchingLoader` makes the same ones in a thread of its own. */
export class BatchLoader {
  readonly options: BatchOptions;
  private readonly sources: readonly (BatchSource & { readonly names: readonly string[] })[];
  private readonly schedule: Schedule;
  private readonly grain: Int32Array;

  /** Throws `E_DATASET` where there is no source, or one is empty or has no share. */
  constructor(sources: readonly BatchSource[], options: Partial<BatchOptions> = {}) {
    this.options = { ...defaultBatchOptions, ...options };
    const { batchSize, seed, augment, cacheMb } = this.options;
    const budget: CacheBudget = { leftMb: cacheMb };
    this.sources = sources.map((source) => ({
      ...source,
      dataset: cached(source.dataset, budget),
      names: [...new Set([...source.dataset.names, ...(source.boxes ? source.dataset.boxNames : [])])],
    }));
    const shares = sources.map(({ dataset, share }) => ({ length: dataset.length, share }));
    this.grain = unitGrain(new Random(seed));
    this.schedule = new Schedule(shares, batchSize, seed, augment);
  }

  /** How long the longest list of names is that a sample comes with. */
  get mostNames(): number {
    return Math.max(...this.sources.map(({ names }) => names.length));
  }

  /** The batch of a step. Steps may be asked for in any order; going forward is cheapest. */
  async batch(step: number): Promise<Batch> {
    const { batchSize: n, width, height, maxBoxes, labelStride, depth, seed } = this.options;
    const drawn = this.schedule.draws(step).map(({ source, index }) => ({ source: this.sources[source], index }));
    const samples = await Promise.all(drawn.map(({ source, index }, at) => this.sample(source, index, new Random(seed, step, at, "donor"))));
    const batch = {
      step,
      frames: new Uint8Array(n * height * width * 3),
      labels: new Uint8Array((n * height * width) / 16),
      ...(labelStride === 2 && { labelsFull: new Uint8Array((n * height * width) / 4) }),
      ...(depth && { depth: new Float32Array((n * height * width) / 16) }),
      names: drawn.map(({ source }) => source.names),
      ...(this.sources.some(({ dataset }) => dataset.alsoNames) && { alsoNames: drawn.map(({ source }) => source.dataset.alsoNames) }),
      boxNames: drawn.map(({ source }) => (source.boxes ? source.dataset.boxNames : [])),
      boxes: new Float32Array(n * maxBoxes * 4),
      boxLabels: new Int32Array(n * maxBoxes).fill(-1),
      hasMask: Float32Array.from(samples, ({ mask }) => (mask ? 1 : 0)),
      hasBoxes: Float32Array.from(samples, ({ boxes }, at) => (boxes && drawn[at].source.boxes ? 1 : 0)),
      ids: samples.map(({ id }, at) => `${drawn[at].source.dataset.name}/${id}`),
    };
    samples.forEach((sample, at) => {
      this.draw(sample, batch, at, drawn[at].source);
    });
    return batch;
  }

  /** Donors are drawn from random numbers of their own, so that views and colours are the same with and without them. */
  private async sample({ dataset, paste = 0 }: BatchSource, index: number, random: Random): Promise<Sample> {
    const sample = await dataset.sample(index);
    if (!this.options.augment || !random.chance(paste)) return sample;
    return pasteRare(sample, await dataset.sample(random.below(dataset.length)), dataset.names);
  }

  private draw(sample: Sample, batch: Batch, at: number, { dataset, haze = 0, darkness = 0 }: BatchSource): void {
    const { width, height, augment, seed } = this.options;
    const random = new Random(seed, batch.step, at);
    const view = augment ? randomView(width, height, random) : plainView(width, height);
    const size = width * height;
    const frame = batch.frames.subarray(at * size * 3, (at + 1) * size * 3);
    // The deployed network samples without smoothing, other scalers smooth: a model that saw both depends on neither.
    const covered = resample(sample, view, augment && random.chance(0.5), frame);
    if (augment) {
      const clamped = new Uint8ClampedArray(frame.buffer, frame.byteOffset, frame.length);
      // Of random numbers of their own too.
      const [weather, sunset] = [new Random(seed, batch.step, at, "haze"), new Random(seed, batch.step, at, "darkness")];
      const foggy = weather.chance(haze);
      if (foggy) hang(clamped, view, randomHaze(weather));
      if (random.chance(0.2)) blur(clamped, width, height);
      if (random.chance(0.8)) recolour(clamped, randomColour(random), this.grain, random);
      if (!foggy && sunset.chance(darkness)) darken(clamped, view, viewSky(sample, dataset.names, view), randomDarkness(sunset), this.grain, sunset);
    }
    pad(frame, width, height, covered);
    const jitter = augment ? random : undefined;
    viewLabels(sample, view, 4, jitter, batch.labels.subarray((at * size) / 16, ((at + 1) * size) / 16));
    if (batch.labelsFull) viewLabels(sample, view, 2, jitter, batch.labelsFull.subarray((at * size) / 4, ((at + 1) * size) / 4));
    if (batch.depth) viewDepth(sample, view, 4, jitter, batch.depth.subarray((at * size) / 16, ((at + 1) * size) / 16));
    if (batch.hasBoxes[at] === 1) this.drawBoxes(sample, view, batch, at);
  }

  private drawBoxes(sample: Sample, view: View, batch: Batch, at: number): void {
    const { maxBoxes } = this.options;
    const names = batch.names[at];
    const visible = (sample.boxes ?? []).flatMap((box) => boxInView(view, box, sample.width, sample.height) ?? []);
    const area = (box: (typeof visible)[number]): number => (box.x2 - box.x1) * (box.y2 - box.y1);
    const largest = visible.sort((a, b) => area(b) - area(a)).slice(0, maxBoxes);
    largest.forEach((box, index) => {
      const slot = at * maxBoxes + index;
      batch.boxes.set([box.x1, box.y1, box.x2, box.y2], slot * 4);
      batch.boxLabels[slot] = names.indexOf(box.label);
    });
  }
}
