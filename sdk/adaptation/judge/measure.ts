import type { Vocabulary } from "../../bundle/index.js";
import { defaultScoreThreshold } from "../../engine/engine.js";
import { type Box, boxIou, type ScoredBox } from "../../frame.js";
import { ignoreLabel } from "../../training/dataset.js";
import { averagePrecision50, ConfusionMatrix } from "../../training/metrics/index.js";
import { maskShares } from "../scene.js";
import type { BoxScore, ByName, ExemplarScore, LabelledScore, ModelScore, TargetScore } from "./measurements.js";
import type { Prediction, Predictor } from "./predictor.js";
import { restyle, styleOf } from "./restyle.js";
import { mirrored, twinOf } from "./twin.js";

/** A labelled frame at the network's input size. */
export interface LabelledFrame {
  /** `[height, width, 3]`. */
  readonly rgb: Uint8Array;
  /** `[height / 4, width / 4]`: index into the set's names, or 255. */
  readonly labels: Uint8Array;
  /** In pixels of the network's input; absent where boxes are not labelled. */
  readonly boxes?: readonly Box[];
}

/** Labelled frames that share a list of names. */
export interface LabelledFrames {
  /** Tells classes of the same name in different sets apart. */
  readonly name: string;
  readonly vocabulary: Vocabulary;
  /** Of the names that boxes carry, where `vocabulary` lacks some of them: boxes are then asked for apart. */
  readonly boxVocabulary?: Vocabulary;
  readonly frames: readonly LabelledFrame[];
}

/** What weights are examined on. The same exam for the old and the new makes them comparable. */
export interface Exam {
  /** Pixels of the network's input. */
  readonly width: number;
  readonly height: number;
  /** Of networks that name no pixels: target frames are looked at for their boxes. False unless told otherwise. */
  readonly detectsOnly?: boolean;
  readonly exemplars: readonly LabelledFrames[];
  /** `[height, width, 3]` each. */
  readonly targets: readonly Uint8Array[];
  readonly targetNames: Vocabulary;
}

/** Classes of fewer labelled cells are noise. A cell is 4 x 4 pixels. */
const leastCells = 64;

/** Likewise classes of fewer labelled boxes: at 70 to 110 of them the change of an AP50 spreads by 2 to 5 points over other frames, at 12 by 12. */
const leastBoxes = 30;

/** Measures one set of weights. `beforeFrame` runs before each frame, to keep to a budget. */
export async function measure(
  predictor: Predictor,
  weightsAreFinite: boolean,
  exam: Exam,
  beforeFrame: () => Promise<void> = () => Promise.resolve(),
): Promise<ModelScore> {
  let finite = weightsAreFinite;
  const ask = async (rgb: Uint8Array, names: Vocabulary): Promise<Prediction> => {
    await beforeFrame();
    const prediction = await predictor.predict(rgb, names);
    finite &&= prediction.finite;
    // Weights that are not finite may answer with padding.
    return { ...prediction, mask: prediction.mask.map((index) => (index < names.names.length ? index : ignoreLabel)) };
  };
  const known = await onExemplars(exam, ask);
  const target = await (exam.detectsOnly ? unlabelledBoxes(exam, ask) : unlabelled(exam, ask));
  return { ...(exam.detectsOnly && { detectsOnly: true }), finite, ...known, target };
}

/**
 * Milliseconds a frame of each of two predictors, the least over frames that they answer in turns: whatever else the machine does adds to a time and never takes from it, so that only
 * slower weights make every frame slower. `now`: milliseconds on a clock that does not go back.
 */
export async function latencies(a: Predictor, b: Predictor, frames: readonly Uint8Array[], names: Vocabulary, beforeFrame: () => Promise<void>, now = (): number => performance.now()): Promise<readonly [number, number]> {
  const times: [number[], number[]] = [[], []];
  for (const rgb of frames)
    for (const [at, predictor] of [a, b].entries()) {
      await beforeFrame();
      const start = now();
      await predictor.predict(rgb, names);
      times[at].push(now() - start);
    }
  return [Math.min(...times[0]), Math.min(...times[1])];
}

/** What one set of weights scores on the exemplars alone, as they are and in the colours of the target frames. */
export const measureExemplars = (predictor: Predictor, exam: Exam, beforeFrame: () => Promise<void>): Promise<ExemplarScore> =>
  onExemplars(exam, async (rgb, names) => {
    await beforeFrame();
    return predictor.predict(rgb, names);
  });

async function onExemplars(exam: Exam, ask: Ask): Promise<ExemplarScore> {
  const { targets, width, height } = exam;
  const style = styleOf(targets, width, height);
  const exemplars = await labelled(exam, ask);
  return { exemplars, restyled: await labelled(exam, (rgb, names) => ask(restyle(rgb, width, height, style), names)) };
}

/** Percent of pixels to which two predictors give different categories; of those that only detect, percent of the boxes that one serves and the other does not find. */
export async function disagreement(a: Predictor, b: Predictor, frames: readonly Uint8Array[], names: Vocabulary, detectsOnly = false): Promise<number> {
  let [different, total] = [0, 0];
  for (const rgb of frames) {
    const [first, second] = [await a.predict(rgb, names), await b.predict(rgb, names)];
    if (detectsOnly)
      for (const [one, other] of [[first, second], [second, first]]) {
        const boxes = served(one);
        different += boxes.filter((box) => !other.boxes.some((each) => each.label === box.label && boxIou(each, box) >= 0.5)).length;
        total += boxes.length;
      }
    else {
      first.mask.forEach((value, at) => (different += value === second.mask[at] ? 0 : 1));
      total += first.mask.length;
    }
  }
  if (total === 0 && frames.length > 0) return 0;
  return (100 * different) / total;
}

const served = ({ boxes }: Prediction): ScoredBox[] => boxes.filter(({ score }) => score >= defaultScoreThreshold);

type Ask = (rgb: Uint8Array, names: Vocabulary) => Promise<Prediction>;

async function labelled({ exemplars, width, height }: Exam, ask: Ask): Promise<LabelledScore> {
  const perClass: Record<string, number> = {};
  const boxesPerClass: Record<string, number> = {};
  let frames = 0;
  for (const { name: set, vocabulary, boxVocabulary, frames: each } of exemplars) {
    const named = (name: string): string => (exemplars.length > 1 ? `${set}: ${name}` : name);
    const confusion = new ConfusionMatrix(vocabulary.names);
    const cells = new Uint32Array(256);
    const [found, wanted]: [(readonly ScoredBox[])[], (readonly Box[])[]] = [[], []];
    for (const { rgb, labels, boxes } of each) {
      const answer = await ask(rgb, vocabulary);
      confusion.add(atCells(answer.mask, width, height), labels);
      for (const label of labels) cells[label]++;
      frames++;
      if (!boxes) continue;
      found.push(boxVocabulary ? (await ask(rgb, boxVocabulary)).boxes : answer.boxes);
      wanted.push(boxes);
    }
    for (const [name, iou] of Object.entries(confusion.perClass())) if (cells[vocabulary.names.indexOf(name)] >= leastCells) perClass[named(name)] = iou;
    for (const [name, ap50] of Object.entries(scoreBoxes(found, wanted)?.perClass ?? {})) boxesPerClass[named(name)] = ap50;
  }
  const boxes = boxScore(boxesPerClass);
  return { miou: mean(Object.values(perClass)), perClass, frames, ...(boxes && { boxes }) };
}

/** AP50 of the classes that enough labelled boxes hold; undefined where none does. One entry a frame in both lists. */
export function scoreBoxes(found: readonly (readonly ScoredBox[])[], wanted: readonly (readonly Box[])[]): BoxScore | undefined {
  const labels = wanted.flat().map(({ label }) => label);
  const { perClass } = averagePrecision50(found, wanted);
  return boxScore(Object.fromEntries(Object.entries(perClass).filter(([name]) => labels.filter((label) => label === name).length >= leastBoxes)));
}

function boxScore(perClass: ByName): BoxScore | undefined {
  const values = Object.values(perClass);
  return values.length === 0 ? undefined : { ap50: mean(values), perClass };
}

async function unlabelled({ targets, targetNames, width, height }: Exam, ask: Ask): Promise<TargetScore> {
  const { names } = targetNames;
  const agreement = new ConfusionMatrix(names);
  const shares = new Map<string, number>();
  const confidences: number[] = [];
  for (const rgb of targets) {
    const answer = await ask(rgb, targetNames);
    const twin = await ask(twinOf(rgb, width, height), targetNames);
    agreement.add(mirrored(twin.mask, width), answer.mask);
    for (const [name, share] of maskShares(answer.mask, names)) shares.set(name, (shares.get(name) ?? 0) + share / targets.length);
    confidences.push(mean(answer.maskScore) / 2.55);
  }
  // Categories that hardly appear agree by chance or not at all.
  const seen = Object.entries(agreement.perClass()).filter(([name]) => (shares.get(name) ?? 0) >= 0.002);
  return { consistency: mean(seen.map(([, iou]) => iou)), confidence: mean(confidences), shares: Object.fromEntries(shares), frames: targets.length };
}

/** As `unlabelled`, by the boxes that are sure enough to be served. */
async function unlabelledBoxes({ targets, targetNames, width, height }: Exam, ask: Ask): Promise<TargetScore> {
  const [answers, twins]: ScoredBox[][][] = [[], []];
  for (const rgb of targets) {
    answers.push(served(await ask(rgb, targetNames)));
    twins.push(served(await ask(twinOf(rgb, width, height), targetNames)).map((box) => ({ ...box, x1: width - box.x2, x2: width - box.x1 })));
  }
  const all = answers.flat();
  const counts = new Map<string, number>();
  for (const { label } of all) counts.set(label, (counts.get(label) ?? 0) + 1);
  const shares = Object.fromEntries([...counts].map(([label, count]) => [label, count / all.length]));
  return { consistency: averagePrecision50(twins, answers).ap50 ?? 0, confidence: all.length === 0 ? 0 : 100 * mean(all.map(({ score }) => score)), shares, frames: targets.length };
}

/** The category at the centre of each cell. */
function atCells(mask: Uint8Array, width: number, height: number): Uint8Array {
  const out = new Uint8Array((width * height) / 16).fill(ignoreLabel);
  for (let row = 0; row < height / 4; row++)
    for (let column = 0; column < width / 4; column++) out[(row * width) / 4 + column] = mask[(row * 4 + 2) * width + column * 4 + 2]!;
  return out;
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at];
  return values.length === 0 ? NaN : sum / values.length;
}
