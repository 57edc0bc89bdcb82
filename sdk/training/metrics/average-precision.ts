import { type Box, boxIou, type ScoredBox } from "../../frame.js";

export interface DetectionScore {
  /** Mean over `perClass`, percent; undefined where nothing was labelled. */
  readonly ap50: number | undefined;
  /** Average precision in percent, for each class that the labels hold. */
  readonly perClass: Readonly<Record<string, number>>;
}

/** Scored boxes are ranked, so that weak ones count too: below this they change nothing any more. */
export const evaluationThreshold = 0.02;

interface Answer {
  readonly image: number;
  readonly box: ScoredBox;
}

/**
 * Average precision at an intersection over union of 0.5, the area under the interpolated precision-recall curve (all points, as PASCAL VOC since 2010).
 * Answers of all images are taken by falling score; each may claim the labelled box of its class that it overlaps most, once. One entry an image in both lists,
 * boxes in the same pixels. Answers of classes that no label holds do not count.
 */
export function averagePrecision50(detections: readonly (readonly ScoredBox[])[], truths: readonly (readonly Box[])[]): DetectionScore {
  const perClass: Record<string, number> = {};
  const labels = new Set(truths.flatMap((boxes) => boxes.map(({ label }) => label)));
  for (const label of labels) {
    const wanted = truths.map((boxes) => boxes.filter((box) => box.label === label));
    const answers = detections
      .flatMap((boxes, image) => boxes.filter((box) => box.label === label).map((box): Answer => ({ image, box })))
      .sort((a, b) => b.box.score - a.box.score);
    perClass[label] = 100 * areaUnderCurve(hits(answers, wanted), wanted.flat().length);
  }
  const values = Object.values(perClass);
  return { ap50: values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length, perClass };
}

/** For each answer in turn, whether it claims a labelled box that no better answer claimed. */
function hits(answers: readonly Answer[], wanted: readonly (readonly Box[])[]): boolean[] {
  const claimed = new Set<Box>();
  return answers.map(({ image, box }) => {
    let [most, nearest]: [number, Box | undefined] = [0, undefined];
    for (const truth of wanted[image] ?? []) {
      const overlap = boxIou(box, truth);
      if (overlap > most) [most, nearest] = [overlap, truth];
    }
    if (!nearest || most < 0.5 || claimed.has(nearest)) return false;
    claimed.add(nearest);
    return true;
  });
}

function areaUnderCurve(found: readonly boolean[], wanted: number): number {
  let right = 0;
  const precision = found.map((hit, index) => (hit ? ++right : right) / (index + 1));
  // Interpolated: the best precision at this recall or any higher one.
  for (let index = precision.length - 2; index >= 0; index--) precision[index] = Math.max(precision[index], precision[index + 1]);
  return found.reduce((area, hit, index) => area + (hit ? precision[index] / wanted : 0), 0);
}
