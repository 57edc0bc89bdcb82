import { NightshiftError } from "../errors.js";
import type { LabelledBox } from "../frame.js";

/** A label that is never scored and never taught. */
export const ignoreLabel = 255;

/** Masks of which no pixel has a class hold other ids than are listed: what is measured on them, or learnt from them, is nothing. */
export const noneLabelled = (name: string, masks: number): NightshiftError =>
  new NightshiftError("E_DATASET", {
    expected: `pixels of the classes that are listed in the masks of ${name}`,
    received: `${masks} ${masks === 1 ? "mask" : "masks"} without any`,
    remedy: "List the ids in classes.json that the masks hold, for example those of labelTrainIds or of labelIds.",
  });

export interface Sample {
  /** Stable within its dataset, for example the file name without its suffix. */
  readonly id: string;
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** `height * width * 3` bytes, packed RGB. */
  readonly rgb: Uint8Array;
  /** `height * width` indices into the dataset's `names`, or `ignoreLabel`. Absent where masks are not labelled. */
  readonly mask?: Uint8Array;
  /** `height * width` metres along the viewing axis, infinite in the sky. Absent where depth is not labelled. */
  readonly depth?: Float32Array;
  /** Absent where boxes are not labelled; an empty list says that there is nothing to find. */
  readonly boxes?: readonly LabelledBox[];
}

/** Frames with or without labels. One file in `adapters/datasets` implements it for each form on disk. */
export interface Dataset {
  readonly name: string;
  /** What the values of a sample's mask mean, in words. Empty where masks are not labelled. */
  readonly names: readonly string[];
  /** The names that boxes carry. Empty where boxes are not labelled. */
  readonly boxNames: readonly string[];
  /** For a name of the masks, others that its pixels may bear: of a "car" that stands for every vehicle, "truck" and "bus". A name that is nobody's label is known to be nowhere else. */
  readonly alsoNames?: ReadonlyMap<string, readonly string[]>;
  readonly length: number;
  sample(index: number): Promise<Sample>;
}

/** Opens the dataset that a specification describes. */
export type OpenDataset = (spec: unknown) => Promise<Dataset>;

/** What the module at a URL exports as `openDataset`: training need not know any form of dataset, and threads find it by its URL. */
export const openerOf = async (module: URL | string): Promise<OpenDataset> => ((await import(String(module))) as { readonly openDataset: OpenDataset }).openDataset;

/**
 * The dataset in other words: who is asked for "pavement" where the labels say "sidewalk" must know both by their meaning. Names that `words` lacks stay.
 * Throws `E_VOCABULARY` for a word for a name that the dataset does not have.
 */
export function inOtherWords(dataset: Dataset, words: ReadonlyMap<string, string>): Dataset {
  const known = new Set([...dataset.names, ...dataset.boxNames]);
  const stranger = [...words.keys()].find((name) => !known.has(name));
  if (stranger !== undefined)
    throw new NightshiftError("E_VOCABULARY", {
      expected: `other words for names of ${dataset.name}: ${[...known].join(", ")}`,
      received: JSON.stringify(stranger),
      remedy: "Correct the name, as the dataset's classes.json has it.",
    });
  const word = (name: string): string => words.get(name) ?? name;
  return {
    ...dataset,
    names: dataset.names.map(word),
    boxNames: dataset.boxNames.map(word),
    sample: async (index) => {
      const { boxes, ...sample } = await dataset.sample(index);
      return { ...sample, ...(boxes && { boxes: boxes.map((box) => ({ ...box, label: word(box.label) })) }) };
    },
  };
}

/**
 * The dataset, with other names asked for beside those of its masks, as on a vehicle, whose vocabulary no data set has: each pixel that is called one of them is a mistake.
 * Throws `E_VOCABULARY` for a name that it has, and where its masks have none.
 */
export function askedBeside(dataset: Dataset, others: readonly string[]): Dataset {
  const known = others.find((name) => dataset.names.includes(name));
  if (known !== undefined || dataset.names.length === 0)
    throw new NightshiftError("E_VOCABULARY", {
      expected: `names that no mask of ${dataset.name} is labelled with, beside those that are: ${dataset.names.join(", ") || "none"}`,
      received: JSON.stringify(known ?? others),
      remedy: "Leave the name out; what is labelled is asked for.",
    });
  return { ...dataset, names: [...dataset.names, ...others] };
}

/** For a class, the words that its pixels may bear, any of them. */
export type FinerWords = Readonly<Record<string, readonly string[]>>;

/**
 * The dataset in finer words: `finer` says which words a pixel of a class may bear, any of them; a class that it lacks keeps its own. So a label set that calls every vehicle a car teaches where no
 * bus is, which names that it does not ask for never learn from it, and leaves open which of the vehicles are buses. Its labels are told by each class's first word. Boxes likewise.
 *
 * Throws `E_CONFIG` where a class is not the dataset's, has no word, or begins with the word that another is told by.
 */
export function inFinerWords(dataset: Dataset, finer: FinerWords): Dataset {
  if (Object.keys(finer).length === 0) return dataset;
  const own = [...new Set([...dataset.names, ...dataset.boxNames])];
  const wordsOf = (name: string): readonly string[] => finer[name] ?? [name];
  const firsts = own.map((name) => wordsOf(name)[0]);
  const wrong =
    Object.keys(finer).find((name) => !own.includes(name)) ??
    own.find((name, at) => firsts[at] === undefined || firsts.indexOf(firsts[at]) !== at);
  if (wrong !== undefined)
    throw new NightshiftError("E_CONFIG", {
      expected: `finer words for classes of ${dataset.name} (${own.join(", ")}), each with a first word of its own`,
      received: `${JSON.stringify(wrong)}: ${JSON.stringify(finer[wrong])}`,
      remedy: "Correct the recipe.",
    });
  const first = (name: string): string => wordsOf(name)[0];
  const labels = dataset.names.map(first);
  const names = [...new Set([...labels, ...dataset.names.flatMap(wordsOf)])];
  return {
    ...inOtherWords(dataset, new Map(own.map((name) => [name, first(name)]))),
    names,
    alsoNames: new Map(own.flatMap((name) => (wordsOf(name).length > 1 ? [[first(name), wordsOf(name).slice(1)]] : []))),
  };
}

/** What a source's labels are taught as: in finer words, and beside names of which they have none (`askedBeside`). */
export interface Words {
  readonly finer?: FinerWords;
  readonly also?: readonly string[];
}

/** Throws as `inFinerWords` and `askedBeside`. */
export function inTaughtWords(dataset: Dataset, { finer = {}, also = [] }: Words): Dataset {
  const told = inFinerWords(dataset, finer);
  return also.length === 0 ? told : askedBeside(told, also);
}

/**
 * The dataset as one that never heard of some names: their pixels are not labelled, and their boxes are nothing. For measuring what words alone are worth.
 * Names that it does not have are none of its own.
 */
export function withoutNames(dataset: Dataset, heldOut: readonly string[]): Dataset {
  const isKept = (name: string): boolean => !heldOut.includes(name);
  const names = dataset.names.filter(isKept);
  const place = new Uint8Array(256).fill(ignoreLabel);
  for (const [at, name] of dataset.names.entries()) if (isKept(name)) place[at] = names.indexOf(name);
  return {
    ...dataset,
    names,
    boxNames: dataset.boxNames.filter(isKept),
    sample: async (index) => {
      const { mask, boxes, ...sample } = await dataset.sample(index);
      return { ...sample, ...(mask && { mask: mask.map((label) => place[label]) }), ...(boxes && { boxes: boxes.filter(({ label }) => isKept(label)) }) };
    },
  };
}

/** Throws `E_CONFIG` where a name is held out that no label of these datasets has: a misspelt one would hold nothing out. */
export function checkHeldOut(heldOut: readonly string[], datasets: readonly Pick<Dataset, "names" | "boxNames">[]): void {
  const known = new Set(datasets.flatMap(({ names, boxNames }) => [...names, ...boxNames]));
  const strangers = heldOut.filter((name) => !known.has(name));
  if (strangers.length > 0)
    throw new NightshiftError("E_CONFIG", {
      expected: `held-out names among those that are labelled: ${[...known].join(", ")}`,
      received: strangers.map((name) => JSON.stringify(name)).join(", "),
      remedy: "Correct the names, or leave them out.",
    });
}
