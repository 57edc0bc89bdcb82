import type { ConditionName } from "../../stream/events.js";
import { hellinger } from "../scene.js";
import type { BoxScore, ByName, Measurements, ModelMeasurement } from "./measurements.js";

/** What new weights must keep and must gain to serve. Points are points of percent. */
export interface JudgeBounds {
  /** Points that any class may lose on exemplars, from the delivered weights on. A mean hides a lost class. */
  readonly classLoss: number;
  /** Points that any class may lose on exemplars in the colours of the target frames, from the delivered weights on and from those that serve, whichever are better. */
  readonly restyledClassLoss: number;
  /** Points of mIoU that may be lost on exemplars, from the delivered weights on. */
  readonly meanLoss: number;
  /** What boxes may lose on exemplars that have any, from the delivered weights on. */
  readonly boxes: BoxBounds;
  /** The same in the colours of the target frames. */
  readonly restyledBoxes: BoxBounds;
  /** Points that the target score must gain. */
  readonly leastGain: number;
  /** The same of what only detects: AP50 of a few frames scatters more. */
  readonly leastBoxGain: number;
  /** What the target score is made of. */
  readonly weights: { readonly restyled: number; readonly consistency: number; readonly confidence: number };
  /** Effective number of categories in masks of target frames, as a share of what it was: weights that answer less and less are consistent and confident. */
  readonly leastVariety: number;
  /** How far the shares of categories in masks of target frames may move (Hellinger's distance, 0 to 1). */
  readonly mostShift: number;
  /** Percent of pixels on which stored and trained weights may disagree. */
  readonly mostDisagreement: number;
  /** Times the latency may grow. */
  readonly latencyRatio: number;
  /** Labelled and target frames without which there is no judging. */
  readonly leastFrames: number;
}

/** Points of AP50. */
export interface BoxBounds {
  readonly meanLoss: number;
  /** Of any class. */
  readonly classLoss: number;
}

export const defaultJudgeBounds: JudgeBounds = {
  classLoss: 5,
  restyledClassLoss: 5,
  meanLoss: 1.5,
  boxes: { meanLoss: 5, classLoss: 8 },
  restyledBoxes: { meanLoss: 5, classLoss: 8 },
  leastGain: 0.2,
  leastBoxGain: 1,
  weights: { restyled: 0.75, consistency: 0.25, confidence: 0 },
  leastVariety: 0.6,
  mostShift: 0.5,
  mostDisagreement: 2,
  latencyRatio: 1.5,
  leastFrames: 4,
};

/**
 * Weights learnt at night or in fog serve in that condition alone (see `serving.ts`); by day the delivered ones do. What they lose on clear exemplars therefore costs something only where the weather is misjudged, so
 * their bounds on clear exemplars are wider. In the colours of their own condition the bounds are the usual ones. Dusk is taken for day too easily to be treated so.
 */
export const judgeBoundsFor = (condition: ConditionName): JudgeBounds =>
  condition === "night" || condition === "fog" ? { ...defaultJudgeBounds, classLoss: 10, meanLoss: 3, boxes: { meanLoss: 10, classLoss: 15 } } : defaultJudgeBounds;

/** Bounds where times tell nothing of the weights. */
export const untimed = (bounds: JudgeBounds): JudgeBounds => ({ ...bounds, latencyRatio: Infinity });

export interface Verdict {
  readonly accepted: boolean;
  /** Why not, in words with numbers; empty where accepted. */
  readonly reasons: readonly string[];
  readonly numbers: VerdictNumbers;
}

/** Of the class that lost most, in points; negative where even that one gained. */
export interface ClassLoss {
  readonly name: string;
  readonly loss: number;
}

/** What boxes lost, points of AP50. */
export interface BoxLosses {
  readonly mean: number;
  readonly worstClass: ClassLoss;
}

/** Plain JSON, for the log and the events. */
export interface VerdictNumbers extends Measurements {
  /** `needed`: what it had to gain. */
  readonly targetScore: { readonly before: number; readonly after: number; readonly gain: number; readonly needed: number };
  /** On exemplars. Absent without them. */
  readonly worstClass?: ClassLoss;
  /** The same in the colours of the target frames. */
  readonly worstRestyled?: ClassLoss;
  /** On exemplars, and in the colours of the target frames. Absent where no boxes were measured before. */
  readonly boxes?: BoxLosses;
  readonly restyledBoxes?: BoxLosses;
  /** Effective number of categories on target frames: e to the entropy of their shares. Of boxes it is told, and not judged by: those of a few frames are too few. */
  readonly variety: { readonly before: number; readonly after: number };
  readonly shift: number;
}

/** Decides by numbers alone: the same measurements and bounds give the same verdict. A number that is missing or NaN never accepts. */
export function judge(measured: Measurements, bounds: JudgeBounds = defaultJudgeBounds): Verdict {
  const { before, after, deployedDisagreement } = measured;
  const { detectsOnly = false } = before;
  const numbers = derive(measured, bounds);
  const { targetScore, boxes, restyledBoxes } = numbers;
  const reasons: string[] = [];
  const require: Require = (holds, reason) => void (holds || reasons.push(reason));
  require(after.finite, "weights or answers are not finite");
  const frames = Math.min(before.exemplars.frames, after.exemplars.frames, before.target.frames, after.target.frames);
  require(frames >= bounds.leastFrames, `only ${frames} frames to judge by, ${bounds.leastFrames} needed`);
  if (detectsOnly) require(boxes !== undefined && restyledBoxes !== undefined, "no class of boxes could be compared: too few are labelled on exemplars");
  else requireMasks(numbers, bounds, require);
  if (boxes) requireBoxes(boxes, bounds.boxes, "on exemplars", require);
  if (restyledBoxes) requireBoxes(restyledBoxes, bounds.restyledBoxes, "in the frames' colours", require);
  require(targetScore.gain >= targetScore.needed, `the target score gained ${points(targetScore.gain)}, ${points(targetScore.needed)} needed`);
  require(deployedDisagreement <= bounds.mostDisagreement, `stored and trained weights disagree on ${deployedDisagreement.toFixed(2)} % of ${detectsOnly ? "boxes" : "pixels"}`);
  require(after.latencyMs <= bounds.latencyRatio * before.latencyMs, `a frame takes ${after.latencyMs.toFixed(1)} ms instead of ${before.latencyMs.toFixed(1)}`);
  return { accepted: reasons.length === 0, reasons, numbers };
}

type Require = (holds: boolean, reason: string) => void;

function requireMasks({ before, delivered, after, worstClass, worstRestyled, variety, shift }: VerdictNumbers, bounds: JudgeBounds, require: Require): void {
  require(worstClass !== undefined && worstClass.loss <= bounds.classLoss, worstClass ? `${worstClass.name} lost ${points(worstClass.loss)} on exemplars` : "no class could be compared on exemplars");
  require(
    worstRestyled !== undefined && worstRestyled.loss <= bounds.restyledClassLoss,
    worstRestyled ? `${worstRestyled.name} lost ${points(worstRestyled.loss)} in the frames' colours` : "no class could be compared in the frames' colours",
  );
  const loss = (delivered ?? before).exemplars.miou - after.exemplars.miou;
  require(loss <= bounds.meanLoss, `mIoU lost ${points(loss)} on exemplars`);
  require(variety.after >= bounds.leastVariety * variety.before, `categories collapsed on target frames: effectively ${variety.after.toFixed(1)} of ${variety.before.toFixed(1)}`);
  require(shift <= bounds.mostShift, `the shares of categories on target frames moved by ${shift.toFixed(2)}`);
}

function requireBoxes({ mean, worstClass }: BoxLosses, { meanLoss, classLoss }: BoxBounds, where: string, require: Require): void {
  require(worstClass.loss <= classLoss, `boxes of ${worstClass.name} lost ${points(worstClass.loss)} of AP50 ${where}`);
  require(mean <= meanLoss, `boxes lost ${points(mean)} of AP50 ${where}`);
}

/** What weights are worth on target frames, percent: no labels exist there, so it is a stand-in that can be wrong. By masks, or by boxes of what only detects. */
export function targetScore({ detectsOnly, restyled, target }: ModelMeasurement, { weights }: JudgeBounds): number {
  const sum = weights.restyled + weights.consistency + weights.confidence;
  const known = detectsOnly ? (restyled.boxes?.ap50 ?? NaN) : restyled.miou;
  return (weights.restyled * known + weights.consistency * target.consistency + weights.confidence * target.confidence) / sum;
}

function derive(measured: Measurements, bounds: JudgeBounds): VerdictNumbers {
  const { before, after } = measured;
  const score = { before: targetScore(before, bounds), after: targetScore(after, bounds) };
  const start = measured.delivered ?? before;
  const worstClass = worst(start.exemplars.perClass, after.exemplars.perClass);
  const worstRestyled = worst(better(start.restyled.perClass, before.restyled.perClass), after.restyled.perClass);
  const boxes = boxLosses(start.exemplars.boxes, after.exemplars.boxes);
  const restyledBoxes = boxLosses(betterBoxes(start.restyled.boxes, before.restyled.boxes), after.restyled.boxes);
  const [was, is] = [new Map(Object.entries(before.target.shares)), new Map(Object.entries(after.target.shares))];
  return {
    ...measured,
    targetScore: { ...score, gain: score.after - score.before, needed: before.detectsOnly ? bounds.leastBoxGain : bounds.leastGain },
    ...(worstClass && { worstClass }),
    ...(worstRestyled && { worstRestyled }),
    ...(boxes && { boxes }),
    ...(restyledBoxes && { restyledBoxes }),
    variety: { before: effectiveCount(was), after: effectiveCount(is) },
    shift: hellinger(was, is),
  };
}

/** What is not answered any more lost all that it had. */
function boxLosses(before: BoxScore | undefined, after: BoxScore = { ap50: 0, perClass: {} }): BoxLosses | undefined {
  const worstClass = before && worst(before.perClass, after.perClass);
  return worstClass && { mean: before.ap50 - after.ap50, worstClass };
}

/** Of each category, the greater of two scores. */
const better = (a: ByName, b: ByName): ByName => ({ ...a, ...Object.fromEntries(Object.entries(b).map(([name, score]) => [name, Math.max(score, a[name] ?? score)])) });

const betterBoxes = (a: BoxScore | undefined, b: BoxScore | undefined): BoxScore | undefined =>
  a && b ? { ap50: Math.max(a.ap50, b.ap50), perClass: better(a.perClass, b.perClass) } : (a ?? b);

function worst(before: ByName, after: ByName): ClassLoss | undefined {
  const losses = Object.entries(before).map(([name, score]) => ({ name, loss: score - (after[name] ?? 0) }));
  // NaN first: it must not hide behind a class that can be compared.
  return losses.sort((a, b) => Number(Number.isNaN(b.loss)) - Number(Number.isNaN(a.loss)) || b.loss - a.loss)[0];
}

/** e to the entropy: as many categories of equal share would be as varied. */
export function effectiveCount(shares: ReadonlyMap<string, number>): number {
  let entropy = 0;
  for (const share of shares.values()) if (share > 0) entropy -= share * Math.log(share);
  return Math.exp(entropy);
}

const points = (value: number): string => `${value.toFixed(2)} points`;
