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
  const masks = gainsOf(Math.min(before.counts.masks, after.counts.masks), (drawn) => [before.masks(drawn), after.masks(drawn)].map(({ miou, perClass }) => ({ mean: miou, perClass })));
  const boxes = gainsOf(Math.min(before.counts.boxes, after.counts.boxes), (drawn) => [before.boxes(drawn), after.boxes(drawn)].map(({ ap50, perClass }) => ({ mean: ap50, perClass })));
  return { miou: masks.mean, perClass: masks.perClass, ap50: boxes.mean, perClassAp50: boxes.perClass };
}

interface Scores {
  readonly mean: number | undefined;
  readonly perClass: Readonly<Record<string, number>>;
}

function gainsOf(frames: number, both: (drawn?: readonly number[]) => readonly Scores[]): { readonly mean: Gain | null; readonly perClass: Record<string, Gain> } {
  /** By name; that of no name is the mean's. */
  const differences = (drawn?: readonly number[]): Record<string, number> => {
    const [before, after] = both(drawn).map(({ mean = NaN, perClass }): Record<string, number> => ({ "": mean, ...perClass }));
    const each = Object.entries(after).map(([name, is]): [string, number] => [name, is - (before[name] ?? NaN)]);
    return Object.fromEntries(each.filter(([, difference]) => !Number.isNaN(difference)));
  };
  if (frames === 0) return { mean: null, perClass: {} };
  const intervals = bootstrapIntervals(frames, differences);
  const { "": mean, ...perClass } = Object.fromEntries(Object.entries(differences()).map(([name, points]): [string, Gain] => [name, { points, interval: intervals[name] ?? null }]));
  return { mean: mean ?? null, perClass };
}
