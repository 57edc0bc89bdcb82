import { createHash } from "node:crypto";
import { type Exam, measure, type ModelScore, OnnxPredictor, type Predictor, scoreBoxes } from "../../adaptation/judge/index.js";
import { LiveProxies, type LiveSample } from "../../adaptation/probation.js";
import { maskShares } from "../../adaptation/scene.js";
import { BundleText } from "../../adaptation/trainer/bundle-text.js";
import { exemplarsOf, judgingFrames, splitExemplars } from "../../adaptation/trainer/exemplars.js";
import { type LabelledSet, trainingOptionsFor } from "../../adaptation/trainer/index.js";
import { splitTargets } from "../../adaptation/trainer/targets.js";
import type { Bundle, Vocabulary } from "../../bundle/index.js";
import type { Box, ScoredBox } from "../../frame.js";
import type { Weights } from "../../graph/tensor.js";
import { answersMasks } from "../../network/architecture.js";
import type { ConditionName } from "../../stream/events.js";
import { boxInView, plainView } from "../../training/batch/view.js";
import { type Dataset, ignoreLabel, type Sample } from "../../training/dataset.js";
import { ConfusionMatrix, resizeMaskNearest } from "../../training/metrics/index.js";
import { type Frames, openFrames, picture, pictures } from "../study-frames.js";

/** Where updates are made and judged, as `calibration/campaigns` describes it. */
export interface WorldSpec {
  readonly condition: ConditionName;
  /** What updates learn from and the judge looks at, without labels. */
  readonly targets: Frames;
  /** Labelled frames that say what an update is worth; the judge never sees them. */
  readonly hidden: Frames;
  /** Frames of another weather, for updates that learn what they should not. */
  readonly elsewhere: Frames;
}

/** What weights are worth in a world: how the judge measures them, and what is hidden from it. */
export interface Worth {
  readonly condition: ConditionName;
  readonly measured: ModelScore;
  /** mIoU on hidden frames, percent. */
  readonly hidden: number;
  /** AP50 there, of classes that enough boxes hold; null where boxes are not labelled. */
  readonly hiddenBoxes: number | null;
}

/** A world made ready. */
export class World {
  private constructor(
    readonly name: string,
    readonly condition: ConditionName,
    readonly bundle: Bundle,
    readonly text: BundleText,
    /** To learn from. */
    readonly targets: readonly Uint8Array[],
    /** The same frames with their labels, which no vehicle has. */
    readonly labelled: LabelledSet,
    readonly elsewhere: readonly Uint8Array[],
    readonly teaching: readonly LabelledSet[],
    readonly exam: Exam,
    private readonly hidden: readonly { readonly rgb: Uint8Array; readonly sample: Sample }[],
    private readonly hiddenNames: Vocabulary,
    readonly threads: number,
  ) {}

  /** `data`: where folders start from. Throws as datasets and bundles do. */
  static async open(name: string, spec: WorldSpec, bundle: Bundle, data: string, threads: number): Promise<World> {
    const { network, manifest } = bundle;
    const options = trainingOptionsFor(spec.condition);
    const text = new BundleText(bundle);
    const exemplars = splitExemplars(await exemplarsOf(bundle), options, network);
    const source = await openFrames(spec.targets, data);
    const all = await pictures(source, network);
    const targets = splitTargets({ targets: all, options });
    const taught = new Set(targets.teaching);
    const samples = [];
    for (const [at, rgb] of all.entries()) if (taught.has(rgb)) samples.push(await source.sample(at));
    const dataset: Dataset = await openFrames(spec.hidden, data);
    const hidden = [];
    for (let at = 0; at < dataset.length; at++) {
      const sample = await dataset.sample(at);
      hidden.push({ sample, rgb: picture(sample, network) });
    }
    const exam: Exam = {
      width: network.width,
      height: network.height,
      detectsOnly: !answersMasks(network),
      exemplars: await judgingFrames(exemplars.judging, text, network),
      targets: targets.judging,
      targetNames: await text.vocabulary(manifest.vocabulary),
    };
    return new World(
      name,
      spec.condition,
      bundle,
      text,
      targets.teaching,
      { name: source.name, names: source.names, boxNames: source.boxNames, samples },
      await pictures(await openFrames(spec.elsewhere, data), network),
      exemplars.teaching,
      exam,
      hidden,
      await text.vocabulary(dataset.names),
      threads,
    );
  }

  /** SHA-256 over what is examined: what was measured by another exam cannot be compared. */
  get digest(): string {
    const { exemplars, targets, targetNames } = this.exam;
    const hash = createHash("sha256").update(JSON.stringify([targetNames.names, exemplars.map(({ vocabulary, boxVocabulary, frames }) => [vocabulary.names, boxVocabulary?.names, frames.map(({ boxes }) => boxes)])]));
    for (const frame of targets) hash.update(frame);
    for (const { rgb, labels } of exemplars.flatMap(({ frames }) => frames)) hash.update(rgb).update(labels);
    return hash.digest("hex");
  }

  predictor(weights: Weights): Predictor {
    return new OnnxPredictor({ ...this.bundle, weights }, this.threads);
  }

  /** As the judge measures; `finite` is what it is told of the weights. */
  measure(predictor: Predictor, finite: boolean): Promise<ModelScore> {
    return measure(predictor, finite, this.exam);
  }

  /** On the hidden frames. */
  async hiddenScore(predictor: Predictor): Promise<Pick<Worth, "hidden" | "hiddenBoxes">> {
    const { width, height } = this.bundle.network;
    const { names } = this.hiddenNames;
    const confusion = new ConfusionMatrix(names);
    const [found, wanted]: [(readonly ScoredBox[])[], (readonly Box[])[]] = [[], []];
    for (const { rgb, sample } of this.hidden) {
      if (!sample.mask) continue;
      const { mask, boxes } = await predictor.predict(rgb, this.hiddenNames);
      if (sample.boxes) {
        found.push(boxes);
        wanted.push(sample.boxes.flatMap((box) => boxInView(plainView(width, height), box, sample.width, sample.height) ?? []));
      }
      // Weights that are not finite may answer with padding.
      const answer = mask.map((index) => (index < names.length ? index : ignoreLabel));
      confusion.add(resizeMaskNearest(answer, width, height, sample.width, sample.height), sample.mask);
    }
    return { hidden: confusion.score().miou ?? NaN, hiddenBoxes: scoreBoxes(found, wanted)?.ap50 ?? null };
  }

  /** What the stream would show of weights, frame after frame. */
  async live(predictor: Predictor): Promise<LiveSample[]> {
    const proxies = new LiveProxies();
    const { targetNames } = this.exam;
    const samples = [];
    for (const { rgb } of this.hidden) {
      const answer = await predictor.predict(rgb, targetNames);
      samples.push(proxies.sample({ ...answer, camera: "hidden" }, maskShares(answer.mask, targetNames.names)));
    }
    return samples;
  }
}
