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
import type { Prompts } from "../network/text/prompts.js";
import { Words } from "../network/text/words.js";
import { defaultPromptRate, type LearnerOptions, type LearningRates, type LmcLearner, type StepLosses, type TextSource } from "./learner.js";
import { PromptLearner } from "./prompt-learner.js";

const statisticsBatch = 4;

/** Prompts that learn, and the teacher's embeddings; the student's are the learner's own words. */
interface Prompting {
  readonly learner: PromptLearner;
  readonly taught: Words;
}

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
    private readonly prompting?: Prompting,
  ) {
    this.#weights = weights;
    this.#random = new Random(options.seed, "lmc");
    this.#names = paddedVocabularySize(Math.max(options.vocabulary.length, options.mostNames ?? 0));
  }

  async step({ targets, views, source }: { readonly targets: Uint8Array; readonly views?: Uint8Array; readonly source: Batch }, rates: LearningRates): Promise<StepLosses> {
    const { vocabulary, targetBatch: t } = this.options;
    const { width, height } = this.config;
    const k = this.#names;
    const known = [...vocabulary, ...source.names.flat()];
    await this.words.learn(known);
    await this.prompting?.taught.learn(known);
    const learner = (this.#learner ??= await this.#create(source.boxLabels.length / source.names.length, views !== undefined, rates.restore > 0));
    if (views && !this.#hasViews) throw new TypeError("views in a later step than the first");
    const patches = (height * width) / patchSize ** 2;
    const targetNames = Array.from({ length: t }, () => vocabulary);
    const target = this.words.batch(targetNames, k);
    const result = await learner.step(
      {
        ...supervisedFeeds(source, this.words, { width, height, names: k }),
        targets: { dtype: "uint8", shape: [t, height, width, 3], data: targets },
        ...(this.#hasViews && { views: { dtype: "uint8", shape: [t, height, width, 3], data: views ?? targets } }),
        targetText: target.text,
        targetUsed: target.used,
        ...(this.prompting && { taughtText: this.prompting.taught.batch(targetNames, k).text }),
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
    if (this.prompting) {
      const { learner: prompts, taught } = this.prompting;
      const batches = [
        { names: source.names, textGradient: result.textGradient },
        { names: targetNames, textGradient: result.targetTextGradient },
      ];
      await prompts.learn(batches, { words: this.words, taught: { words: taught, alpha: rates.alpha }, rate: rates.prompts ?? defaultPromptRate });
    }
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

  prompts(): Prompts | undefined {
    return this.prompting?.learner.taught;
  }

  async estimateStatistics(frames: readonly Uint8Array[], mix: number, kept?: Weights): Promise<void> {
    // A model that was imported may keep none.
    if (!parameterSpecs(this.config).some(({ statistic }) => statistic)) return;
    const { width, height } = this.config;
    const { vocabulary } = this.options;
    const k = paddedVocabularySize(vocabulary.length);
    const weights = this.teacher();
    await this.#closeSteps();
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
    await this.#closeSteps();
    await this.prompting?.learner.close();
  }

  async #closeSteps(): Promise<void> {
    const learner = this.#learner;
    this.#learner = undefined;
    await learner?.close();
  }

  #create(boxes: number, views: boolean, keepsStart: boolean): Promise<Learner> {
    this.#hasViews = views;
    const { sourceBatch: sources, targetBatch: targets, maskRatio, trains, recompute = "none", losses, threads, engine = "onnxruntime", provider = "cpu" } = this.options;
    const rank = rankOf(trains);
    const graph = lmcStep(this.config, this.#weights, { sources, targets, names: this.#names, boxes, views, maskRatio, trains: this.prompting ? () => false : trainsOf(trains, this.config), recompute, losses, rank, prompts: this.prompting !== undefined });
    return Learner.create(graph, { threads, engine, provider, keepsStart });
  }

  /** What trains from the learner, the rest as it came. */
  #all(whose: "student" | "teacher"): Weights {
    return withLearnt(this.#weights, this.#learner?.weights(whose) ?? new Map());
  }
}

/** Makes the learner that adapts on the vehicle. Throws as `TextSource.openPrompts` where prompts are to learn. */
export async function createLmcLearner(config: Network, weights: Weights, text: TextSource, options: LearnerOptions): Promise<LmcLearner> {
  if (options.trains === "prompts") {
    const { encoder, prompts } = await text.openPrompts();
    const learner = new PromptLearner(encoder, { start: prompts, teacher: true, threads: options.threads });
    return new OnnxLmcLearner(config, weights, new Words(encoder, prompts), options, { learner, taught: new Words(encoder, prompts) });
  }
  const words = new Words({
    async encodeVocabulary(names: readonly string[]): Promise<FloatTensor> {
      return text.encode([...tasks, ...names]);
    },
  });
  return new OnnxLmcLearner(config, weights, words, options);
}
