import type { Recompute } from "../autodiff/recompute.js";
import type { StepEngine } from "../engine/learner.js";
import type { FloatTensor, Weights } from "../graph/tensor.js";
import type { Network } from "../network/architecture.js";
import type { LossName } from "../network/steps/lmc.js";
import type { Prompts } from "../network/text/prompts.js";
import type { TextEncoder } from "../network/text/text-encoder.js";
import type { Trainable } from "../network/trainable.js";
import type { Batch } from "../training/batch/batch.js";

/** Rates and weights of one step (eq. 8). All are inputs of the step's graph: changing them rebuilds nothing. */
export interface LearningRates {
  /** AdamW, image encoder. */
  readonly encoder: number;
  /** AdamW, decoder, heads, and whatever else trains. */
  readonly decoder: number;
  /** AdamW, prompt vectors where those learn; `defaultPromptRate` unless told otherwise. */
  readonly prompts?: number;
  /** EMA of the teacher: its share that stays at each step. */
  readonly alpha: number;
  /** Weight of the supervised loss on source exemplars. */
  readonly supervised: number;
  /** lambda_T: weight of plain self-training on whole target frames. */
  readonly selfTraining: number;
  /** lambda_lmc: weight of language-guided masked consistency. */
  readonly lmc: number;
  /** Weight of the teacher's boxes within it, beside its mask. */
  readonly lmcBoxes: number;
  /** lambda_align: weight of hierarchical vision-language alignment (eq. 7). */
  readonly align: number;
  /** 1 draws masks by the attention of eq. 4, 0 at random. */
  readonly guidance: number;
  /** Of methods that are compared with: weight of the entropy of answers on whole target frames (TENT). */
  readonly entropy: number;
  /** Weight of the teacher's probabilities as targets there (CoTTA). */
  readonly soft: number;
  /** Share of the student's numbers that go back to where they started after each step (CoTTA). */
  readonly restore: number;
}

/**
 * As measured on rendered nights (see DECISIONS.md). The paper's are 6e-4 for the decoder, alpha 0.9, lambda_lmc 1, lambda_align 0.9: they fit 60,000 steps from a pretrained
 * encoder, not a few dozen from a trained network whose teacher takes the night's sky for a building.
 */
export const defaultLearningRates: LearningRates = {
  encoder: 2e-5,
  decoder: 4e-5,
  alpha: 0.97,
  supervised: 1,
  selfTraining: 0.1,
  lmc: 0.2,
  lmcBoxes: 0.2,
  align: 0.2,
  guidance: 1,
  entropy: 0,
  soft: 0,
  restore: 0,
};

/** As word vectors are, whose numbers are about 0.05; chosen on rendered nights (see DECISIONS.md). */
export const defaultPromptRate = 2e-3;

/** Losses of one step, each before its weight but `total`; 0 where it is not learnt from. */
export interface StepLosses {
  readonly total: number;
  readonly supervised: number;
  readonly lmc: number;
  readonly selfTraining: number;
  readonly align: number;
}

/** What names mean to the weights that learning starts from. */
export interface TextSource {
  /** Embeds names, as the text encoder does: float32 `[names, d]`. */
  encode(texts: readonly string[]): Promise<FloatTensor>;
  /** What prompts learn through, and from which vectors on. Throws `E_CONFIG` where names are not encoded by a text encoder, and as that does. */
  openPrompts(): Promise<{ readonly encoder: TextEncoder; readonly prompts: Prompts }>;
}

export interface LearnerOptions {
  /** Names that the target frames are labelled with by the teacher. */
  readonly vocabulary: readonly string[];
  /** How long the longest list of names is that an exemplar comes with; no longer than `vocabulary` unless told otherwise. */
  readonly mostNames?: number;
  /** Source exemplars in a batch. */
  readonly sourceBatch: number;
  /** Target frames in a step. */
  readonly targetBatch: number;
  /** Share of a target frame's patches that are masked. */
  readonly maskRatio: number;
  readonly trains: Trainable;
  /** `blocks`: activations are computed again in the backward pass, which takes more time and less memory. `none` unless told otherwise. */
  readonly recompute?: Recompute;
  /** Losses that weigh anything; all unless told otherwise. The others cost nothing. */
  readonly losses?: readonly LossName[];
  readonly seed: number;
  /** Threads of the sessions. */
  readonly threads: number;
  /** Who computes the steps, and on which execution provider; ONNX Runtime from JavaScript on the CPU unless told otherwise. */
  readonly engine?: StepEngine;
  readonly provider?: string;
}

/** Learns from labelled source exemplars and unlabelled target frames: a student that trains, a teacher that follows it (eq. 3 to 5). */
export interface LmcLearner {
  /** One step. `targets` is `[targetBatch, height, width, 3]`, packed RGB at the network's input size; `views` the same as the student sees them masked, where that differs: in the first step, or in none. */
  step(input: { readonly targets: Uint8Array; readonly views?: Uint8Array; readonly source: Batch }, rates: LearningRates): Promise<StepLosses>;
  /** Weights to serve: the teacher swings less than the student. */
  teacher(): Weights;
  student(): Weights;
  /** The teacher's, of a learner whose prompts learn. */
  prompts?(): Prompts | undefined;
  /**
   * Measures the normalisation layers' statistics over unmasked frames, each `[height, width, 3]`, and replaces the present ones by
   * `mix` of the measured plus `1 - mix` of those in `kept`; of the present ones where it is left out. For before the first step: student and optimiser begin anew from the teacher.
   */
  estimateStatistics(frames: readonly Uint8Array[], mix: number, kept?: Weights): Promise<void>;
  close(): Promise<void> | void;
}

export type LearnerFactory = (network: Network, weights: Weights, text: TextSource, options: LearnerOptions) => Promise<LmcLearner>;
