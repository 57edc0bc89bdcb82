import type { Bundle, Exemplar } from "../../bundle/index.js";
import { NightshiftError } from "../../errors.js";
import type { Box } from "../../frame.js";
import { answersBoxes, answersMasks, type Network } from "../../network/architecture.js";
import type { LabelledFrames } from "../judge/index.js";
import { type Batch, BatchLoader } from "../../training/batch/index.js";
import type { Dataset } from "../../training/dataset.js";
import type { BundleText } from "./bundle-text.js";
import type { LabelledSet, TrainingOptions } from "./job.js";

/** Labelled frames, some to teach with and some to judge by. */
export interface Exemplars {
  readonly teaching: readonly LabelledSet[];
  readonly judging: readonly LabelledSet[];
}

/** The labelled frames that travel with a bundle; none where it has none. */
export const exemplarsOf = async (bundle: Bundle): Promise<LabelledSet[]> =>
  bundle.manifest.exemplars ? [{ name: "bundle", ...bundle.manifest.exemplars, samples: await bundle.exemplars() }] : [];

/**
 * Keeps one in `judgeEvery` of each set for judging, at most `judgeFrames` in all: of frames with the labels that teach the network, masks, or boxes of one that only detects.
 * Throws `E_DATASET_UNLABELLED` where nothing is left to teach with.
 */
export function splitExemplars(sets: readonly LabelledSet[], { judgeEvery, judgeFrames }: TrainingOptions, network: Network): Exemplars {
  const labelled = sets.map((set) => (answersMasks(network) ? { ...set, samples: set.samples.filter(({ mask }) => mask) } : boxesAlone(set)));
  const most = Math.max(1, Math.floor(judgeFrames / Math.max(1, sets.length)));
  const isForJudging = (_: Exemplar, index: number): boolean => index % judgeEvery === judgeEvery - 1;
  const teaching = labelled.map((set) => ({ ...set, samples: set.samples.filter((sample, index) => !isForJudging(sample, index)) }));
  const judging = labelled.map((set) => ({ ...set, samples: set.samples.filter(isForJudging).slice(0, most) }));
  const isFull = ({ samples }: LabelledSet): boolean => samples.length > 0;
  if (!teaching.some(isFull) || !judging.some(isFull))
    throw new NightshiftError("E_DATASET_UNLABELLED", {
      expected: `at least ${judgeEvery} labelled exemplars in the bundle or beside it`,
      received: `${labelled.reduce((sum, { samples }) => sum + samples.length, 0)}`,
      remedy: `Use a bundle with exemplars, or add frames with labelled ${answersMasks(network) ? "masks" : "boxes"} by --exemplars.`,
    });
  return { teaching: teaching.filter(isFull), judging: judging.filter(isFull) };
}

/** A set without its masks and their names, for a network that only detects; frames without labelled boxes are left out. */
function boxesAlone({ samples, ...set }: LabelledSet): LabelledSet {
  return { ...set, names: set.boxNames, samples: samples.flatMap(({ mask: _, ...sample }) => (sample.boxes ? [sample] : [])) };
}

export function datasetOf({ name, names, boxNames, samples }: LabelledSet): Dataset {
  return { name, names, boxNames, length: samples.length, sample: (index) => Promise.resolve(samples[index]) };
}

/** Labelled frames as the judge takes them: whole, at the network's input size; with their boxes where the network answers any. */
export async function judgingFrames(sets: readonly LabelledSet[], text: BundleText, network: Network): Promise<LabelledFrames[]> {
  const { width, height } = network;
  const all: LabelledFrames[] = [];
  for (const set of sets) {
    const maxBoxes = answersBoxes(network) ? Math.max(0, ...set.samples.map(({ boxes }) => boxes?.length ?? 0)) : 0;
    const loader = new BatchLoader([{ dataset: datasetOf(set), share: 1, boxes: maxBoxes > 0 }], { batchSize: 1, augment: false, width, height, maxBoxes, cacheMb: 0 });
    const frames = [];
    for (let index = 0; index < set.samples.length; index++) {
      const batch = await loader.batch(index);
      frames.push({ rgb: batch.frames, labels: batch.labels, ...(batch.hasBoxes[0] === 1 && { boxes: boxesOf(batch) }) });
    }
    const isApart = maxBoxes > 0 && !set.boxNames.every((name) => set.names.includes(name));
    all.push({ name: set.name, vocabulary: await text.vocabulary(set.names), ...(isApart && { boxVocabulary: await text.vocabulary(set.boxNames) }), frames });
  }
  return all;
}

/** Of a batch of one. */
const boxesOf = ({ boxes, boxLabels, names: [names] }: Batch): Box[] =>
  Array.from(boxLabels.filter((label) => label >= 0), (label, at) => {
    const [x1, y1, x2, y2] = boxes.subarray(at * 4, at * 4 + 4);
    return { x1, y1, x2, y2, label: names[label] };
  });
