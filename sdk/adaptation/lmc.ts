import { Learner } from "../engine/learner.js";
import { OnnxSession } from "../engine/onnxruntime.js";
import type { FloatTensor, Weights } from "../graph/tensor.js";
import type { Network } from "../network/architecture.js";
import { paddedVocabularySize, patchSize, tasks } from "../network/contract.js";
import { Random } from "../random.js";
import { parameterSpecs } from "../network/initial.js";
import { lmcStep } from "../network/steps/lmc.js";
import { withLearnt } from "../network/lora.js";
import { rankOf, trainsOf } from "../network/trainable.js";
import { StatisticsAverage, statisticsModel } from "../network/steps/statistics.js";
import type { Batch } from "../training/batch/batch.js";
import { supervisedFeeds } from "./feeds.js";
import { Words } from "../network/text/words.js";
import type { LearnerOptions, LearningRates, LmcLearner, StepLosses, TextSource } from "./learner.js";

const statisticsBatch = 4;

/** The learner of the vehicle: the step graph of eq. 8 on ONNX Runtime. */
class OnnxLmcLearner implements LmcLearner {
  #weights: Weights;
  #learner: Learner | undefined;
  readonly #random: Random;
  /** Names of a list, padded: the step's graph is made for so many. */
  readonly #names: number;
  /** Whether that graph takes views: as the first step has them. */
  #hasViews = false;

  constructor(
    private readonly config: Network,
    weights: Weights,
    private readonly words: Words,
    private readonly options: LearnerOptions,
  ) {
    this.#weights = weights;
    this.#random = new Random(options.seed, "lmc");
    this.#names = paddedVocabularySize(Math.max(options.vocabulary.length, options.mostNames ?? 0));
  }

  async step({ targets, views, source }: { readonly targets: Uint8Array; readonly views?: Uint8Array; readonly source: Batch }, rates: LearningRates): Promise<StepLosses> {
    const { vocabulary, targetBatch: t } = this.options;
    const { width, height } = this.config;
    const k = this.#names;
    await this.words.learn([...vocabulary, ...source.names.flat()]);
    const learner = (this.#learner ??= await this.#create(source.boxLabels.length / source.names.length, views !== undefined, rates.restore > 0));
    if (views && !this.#hasViews) throw new TypeError("views in a later step than the first");
    const patches = (height * width) / patchSize ** 2;
    const target = this.words.batch(Array.from({ length: t }, () => vocabulary), k);
    const result = await learner.step(
      {
        ...supervisedFeeds(source, this.words, { width, height, names: k }),
        targets: { dtype: "uint8", shape: [t, height, width, 3], data: targets },
        ...(this.#hasViews && { views: { dtype: "uint8", shape: [t, height, width, 3], data: views ?? targets } }),
        targetText: target.text,
        targetUsed: target.used,
        noise: { dtype: "float32", shape: [t, patches], data: Float32Array.from({ length: t * patches }, () => this.#random.gumbel()) },
      },
      {
        rateEncoder: rates.encoder,
        rateDecoder: rates.decoder,
        alpha: rates.alpha,
        weightSupervised: rates.supervised,
        weightSelfTraining: rates.selfTraining,
        weightLmc: rates.lmc,
        weightLmcBoxes: rates.lmcBoxes,
        weightAlign: rates.align,
        guidance: rates.guidance,
        weightEntropy: rates.entropy,
        weightSoft: rates.soft,
      },
    );
    if (rates.restore > 0) learner.restore(rates.restore, this.#random);
    const of = (name: string): number => (name in result ? result[name][0] : 0);
    return { total: of("loss"), supervised: of("supervised"), lmc: of("lmc"), selfTraining: of("selfTraining"), align: of("align") };
  }

  teacher(): Weights {
    return this.#all("teacher");
  }

  student(): Weights {
    return this.#all("student");
  }

  async estimateStatistics(frames: readonly Uint8Array[], mix: number, kept?: Weights): Promise<void> {
    // A model that was imported may keep none.
    if (!parameterSpecs(this.config).some(({ statistic }) => statistic)) return;
    const { width, height } = this.config;
    const { vocabulary } = this.options;
    const k = paddedVocabularySize(vocabulary.length);
    const weights = this.teacher();
    await this.close();
    await this.words.learn(vocabulary);
    const session = await OnnxSession.create(statisticsModel(this.config, weights, { batch: statisticsBatch, names: k }), { threads: this.options.threads });
    const average = new StatisticsAverage();
    const words = this.words.batch(Array.from({ length: statisticsBatch }, () => vocabulary), k);
    try {
      // The last batch is filled up from the start, so that every frame is seen.
      for (let first = 0; first < frames.length; first += statisticsBatch) {
        const data = new Uint8Array(statisticsBatch * height * width * 3);
        for (let i = 0; i < statisticsBatch; i++) data.set(frames[(first + i) % frames.length], i * height * width * 3);
        average.add(await session.run({ frames: { dtype: "uint8", shape: [statisticsBatch, height, width, 3], data }, ...words }));
      }
    } finally {
      await session.close();
    }
    this.#weights = average.into(weights, mix, kept);
  }

  async close(): Promise<void> {
    const learner = this.#learner;
    this.#learner = undefined;
    await learner?.close();
  }

  #create(boxes: number, views: boolean, keepsStart: boolean): Promise<Learner> {
    this.#hasViews = views;
    const { sourceBatch: sources, targetBatch: targets, maskRatio, trains, recompute = "none", losses, threads, engine = "onnxruntime", provider = "cpu" } = this.options;
    const rank = rankOf(trains);
    const graph = lmcStep(this.config, this.#weights, { sources, targets, names: this.#names, boxes, views, maskRatio, trains: trainsOf(trains, this.config), recompute, losses, rank });
    return Learner.create(graph, { threads, engine, provider, keepsStart });
  }

  /** What trains from the learner, the rest as it came. */
  #all(whose: "student" | "teacher"): Weights {
    return withLearnt(this.#weights, this.#learner?.weights(whose) ?? new Map());
  }
}

/** Makes the learner that adapts on the vehicle. Throws `E_ENGINE` where the step's graph cannot be run. */
export async function createLmcLearner(config: Network, weights: Weights, text: TextSource, options: LearnerOptions): Promise<LmcLearner> {
  const words = new Words({
    async encodeVocabulary(names: readonly string[]): Promise<FloatTensor> {
      return text.encode([...tasks, ...names]);
    },
  });
  return new OnnxLmcLearner(config, weights, words, options);
}
