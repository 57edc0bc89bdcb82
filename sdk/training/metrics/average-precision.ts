import { type Box, boxIou, type LabelledBox, type ScoredBox } from "../../frame.js";

export interface DetectionScore {
  /** Mean over `perClass`, percent; undefined where nothing was labelled. */
  readonly ap50: number | undefined;
  /** Average precision in percent, for each class that the labels hold. */
  readonly perClass: Readonly<Record<string, number>>;
}

/** Scored boxes are ranked, so that weak ones count too: below this they change nothing any more. */
export const evaluationThreshold = 0.02;

/** An answer, and whether it claims a labelled box that no surer answer of its image claimed. */
interface Matched {
  readonly score: number;
  readonly hit: boolean;
}

/** One class in one image: its labelled boxes, and answers by falling score. */
interface OfClass {
  /** Those that count. */
  readonly wanted: number;
  readonly answers: readonly Matched[];
}

/**
 * Answers that are matched with labelled boxes once, so that any choice of images can be scored. One entry an image in both lists, boxes in the same pixels; each answer may claim
 * the labelled box of its class that it overlaps most, by falling score, once. Difficult boxes are not counted, and neither are answers that lie on them.
 */
export class BoxMatches {
  /** By image; classes in the order of its labels, then of its answers. */
  readonly #images: readonly ReadonlyMap<string, OfClass>[];

  constructor(detections: readonly (readonly ScoredBox[])[], truths: readonly (readonly LabelledBox[])[]) {
    this.#images = truths.map((wanted, image) => {
      const found = detections[image] ?? [];
      const labels = new Set([...wanted, ...found].map(({ label }) => label));
      const of = <B extends Box>(boxes: readonly B[], label: string): B[] => boxes.filter((box) => box.label === label);
      return new Map([...labels].map((label) => [label, matched(of(found, label), of(wanted, label))]));
    });
  }

  /** How many there are. */
  get images(): number {
    return this.#images.length;
  }

  /**
   * Average precision at an intersection over union of 0.5 over these images, each as often as it is named, over all unless told otherwise: the area under the interpolated
   * precision-recall curve (all points, as PASCAL VOC since 2010). Answers of classes that no label holds do not count.
   */
  score(images: readonly number[] = [...this.#images.keys()]): DetectionScore {
    const chosen = images.map((image) => this.#images[image]);
    const labels = new Set(chosen.flatMap((image) => [...image].flatMap(([label, { wanted }]) => (wanted > 0 ? label : []))));
    const perClass: Record<string, number> = {};
    for (const label of labels) {
      const each = chosen.flatMap((image) => image.get(label) ?? []);
      const answers = each.flatMap(({ answers }) => answers).sort((a, b) => b.score - a.score);
      perClass[label] = 100 * areaUnderCurve(answers.map(({ hit }) => hit), each.reduce((sum, { wanted }) => sum + wanted, 0));
    }
    const values = Object.values(perClass);
    return { ap50: values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length, perClass };
  }
}

/** Average precision over all images. See `BoxMatches`. */
export const averagePrecision50 = (detections: readonly (readonly ScoredBox[])[], truths: readonly (readonly LabelledBox[])[]): DetectionScore => new BoxMatches(detections, truths).score();

function matched(found: readonly ScoredBox[], wanted: readonly LabelledBox[]): OfClass {
  const claimed = new Set<Box>();
  const claimOf = (box: ScoredBox): Matched | [] => {
    let [most, nearest]: [number, LabelledBox | undefined] = [0, undefined];
    for (const truth of wanted) {
      const overlap = boxIou(box, truth);
      if (overlap > most) [most, nearest] = [overlap, truth];
    }
    const { score } = box;
    if (!nearest || most < 0.5) return { score, hit: false };
    if (nearest.difficult) return [];
    const hit = !claimed.has(nearest);
    claimed.add(nearest);
    return { score, hit };
  };
  const answers = found.toSorted((a, b) => b.score - a.score).flatMap(claimOf);
  return { wanted: wanted.filter(({ difficult }) => !difficult).length, answers };
}

function areaUnderCurve(found: readonly boolean[], wanted: number): number {
  let right = 0;
  const precision = found.map((hit, index) => (hit ? ++right : right) / (index + 1));
  // Interpolated: the best precision at this recall or any higher one.
  for (let index = precision.length - 2; index >= 0; index--) precision[index] = Math.max(precision[index], precision[index + 1]);
  return found.reduce((area, hit, index) => area + (hit ? precision[index] / wanted : 0), 0);
}
