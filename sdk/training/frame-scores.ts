import { bootstrapInterval, bootstrapIntervals, type BoxMatches, ConfusionMatrix, type DetectionScore, type Interval, type SegmentationScore } from "./metrics/index.js";

/** What a model came to on each frame of a dataset, so that any choice of frames can be scored. */
export class FrameScores {
  /**
   * @param names of the masks
   * @param confusions one for each frame with a mask
   * @param matches of the frames with boxes
   */
  constructor(
    private readonly names: readonly string[],
    private readonly confusions: readonly ConfusionMatrix[],
    private readonly matches: BoxMatches,
  ) {}

  /** How many frames have masks, and boxes; they are numbered apart. */
  get counts(): { readonly masks: number; readonly boxes: number } {
    return { masks: this.confusions.length, boxes: this.matches.images };
  }

  masks(frames: readonly number[] = [...this.confusions.keys()]): SegmentationScore {
    const all = new ConfusionMatrix(this.names);
    for (const frame of frames) all.include(this.confusions[frame]);
    return all.score();
  }

  boxes(frames?: readonly number[]): DetectionScore {
    return this.matches.score(frames);
  }

  /** 95 % intervals of mIoU and of AP50, percent, by bootstrap over frames. */
  intervals(): { readonly miou: Interval | null; readonly ap50: Interval | null } {
    const { counts } = this;
    return { miou: bootstrapInterval(counts.masks, (drawn) => this.masks(drawn).miou), ap50: bootstrapInterval(counts.boxes, (drawn) => this.boxes(drawn).ap50) };
  }
}

/** Points of percent that one model scores more than another on the same frames. */
export interface Gain {
  readonly points: number;
  /** 95 %, by bootstrap over frames, on each draw of which both are scored: what makes a frame hard for both is not in the spread. */
  readonly interval: Interval | null;
}

/** Null, or without the name, where one of the two has no score. */
export interface Gains {
  readonly miou: Gain | null;
  readonly ap50: Gain | null;
  readonly perClass: Readonly<Record<string, Gain>>;
  readonly perClassAp50: Readonly<Record<string, Gain>>;
}

/** How much more `after` scores than `before`, both of one dataset. */
export function gains(before: FrameScores, after: FrameScores): Gains {
  const [masks, boxes] = [maskGains(before, after), boxGains(before, after)];
  return { miou: masks.mean, perClass: masks.perClass, ap50: boxes.mean, perClassAp50: boxes.perClass };
}

/** Of masks, or of boxes. */
export interface GainsOfKind {
  readonly mean: Gain | null;
  readonly perClass: Readonly<Record<string, Gain>>;
}

export function maskGains(before: FrameScores, after: FrameScores): GainsOfKind {
  const scores = (of: FrameScores): Scores => (drawn) => {
    const { miou, perClass } = of.masks(drawn);
    return { ...perClass, [theMean]: miou };
  };
  return gainsOf(Math.min(before.counts.masks, after.counts.masks), scores(before), scores(after));
}

export function boxGains(before: FrameScores, after: FrameScores): GainsOfKind {
  const scores = (of: FrameScores): Scores => (drawn) => {
    const { ap50, perClass } = of.boxes(drawn);
    return { ...perClass, [theMean]: ap50 };
  };
  return gainsOf(Math.min(before.counts.boxes, after.counts.boxes), scores(before), scores(after));
}

/** Beside names of classes, of which none is empty. */
const theMean = "";

/** By name, of the frames that are drawn, or of all. */
type Scores = (drawn?: readonly number[]) => Readonly<Record<string, number | undefined>>;

function gainsOf(frames: number, before: Scores, after: Scores): GainsOfKind {
  const differences = (drawn?: readonly number[]): Record<string, number> => {
    const was = before(drawn);
    return Object.fromEntries(Object.entries(after(drawn)).flatMap(([name, is]) => (is === undefined || was[name] === undefined ? [] : [[name, is - was[name]]])));
  };
  if (frames === 0) return { mean: null, perClass: {} };
  const intervals = bootstrapIntervals(frames, differences);
  const { [theMean]: mean = null, ...perClass } = Object.fromEntries(Object.entries(differences()).map(([name, points]): [string, Gain] => [name, { points, interval: intervals[name] ?? null }]));
  return { mean, perClass };
}
